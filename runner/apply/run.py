"""Apply pending files in order, each by itself and each recorded with its work."""

from __future__ import annotations

import time
from itertools import zip_longest
from typing import TYPE_CHECKING

from runner import database, files
from runner.apply import single, transaction
from runner.apply.event import Retrying, Started
from runner.apply.turn import Turn
from runner.errors import LockTimeout
from runner.model import Before, Limits

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from runner.apply.event import Event
    from runner.apply.transaction import Opened
    from runner.database import Access
    from runner.model import Migration

RETRIES = 5


def apply(
    access: Access, migrations: Sequence[Migration], before: Before, limits: Limits | None = None
) -> Iterator[Event]:
    """Apply pending files in order; yield when each begins, has to wait, and is committed. Writes.

    ``before`` is what the ledger says before the first file. Raises at the first file that fails; that
    file is rolled back.
    """
    opened: Opened = None
    try:
        for migration, following in zip_longest(migrations, migrations[1:]):
            yield Started(migration)
            joined = following if following and following.in_transaction else None
            opened = yield from _patiently(
                Turn(migration, before, limits or Limits(), joined), access, opened
            )
            before = Before(has_ledger=True, version=migration.version)
    finally:
        database.roll_back(access.connection)


def _patiently(turn: Turn, access: Access, opened: Opened) -> Generator[Event, None, Opened]:
    """Apply one file; repeat it whole when another session's lock stopped it.

    The pauses grow and lie outside any transaction; there is no last try without a timeout.
    """
    for attempt in range(RETRIES):
        try:
            return (yield from _once(turn, access, opened))
        except LockTimeout as error:
            if not turn.migration.in_transaction and files.commits_itself(turn.migration.sql):
                raise  # a part of it may be done
            opened = None
            database.start_over(access.connection)  # a prepared statement outlives a rollback
            pause = turn.limits.retry_pause * 2**attempt
            yield Retrying(turn.migration, error, pause)
            time.sleep(pause)
    return (yield from _once(turn, access, opened))


def _once(turn: Turn, access: Access, opened: Opened) -> Generator[Event, None, Opened]:
    """Apply one file its own way; return what came of opening the next one's transaction."""
    if turn.migration.in_transaction:
        return (yield from transaction.apply(turn, access, opened))
    yield from single.apply(turn, access)
    return None
