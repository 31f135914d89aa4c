"""Send a message - one or many statements - and take its results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import generators, pq, sql, waiting
from psycopg.adapt import Transformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn, PGresult

Connection = psycopg.Connection[tuple[Any, ...]]

_COPYING = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)
_FIELD = re.compile(r"\{(\w+)\}")
_CANCEL_SECONDS = 0.7  # for the request, and again for the answer


def query(connection: Connection, text: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of one statement."""
    return connection.execute(text, values or None).fetchall()


def rows(connection: Connection, result: PGresult) -> list[tuple[Any, ...]]:
    """Return the rows of one result of a message, as ``query`` would."""
    transformer = Transformer(connection)
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)


def fill(text: LiteralString, **values: Any) -> str:  # noqa: ANN401 - whatever psycopg quotes
    """Return SQL text with each ``{name}`` replaced by a quoted literal: a message has no parameters."""
    return "".join(pieces(text, **values))


def pieces(text: LiteralString, *, connection: Connection | None = None, **values: Any) -> list[str]:  # noqa: ANN401 - whatever psycopg quotes
    """Return what ``fill`` would join: a long message is joined once, of all its pieces.

    With a ``connection`` libpq measures a long literal first, in place of taking twice the memory.
    """
    parts = _FIELD.split(text)
    parts[1::2] = [sql.Literal(values[name]).as_string(connection) for name in parts[1::2]]
    return parts


def send(
    connection: Connection, text: str | bytes, *, idle: Callable[[], None] | None = None
) -> list[PGresult]:
    """Send ``text`` as one message and return the result of each statement, up to the first that failed.

    ``idle`` is called about ten times a second while no answer comes. A Ctrl-C while the server works
    cancels the statement there, then raises ``KeyboardInterrupt``.
    """
    results: list[PGresult] = []
    _exchange(connection, text, results.append, idle)
    return results


def tally(
    connection: Connection, text: str, *, idle: Callable[[], None] | None = None
) -> tuple[int, psycopg.Error | None]:
    """Send ``text`` like ``send``; return how many statements succeeded, and the error of the next, if any.

    Keeps no results: a file may hold a hundred thousand statements.
    """
    done, error = 0, None

    def note(result: PGresult) -> None:
        nonlocal done, error
        error = error or failure([result])
        done += error is None

    _exchange(connection, text, note, idle)
    return done, error


def _exchange(
    connection: Connection,
    text: str | bytes,
    note: Callable[[PGresult], None],
    idle: Callable[[], None] | None,
) -> None:
    connection.pgconn.send_query(text.encode() if isinstance(text, str) else text)
    answer = _answer(connection.pgconn, note)
    try:
        waiting.wait(_watched(answer, idle) if idle else answer, connection.pgconn.socket, interval=0.1)
    except KeyboardInterrupt:
        _cancel(connection, answer)
        raise


def _answer(pgconn: PGconn, note: Callable[[PGresult], None]) -> PQGen[None]:
    """Fetch results until the server is done, or would go on copying for ever.

    A server that names an error and closes the connection has said all (as psycopg's fetch_many has it).
    """
    failed = False
    yield from generators.send(pgconn)
    while True:
        try:
            result = yield from generators.fetch(pgconn)
        except psycopg.DatabaseError:
            if failed:
                return
            raise
        if result is None:
            return
        note(result)
        if result.status in _COPYING:
            return
        failed = failed or result.status == pq.ExecStatus.FATAL_ERROR


def _watched(answer: PQGen[None], idle: Callable[[], None]) -> PQGen[None]:
    """Pass an answer on; call ``idle`` whenever an interval is over without a part of it."""
    wanted = next(answer, None)
    while wanted is not None:
        ready = yield wanted
        if not ready:
            idle()
        try:
            wanted = answer.send(ready)
        except StopIteration:
            return


def _cancel(connection: Connection, answer: PQGen[None]) -> None:
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
