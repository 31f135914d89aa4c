"""Send a message - one or many statements - and take its results."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import TYPE_CHECKING, Any, LiteralString, Self

import psycopg
from psycopg import generators, pq, sql, waiting

from runner.database import attention
from runner.database.attention import CANCEL_SECONDS, INTERVAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGresult
    from psycopg.waiting import Ready

Connection = psycopg.Connection[tuple[Any, ...]]
Error = psycopg.Error
ConnectionBroken = psycopg.OperationalError
LOCK_NOT_AVAILABLE = "55P03"  # SQLSTATE

_COPYING = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)
_FIELD = re.compile(r"\{(\w+)\}")


def fill(text: LiteralString, **values: Any) -> str:  # noqa: ANN401 - whatever psycopg quotes
    """Return SQL text with each ``{name}`` replaced by a quoted literal: a message has no parameters."""
    return "".join(pieces(text, **values))


def pieces(text: LiteralString, **values: Any) -> list[str]:  # noqa: ANN401 - whatever psycopg quotes
    """Return what ``fill`` would join: a long message is joined once, of all its pieces."""
    parts = list(_parts(text))  # text and names of fields by turns
    parts[1::2] = [_literal(values[name]) for name in parts[1::2]]
    return parts


@cache
def _parts(text: LiteralString) -> tuple[str, ...]:
    return tuple(_FIELD.split(text))


def _literal(value: object) -> str:
    """Quote a value; most texts hold nothing but quotes, for which psycopg takes several times as long."""
    if isinstance(value, str) and "\\" not in value and "\0" not in value:
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    return sql.Literal(value).as_string(attention.own_adapters())


class Answer:
    """What the server says to one message, while it says it: ``text`` is sent when somebody looks.

    Iterating yields the result of each statement, up to the first that failed, and ``None`` whenever all
    that came was taken and more is waited for, at least every ``pause`` seconds. Keeps no result: a file
    may hold a hundred thousand statements. ``is_sent`` says that the server may have the whole message,
    ``is_heard`` that it has taken the request to cancel it. Left as a context by anything but an error of the
    driver's (Ctrl-C, what somebody raises in this thread, or whoever listens has had enough), it cancels.
    """

    def __init__(self, connection: Connection, text: str | bytes, *, pause: float = INTERVAL) -> None:
        self._connection = connection
        self._pause = pause
        self.is_sent = False
        self.is_heard = False
        self._heed = attention.heed(connection)
        self._heed()
        connection.pgconn.send_query(text.encode() if isinstance(text, str) else text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if error is not None and not isinstance(error, psycopg.Error):
            self.cancel()

    def __iter__(self) -> Iterator[PGresult | None]:
        """Fetch results as psycopg's ``execute`` does.

        The server is done, or would go on copying for ever; one that names an error and closes the connection
        has said all.
        """
        pgconn, failed = self._connection.pgconn, False
        waiting.wait(generators.send(pgconn), pgconn.socket, interval=INTERVAL)
        self.is_sent = True
        while True:
            try:
                while pgconn.is_busy():
                    self._heed()
                    yield None
                    if waiting.wait(_readable(), pgconn.socket, interval=self._pause):
                        pgconn.consume_input()
                result = pgconn.get_result()
            except psycopg.DatabaseError:
                if failed:
                    return
                raise
            if result is None:
                return
            yield result
            if result.status in _COPYING:
                return
            failed = failed or result.status == pq.ExecStatus.FATAL_ERROR

    def cancel(self) -> list[PGresult]:
        """Cancel what the server is doing; return the results that were not taken yet.

        Asks twice, because a server that has not begun to read the message ignores the request, unless nobody
        takes the first. Gives up the connection when it does not answer within a second - psycopg itself
        would wait for ten, too long for somebody who pressed Ctrl-C - or has not got the whole message yet: a
        cancel would come before what it is to end.
        """
        results: list[PGresult] = []
        self._heed = lambda: None
        try:
            is_done = self.is_sent and self._ends(CANCEL_SECONDS, results)
            if self.is_heard and not is_done:
                is_done = self._ends(CANCEL_SECONDS / 2, results)
            if not is_done:
                raise TimeoutError
        except Exception:
            self._connection.close()
        return results

    def _ends(self, seconds: float, results: list[PGresult]) -> bool:
        """Ask the server to cancel, and add the results that come; tell whether it is done in time."""
        self.is_heard = attention.cancel(self._connection, seconds=seconds) or self.is_heard
        deadline = time.monotonic() + CANCEL_SECONDS / 2
        for result in self:
            if result:
                results.append(result)
            elif time.monotonic() > deadline:
                return False
        return True


def _readable() -> PQGen[Ready | int]:
    """Wait until something comes, or the interval is over."""
    return (yield waiting.WAIT_R)


def send(
    connection: Connection, text: str | bytes, *, idle: Callable[[], None] | None = None
) -> list[PGresult]:
    """Send ``text`` as one message and return the result of each statement, up to the first that failed.

    ``idle`` is called about ten times a second while no answer comes. A Ctrl-C, or whatever is raised in this
    thread while the server works, cancels the statement there and is raised again.
    """
    results: list[PGresult] = []
    with Answer(connection, text) as answer:
        for result in answer:
            if result:
                results.append(result)
            elif idle:
                idle()
    return results


def failure(results: Iterable[PGresult]) -> psycopg.Error | None:
    """Return the error among the results of a message, if there is one."""
    failed = (one for one in results if one.status == pq.ExecStatus.FATAL_ERROR)
    return next((psycopg.errors.error_from_result(one) for one in failed), None)


def run(connection: Connection, text: str) -> list[PGresult]:
    """Send ``text`` as one message, raise the error it caused, or return its results."""
    results = send(connection, text)
    if error := failure(results):
        raise error
    return results


def try_run(connection: Connection, text: str) -> bool:
    """Send ``text`` in a savepoint of the transaction at hand; return whether it succeeded."""
    return tried(connection, text) is not None


def tried(connection: Connection, text: str) -> list[PGresult] | None:
    """Send ``text`` in a savepoint of the transaction at hand; return its results, ``None`` if it failed."""
    run(connection, "savepoint attempt")
    results = send(connection, text)
    has_failed = failure(results) is not None
    run(connection, f"{'rollback to' if has_failed else 'release'} savepoint attempt")
    return None if has_failed else results
