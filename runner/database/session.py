"""Connect, tell how a session stands, and put it back to what it was."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import generators, pq, waiting
from psycopg.conninfo import make_conninfo, timeout_from_conninfo

from runner.database import attention, passfile
from runner.database.attention import Attentive
from runner.database.message import Connection, run
from runner.database.url import parse, resolved, surroundings
from runner.errors import DatabaseMissing, RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable

# A server that has vanished is noticed within a minute or so, not after the system's two hours.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60000,
}
# A wrong one, for where a client's key is encrypted: OpenSSL would ask even a pipe for it, and wait for ever.
_WITHOUT_TERMINAL = {"sslpassword": "nobody is there to ask"}
_LIBPQ_13 = 130000  # knows sslpassword
_ELSEWHERE = {"PGSERVICE", "PGCONNECT_TIMEOUT"}  # where else these may be set: to look there takes a moment
# A session of the runner's waits while another database is migrated, or before a file is tried again. It
# outlives what goes wrong in it, which else nobody could tell from a server that is gone.
STAY = """
    case when pg_catalog.current_setting('idle_session_timeout', true) operator(pg_catalog.<>) '0'
        then pg_catalog.set_config('idle_session_timeout', '0', false)
    end,
    case when pg_catalog.current_setting('exit_on_error', true) operator(pg_catalog.<>) 'off'
        then pg_catalog.set_config('exit_on_error', 'off', false)
    end
"""
TRANSACTION_TIMEOUT = "25P04"  # PostgreSQL 17 and later; ends the session
# SQLSTATEs, or how they begin, that end a session for its own sake: connections, idleness, resources, the
# server. With exit_on_error any other does, for that of the file.
_OF_SESSIONS = ("08", "25P03", "53", "57P", "58", "XX")


def connect(url: str, *, source: str, application: str = "runner", wait: float = 0) -> Connection:
    """Connect to ``url``; ``source`` is how messages name it. Libpq's variables and files apply.

    A server that does not answer is tried again for ``wait`` seconds, as it may be starting, and so is one
    that has no such database or role yet. Raises ``CannotConnect`` where another try may succeed, else a
    ``UsageError`` that says what is wrong; none of them repeats a password.
    """
    given = passfile.unheard(parse(url, source=source))
    deadline = time.monotonic() + wait
    while True:
        try:
            with surroundings(given):  # not over the pauses: the variables are hidden from all threads
                return _connect({"application_name": application, **given, **_patience(given)}, source)
        except RunnerError as problem:
            if not problem.may_pass or time.monotonic() >= deadline:
                raise
            attention.pause(0.5)


def check_database(url: str, *, source: str) -> None:
    """Raise ``DatabaseMissing`` for a URL without a database: libpq would take one named like the role."""
    given = parse(url, source=source)
    if not given.get("dbname") and not (
        "service" in given or os.environ.keys() & {"PGDATABASE", "PGSERVICE"}
    ):
        raise DatabaseMissing(
            f"The URL in {source} names no database.",
            remedy="Write its name behind host and port: postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
        )


def _patience(given: dict[str, Any]) -> dict[str, Any]:
    """Return what nobody has set: neither the URL, nor a service, nor a variable.

    Of a service psycopg itself does not read the time to connect.
    """
    elsewhere = "service" in given or os.environ.keys() & _ELSEWHERE
    known = resolved(given) if elsewhere else given
    seconds = {"connect_timeout": known["connect_timeout"]} if "connect_timeout" in known else {}
    can_ask = os.isatty(0) or pq.version() < _LIBPQ_13
    own = _PATIENCE if can_ask else _PATIENCE | _WITHOUT_TERMINAL
    return {name: value for name, value in own.items() if name not in known} | seconds


def _connect(options: dict[str, Any], source: str) -> Connection:
    try:
        if str(options.get("host") or os.environ.get("PGHOST")).startswith("@"):
            return _by_libpq(options | {"client_encoding": "utf8"})
        return Attentive.connect(
            make_conninfo(**options), client_encoding="utf8", autocommit=True, prepare_threshold=None
        )
    except psycopg.Error as error:
        from runner.database import refusal  # noqa: PLC0415 - failures only

        problem = refusal.named(error, options | resolved(options), source=source)
        if "".join(problem.notes) == "".join(map(str.strip, str(error).splitlines())):
            raise problem from error
    raise problem  # without the driver's error, whose text holds a password


def _by_libpq(options: dict[str, Any]) -> Connection:
    """Connect to an abstract socket: psycopg would look for a host of that name."""
    seconds = timeout_from_conninfo(options)
    started = attention.limited(generators.connect(make_conninfo(**options)), seconds=seconds)
    connection = Attentive(waiting.wait_conn(started, interval=attention.INTERVAL))
    connection.autocommit, connection.prepare_threshold = True, None
    return connection


class Access(NamedTuple):  # as in model: it starts faster
    """A connection to a database, and how to open another one to it: with ``wait``, as ``connect`` has it.

    ``notices_loss`` says that the server can be asked to look whether its client is still there,
    ``is_direct`` that no pooler is in between, so that what a session keeps is this client's, ``greets`` that
    a trigger may set what each session begins with, which nothing but a new one brings back.
    """

    connection: Connection
    reconnect: Callable[..., Connection]
    notices_loss: bool = False
    is_direct: bool = False
    greets: bool = False


def in_transaction(connection: Connection) -> bool:
    """Tell whether the session is in a transaction that has not failed."""
    return connection.pgconn.transaction_status == pq.TransactionStatus.INTRANS


def is_standby(connection: Connection) -> bool:
    """Tell whether the server was in recovery as it last said so; a pooler may keep that to itself."""
    return connection.pgconn.parameter_status(b"in_hot_standby") == b"on"


def counts_letters(connection: Connection) -> bool:
    """Tell whether the server counts the letters of a text as Python does.

    In SQL_ASCII it knows bytes alone, and in EUC_JIS_2004 two letters of Unicode may be one.
    """
    return connection.pgconn.parameter_status(b"server_encoding") not in (b"SQL_ASCII", b"EUC_JIS_2004")


def is_lost(connection: Connection, error: psycopg.Error) -> bool:
    """Tell whether ``error`` says that the connection is gone, for no reason that concerns the file.

    A server names every error with an SQLSTATE; one without is libpq's own, which may come before libpq
    calls the connection bad (a reset while it was writing, observed).
    """
    if error.sqlstate is None:
        return True
    if connection.broken:  # the server has closed it
        return error.sqlstate.startswith(_OF_SESSIONS)
    return connection.closed and error.sqlstate != TRANSACTION_TIMEOUT


def roll_back(connection: Connection) -> None:
    """End the transaction, if any; a connection that cannot do so is closed, which does it on the server."""
    if connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        return
    try:
        run(connection, "rollback")
    except psycopg.Error:
        connection.close()


def put_back(connection: Connection) -> None:
    """Put role and settings back to what they were when the session began, but for what would end it."""
    run(connection, f"reset session authorization; reset role; reset all; select {STAY}")


def start_over(connection: Connection) -> None:
    """Give back all a session has gathered: settings, prepared statements, temporary tables, locks.

    A connection that cannot do so is closed, which does it on the server.
    """
    try:
        run(connection, "discard all")
        run(connection, f"select {STAY}")
    except psycopg.Error:
        connection.close()


def speak_plainly(connection: Connection) -> None:
    """See that the server reads the next message as it is written: UTF-8, no backslash escaping anything.

    A message is decoded and parsed before its own settings count.
    """
    for name, value in ((b"client_encoding", b"UTF8"), (b"standard_conforming_strings", b"on")):
        if connection.pgconn.parameter_status(name) != value:
            run(connection, f"set {name.decode()} = '{value.decode()}'")
