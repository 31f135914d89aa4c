"""Send a message - one or many statements - and take its results."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar, cast

import psycopg
from psycopg import generators, pq, sql, waiting
from psycopg.adapt import Transformer

from runner.database import attention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn, PGresult

    from runner.database.notices import Notices

Connection = psycopg.Connection[tuple[Any, ...]]
Error = psycopg.Error
ConnectionBroken = psycopg.OperationalError
Answer = TypeVar("Answer")

_COPYING = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)
_SPECIAL = re.compile(r"['\\\0]")
_FIELD = re.compile(r"\{(\w+)\}")
_CANCEL_SECONDS = 0.7  # for the request, and again for the answer


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
    parts = list(_parts(text))
    parts[1::2] = [_literal(values[name], connection) for name in parts[1::2]]
    return parts


@cache
def _parts(text: LiteralString) -> tuple[str, ...]:
    """Return text and names of fields by turns."""
    return tuple(_FIELD.split(text))


def _literal(value: object, connection: Connection | None) -> str:
    """Quote a value; most texts hold nothing to escape, and psycopg takes twenty times as long to say so."""
    if isinstance(value, str) and not _SPECIAL.search(value):
        return f"'{value}'"
    return sql.Literal(value).as_string(connection)


def send(
    connection: Connection, text: str | bytes, *, idle: Callable[[], None] | None = None
) -> list[PGresult]:
    """Send ``text`` as one message and return the result of each statement, up to the first that failed.

    ``idle`` is called about ten times a second while no answer comes. A Ctrl-C, or whatever is raised in this
    thread while the server works, cancels the statement there and is raised again.
    """
    results: list[PGresult] = []
    _exchange(connection, text, _answer(connection.pgconn, results.append), idle)
    return results


def tally(
    connection: Connection, text: str, *, notices: Notices, idle: Callable[[], None] | None = None
) -> tuple[int, psycopg.Error | None]:
    """Send ``text`` like ``send``; return how many statements succeeded, and the error of the next, if any.

    Keeps no results: a file may hold a hundred thousand statements. ``notices`` is told of each.
    """
    done, error = 0, None

    def note(result: PGresult) -> None:
        nonlocal done, error
        error = error or failure([result])
        done += error is None
        notices.count()

    answer = _watched(_answer(connection.pgconn, note), notices.settle, always=True)
    _exchange(connection, text, answer, idle)
    return done, error


def _exchange(
    connection: Connection,
    text: str | bytes,
    answer: PQGen[Answer],
    idle: Callable[[], None] | None,
) -> Answer:
    for call in (heeded := attention.calls()):
        call()
    connection.pgconn.send_query(text.encode() if isinstance(text, str) else text)
    try:
        watched = answer
        for call in (*heeded, *((idle,) if idle else ())):
            watched = _watched(watched, call)
        return waiting.wait(watched, connection.pgconn.socket, interval=0.1)
    except psycopg.Error:
        raise
    except BaseException:  # Ctrl-C, or what somebody raises in this thread or in ``idle``
        _cancel(connection, answer)
        raise


def _answer(pgconn: PGconn, note: Callable[[PGresult], None]) -> PQGen[None]:
    """Fetch results as psycopg's ``execute`` does, but keep none: ``note`` takes each.

    The server is done, or would go on copying for ever; one that names an error and closes the connection
    has said all.
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


def _watched(answer: PQGen[Answer], call: Callable[[], None], *, always: bool = False) -> PQGen[Answer]:
    """Pass an answer on; call whenever an interval is over without a part of it, or ``always`` before one."""
    try:
        wanted = next(answer)
        while True:
            if always:
                call()
            ready = yield wanted
            if not (ready or always):
                call()
            wanted = answer.send(ready)
    except StopIteration as end:
        return cast("Answer", end.value)


def _cancel(connection: Connection, answer: PQGen[Any]) -> None:
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
