"""Look for the invalid indexes that a file outside any transaction leaves behind, or passes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database, files
from runner.apply import failure, limit
from runner.errors import IndexInvalid

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from runner.apply.watch import Watch
    from runner.database import Connection
    from runner.model import Limits, Migration


def check_earlier(migration: Migration, connection: Connection) -> None:
    """Raise ``IndexInvalid`` for what a try before has left where the server chooses the name.

    To build one more would leave that behind.
    """
    index, table = files.indexes(migration.sql)
    if table and index is None and (invalid := database.invalid_earlier(connection, table=table)):
        raise _invalid_index(migration, invalid)


def _invalid_index(migration: Migration, invalid: tuple[str, ...]) -> IndexInvalid:
    return IndexInvalid(
        f"{migration.path} left or found an invalid index, {', '.join(invalid)}: it is not recorded.",
        remedy=f"{failure.drop_statements(invalid)} Then run again.",
    )


def check(  # noqa: PLR0913 - what is known of one statement, keyword-only
    migration: Migration,
    connection: Connection,
    results: list[PGresult],
    *,
    before: str,
    watch: Watch,
    limits: Limits,
) -> None:
    """Raise what the statement gave: its error, or the invalid index over which it passed."""
    rejected = database.failure(results)
    if rejected and database.is_lost(connection, rejected):
        raise rejected
    invalid = left(connection, migration, before=before)
    if rejected:
        done = len(results) - 1
        wants = watch.blocked.wants
        problem = failure.failed(
            rejected, migration, done=done, wants=wants, blockers=watch.lines, invalid=invalid
        )
        raise limit.explain(problem, rejected, connection, limits) from rejected
    if invalid:
        raise _invalid_index(migration, invalid)


def left(connection: Connection, migration: Migration, *, before: str) -> tuple[str, ...]:
    """Put the session's settings back and return the invalid indexes; none when it is closed."""
    if connection.closed:
        return ()
    database.put_back(connection)
    index, table = files.indexes(migration.sql)
    return database.invalid_left(connection, before=before, index=index, table=table)
