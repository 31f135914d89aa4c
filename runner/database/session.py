"""Connect, tell how a session stands, and put it back to what it was."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from runner.database.message import Connection, run
from runner.database.url import parse, redacted
from runner.errors import CannotConnect, DatabaseMissing

if TYPE_CHECKING:
    from collections.abc import Callable

# A server that has vanished is noticed within a minute or so, not after the system's two hours.
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60000,
}
NO_SUCH_DATABASE = "select not exists (select from pg_catalog.pg_database where datname = %s)"


def connect(url: str, *, source: str, application: str = "runner", wait: float = 0) -> Connection:
    """Connect to ``url``; ``source`` is how messages name it. Libpq's variables and files apply.

    A server that does not answer is tried again for ``wait`` seconds, as it may be starting. Raises
    ``UrlMalformed``, ``DatabaseMissing`` or ``CannotConnect``; none of them repeats a password.
    """
    given = parse(url, source=source)
    options: dict[str, Any] = {**_PATIENCE, "application_name": application, **given}
    deadline = time.monotonic() + wait
    while True:
        try:
            return _connect(options, source)
        except CannotConnect:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.5)


def _connect(options: dict[str, Any], source: str) -> Connection:
    try:
        return psycopg.connect(
            make_conninfo(**options), client_encoding="utf8", autocommit=True, prepare_threshold=None
        )
    except psycopg.OperationalError as error:
        if not isinstance(error, psycopg.errors.ConnectionTimeout) and _is_missing(options):
            raise DatabaseMissing(
                f"The server of {source} has no database {options['dbname']}.",
                remedy=f"Create it as an administrator: create database {_quoted(str(options['dbname']))};",
            ) from error
        raise CannotConnect(
            f"Cannot connect to the server of {source}.",
            remedy="Check that it runs, and the host, port, user and password of the URL.",
            notes=redacted(str(error), options),
        ) from error


def _is_missing(options: dict[str, Any]) -> bool:
    """Ask the maintenance database, because the server's own words are translated."""
    if not options.get("dbname"):
        return False
    try:
        with psycopg.connect(make_conninfo(**options | {"dbname": "postgres"})) as connection:
            row = connection.execute(NO_SUCH_DATABASE, (options["dbname"],)).fetchone()
            return bool(row and row[0])
    except psycopg.Error:
        return False


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else sql.Identifier(name).as_string()


class Access(NamedTuple):  # as in model: it starts faster
    """A connection to a database, and how to open another one to it.

    ``notices_loss`` says that the server can be asked to look whether its client is still there.
    """

    connection: Connection
    reconnect: Callable[[], Connection]
    notices_loss: bool = False


def in_transaction(connection: Connection) -> bool:
    """Tell whether the session is in a transaction that has not failed."""
    return connection.pgconn.transaction_status == pq.TransactionStatus.INTRANS


def is_lost(connection: Connection, error: psycopg.Error) -> bool:
    """Tell whether ``error`` says that the connection is gone.

    A server names every error with an SQLSTATE; one without is libpq's own, which may come before libpq
    calls the connection bad (a reset while it was writing, observed).
    """
    return error.sqlstate is None or connection.closed or connection.broken


def roll_back(connection: Connection) -> None:
    """End the transaction, if any; a connection that cannot do so is closed, which does it on the server."""
    if connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        return
    try:
        run(connection, "rollback")
    except psycopg.Error:
        connection.close()


def put_back(connection: Connection) -> None:
    """Put role and settings back to what they were when the session began."""
    run(connection, "reset session authorization; reset role; reset all")


def start_over(connection: Connection) -> None:
    """Give back all a session has gathered: settings, prepared statements, temporary tables, locks.

    A connection that cannot do so is closed, which does it on the server.
    """
    try:
        run(connection, "discard all")
    except psycopg.Error:
        connection.close()


def speak_utf8(connection: Connection) -> None:
    """Take UTF-8 up again where a file has left it: a message is decoded before its own settings count."""
    if connection.pgconn.parameter_status(b"client_encoding") != b"UTF8":
        run(connection, "set client_encoding = 'UTF8'")
