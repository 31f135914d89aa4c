"""Change what the ledger says without running a file: adopt a database, accept an edited file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner import database
from runner.errors import CommitUnknown, LedgerChanged
from runner.ledger import entry, key, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.database import Connection
    from runner.model import Applied, Migration

_BRIEFLY = "set local lock_timeout = '10s'"  # whoever checks, holds the lock meanwhile
_AGAIN = "Look at `status`, then run again."


def baseline(
    connection: Connection, migrations: Sequence[Migration], *, check: Callable[[], object] | None = None
) -> None:
    """Record files as applied in a database that has what they make. Writes all rows or none.

    ``check`` is called before that, while no runner and no rollback file can be at work, and may raise.
    Raises ``LedgerChanged`` when something is recorded already, ``LockHeld`` when a runner is at work.
    """
    with _lock(connection):
        series = migrations[0].series if migrations else ""
        recorded = table.read(connection, series=series)
        if recorded:
            raise LedgerChanged(
                f"The ledger already records {recorded[-1].label}.", remedy="Look at `status`; use migrate."
            )
        if check:
            database.run(connection, _BRIEFLY)
            check()
        if recorded is None:
            table.create(connection)
        for migration in migrations:
            database.run(connection, entry.statement(entry.RECORD, migration, ms=0))


def accept(connection: Connection, migration: Migration, *, shown: Applied | None = None) -> None:
    """Record checksum and text of an edited file anew; when and by whom it was applied stays. Writes.

    ``shown`` is the row that somebody was shown the file beside. Raises ``LedgerChanged`` when it is not
    there, or another one is.
    """
    with _lock(connection):
        rows = {row.version: row for row in table.read(connection, series=migration.series) or ()}
        row = rows.get(migration.version)
        if row is None or row != (shown or row):
            raise LedgerChanged(
                f"{migration.series} {migration.label} is no longer recorded as it was shown: somebody has "
                "changed the ledger meanwhile.",
                remedy=_AGAIN,
            )
        database.run(connection, entry.statement(entry.ACCEPT, migration))


@contextmanager
def _lock(connection: Connection) -> Iterator[None]:
    """Hold the advisory lock in a transaction, which is committed unless the block fails."""
    try:
        database.run(connection, database.opening(connection, access="read write"))
        if not key.try_lock(connection):
            raise key.refused(connection)
        yield
        _commit(connection)
    finally:
        database.roll_back(connection)


def _commit(connection: Connection) -> None:
    """Commit. Raises ``CommitUnknown`` when no answer comes, or nobody waits for it any more."""
    try:
        database.run(connection, "commit")
    except (database.Error, KeyboardInterrupt) as error:
        if isinstance(error, database.Error) and not database.is_lost(connection, error):
            raise
        raise CommitUnknown(
            "No answer came while the ledger was being changed.",
            remedy="What was to be recorded is recorded, or nothing of it: `status` tells.",
        ) from error
