"""Look for the invalid indexes that a file outside any transaction leaves behind, or passes over."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING

from runner import database, files, ledger
from runner.apply import failure, limit
from runner.apply.course import Start
from runner.errors import IndexInvalid, RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.pq.abc import PGresult

    from runner.apply.run import Run
    from runner.apply.watch import Watch
    from runner.database import Access, Connection, Invalid
    from runner.model import Migration

_ENDING = 2.0  # seconds, in which the server ends a session that was closed
_POLL = 0.05  # seconds


def check_earlier(migration: Migration, connection: Connection) -> None:
    """Raise ``IndexInvalid`` for what a try before has left where the server chooses the name.

    To build one more would leave that behind.
    """
    index, table = files.indexes(migration.sql)
    if table and index is None and (invalid := database.invalid_earlier(connection, table=table)):
        raise _invalid_index(migration, invalid)


def _invalid_index(migration: Migration, invalid: tuple[Invalid, ...]) -> IndexInvalid:
    names = ", ".join(one.name for one in invalid)
    return IndexInvalid(
        f"{migration.path} left or found an invalid index, {names}: it is not recorded.",
        remedy=f"{failure.cures(invalid)} Then run again.",
    )


def check(run: Run, results: list[PGresult], *, before: str, watch: Watch) -> None:
    """Raise what the statement gave: its error, or the invalid index over which it passed."""
    migration, access, rejected = run.at_hand, run.access, database.failure(results)
    if rejected and database.is_lost(access.connection, rejected):
        raise rejected
    with _open(access) as connection:
        invalid = left(connection, migration, before=before)
        if rejected:
            done = len(results) - 1
            start = Start(in_bytes=database.counts_bytes(connection))
            problem = failure.failed(
                rejected, migration, done=done, start=start, watch=watch, invalid=invalid
            )
            raise limit.explain(problem, rejected, connection, run.limits, alone=True) from rejected
    if invalid:
        raise _invalid_index(migration, invalid)


@contextmanager
def _open(access: Access) -> Iterator[Connection]:
    """Give the session; for one that its transaction_timeout has closed another, if one is let in.

    The server closes it before it has left the work of the statement, and with that the lock.
    """
    with ExitStack() as stack:
        connection = access.connection
        if connection.closed:
            with suppress(database.Error, RunnerError):
                connection = stack.enter_context(closing(access.reconnect(wait=_ENDING)))
                deadline = time.monotonic() + _ENDING
                while not ledger.try_lock(connection, session=True) and time.monotonic() < deadline:
                    database.pause(_POLL)
        yield connection


def left(connection: Connection, migration: Migration, *, before: str) -> tuple[Invalid, ...]:
    """Put the session's settings back and return the invalid indexes; none when it is closed."""
    if connection.closed:
        return ()
    database.put_back(connection)
    index, table = files.indexes(migration.sql)
    return database.invalid_left(connection, before=before, index=index, table=table)
