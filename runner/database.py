"""Talk to one PostgreSQL database: connect, ask, send a message, name what went wrong.

Every connection is in autocommit mode without server-side preparation: the runner writes its own
``begin`` and ``commit``, and a message holds exactly what it says.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import generators, pq, sql, waiting
from psycopg.adapt import Transformer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import CannotConnect, DatabaseMissing, UrlMalformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGresult

Connection = psycopg.Connection[tuple[Any, ...]]
Error = psycopg.Error
ConnectionBroken = psycopg.OperationalError

# A server that has vanished is noticed within a minute or so, not after the system's two hours.
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60000,
}
_FIELD = re.compile(r"\{(\w+)\}")
_CANCEL_SECONDS = 0.7  # for the request, and again for the answer
_NO_SUCH_DATABASE = "select not exists (select from pg_catalog.pg_database where datname = %s)"


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
            notes=_redacted(str(error), options),
        ) from error


def parse(url: str, *, source: str) -> dict[str, Any]:
    """Return libpq's options of a URL or conninfo text. Raises ``UrlMalformed``.

    An unescaped @ or / in a password makes libpq take the rest of it for a host or a database name, which
    would then stand in messages; such a URL is refused here.
    """
    scheme, _, rest = url.partition("://")
    if rest and scheme not in ("postgresql", "postgres"):
        raise _malformed(source, "it does not begin with postgresql://")
    try:
        options = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise _malformed(source, "it cannot be parsed") from None  # the driver's text repeats the URL
    path = rest.partition("?")[0].partition("/")[2]
    if "@" in path or "@" in str(options.get("host") or ""):
        raise _malformed(source, "user or password hold an unescaped character")
    if not re.fullmatch(r"[0-9,]*", str(options.get("port") or "")):
        raise _malformed(source, "its port is not a number")
    return options


def _malformed(source: str, reason: str) -> UrlMalformed:
    return UrlMalformed(
        f"The URL in {source} is malformed: {reason}.",
        remedy="Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in the password write @ as %40, "
        "/ as %2F, # as %23, ? as %3F and % as %25.",
    )


def _is_missing(options: dict[str, Any]) -> bool:
    """Ask the maintenance database, because the server's own words are translated."""
    if not options.get("dbname"):
        return False
    try:
        with psycopg.connect(make_conninfo(**options | {"dbname": "postgres"})) as connection:
            row = connection.execute(_NO_SUCH_DATABASE, (options["dbname"],)).fetchone()
            return bool(row and row[0])
    except psycopg.Error:
        return False


def _redacted(text: str, options: dict[str, Any]) -> tuple[str, ...]:
    if password := options.get("password"):
        text = text.replace(str(password), "***")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else sql.Identifier(name).as_string()


def environment(url: str, *, source: str) -> tuple[dict[str, str], str]:
    """Return libpq's variables for ``url``, password included, and a conninfo of what has no variable.

    With these a program such as psql connects without a secret among its arguments.
    """
    options = parse(url, source=source)
    names = {d.keyword.decode(): d.envvar.decode() for d in pq.Conninfo.get_defaults() if d.envvar}
    variables = {names[key]: str(value) for key, value in options.items() if key in names}
    return variables, make_conninfo(**{key: value for key, value in options.items() if key not in names})


def query(connection: Connection, text: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of one statement."""
    return connection.execute(text, values or None).fetchall()


def rows(connection: Connection, result: PGresult) -> list[tuple[Any, ...]]:
    """Return the rows of one result of a message, as ``query`` would."""
    transformer = Transformer(connection)
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)


def fill(text: LiteralString, **values: object) -> str:
    """Return SQL text with each ``{name}`` replaced by a quoted literal: a message has no parameters."""
    return _FIELD.sub(lambda field: sql.Literal(values[field[1]]).as_string(), text)


def send(connection: Connection, text: str, *, idle: Callable[[], None] | None = None) -> list[PGresult]:
    """Send ``text`` as one message and return the result of each statement, up to the first that failed.

    ``idle`` is called about ten times a second while no answer comes. A Ctrl-C while the server works
    cancels the statement there, then raises ``KeyboardInterrupt``.
    """
    connection.pgconn.send_query(text.encode())
    answer = generators.execute(connection.pgconn)
    watched = _watched(answer, idle) if idle else answer
    try:
        return waiting.wait(watched, connection.pgconn.socket, interval=0.1)
    except KeyboardInterrupt:
        _cancel(connection, answer)
        raise


def _watched(answer: PQGen[list[PGresult]], idle: Callable[[], None]) -> PQGen[list[PGresult]]:
    """Pass an answer on; call ``idle`` whenever an interval is over without a part of it."""
    try:
        wanted = next(answer)
        while True:
            ready = yield wanted
            if not ready:
                idle()
            wanted = answer.send(ready)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return] # what the generator returns


def _cancel(connection: Connection, answer: PQGen[list[PGresult]]) -> None:
    """Cancel what the server is doing, and give up the connection when it does not answer within a second.

    psycopg itself would wait for ten, too long for somebody who pressed Ctrl-C.
    """
    try:
        connection.cancel_safe(timeout=_CANCEL_SECONDS)
        waiting.wait(answer, connection.pgconn.socket, interval=0.1, timeout=_CANCEL_SECONDS)
    except Exception:
        connection.close()


def failure(results: Iterable[PGresult]) -> psycopg.Error | None:
    """Return the error among the results of a message, if there is one."""
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            return psycopg.errors.error_from_result(result)
    return None


def run(connection: Connection, text: str) -> list[PGresult]:
    """Send ``text`` as one message, raise the error it caused, or return its results."""
    results = send(connection, text)
    if error := failure(results):
        raise error
    return results


def try_run(connection: Connection, text: str) -> bool:
    """Send ``text`` in a savepoint of the transaction at hand; return whether it succeeded."""
    run(connection, "savepoint attempt")
    if failure(send(connection, text)):
        run(connection, "rollback to savepoint attempt")
        return False
    run(connection, "release savepoint attempt")
    return True


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


def is_lost(connection: Connection, error: psycopg.Error) -> bool:
    """Tell whether ``error`` says that the connection is gone.

    A server names every error with an SQLSTATE; one without is libpq's own, which may come before libpq
    calls the connection bad (a reset while it was writing, observed).
    """
    return error.sqlstate is None or connection.closed or connection.broken


def in_transaction(connection: Connection) -> bool:
    """Tell whether the session is in a transaction that has not failed."""
    return connection.pgconn.transaction_status == pq.TransactionStatus.INTRANS


def roll_back(connection: Connection) -> None:
    """End the transaction, if any; a connection that cannot do so is closed, which does it on the server."""
    if connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        return
    try:
        run(connection, "rollback")
    except psycopg.Error:
        connection.close()


def create_missing(connection: Connection, databases: Iterable[str]) -> None:
    """Create those of ``databases`` that the server does not have. Writes.

    A lock, held until the connection closes, lets one process at a time do so.
    """
    query(connection, "select pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('create database', 0))")
    for name in databases:
        if query(connection, _NO_SUCH_DATABASE, name)[0][0]:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def may_create(connection: Connection) -> bool:
    """Tell whether the role may create databases."""
    [(allowed,)] = query(
        connection, "select rolsuper or rolcreatedb from pg_catalog.pg_roles where rolname = current_user"
    )
    return bool(allowed)


def create_empty(connection: Connection, name: str) -> None:
    """Create a database with nothing in it, whatever template1 holds. Writes."""
    connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))


def drop(connection: Connection, name: str) -> None:
    """Drop a database, ending whoever is connected to it. Writes."""
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def sibling(url: str, name: str, *, source: str) -> str:
    """Return the conninfo of another database on the server of ``url``, with the same password."""
    return make_conninfo(**parse(url, source=source) | {"dbname": name})


@dataclass(frozen=True, slots=True)
class Access:
    """A connection to a database, and how to open another one to it."""

    connection: Connection
    reconnect: Callable[[], Connection]
