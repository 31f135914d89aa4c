"""Apply pending files in order, each by itself and each recorded with its work."""

from __future__ import annotations

import random
import time
from itertools import zip_longest
from typing import TYPE_CHECKING

from runner import database, single, transaction
from runner.errors import LockTimeout
from runner.event import Retrying, Started
from runner.model import Before, Limits
from runner.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from runner.database import Access
    from runner.event import Event
    from runner.model import Step
    from runner.transaction import Opened

RETRIES = 5


def apply(
    access: Access, steps: Sequence[Step], before: Before, limits: Limits | None = None
) -> Iterator[Event]:
    """Apply pending steps in order; yield when each begins, has to wait, and is committed. Writes.

    ``before`` is what the ledger says before the first step. Raises at the first step that fails; that
    step is rolled back.
    """
    opened: Opened = None
    try:
        for step, following in zip_longest(steps, steps[1:]):
            yield Started(step)
            joined = following.file if following and following.file.in_transaction else None
            opened = yield from _patiently(Turn(step, before, limits or Limits(), joined), access, opened)
            before = Before(has_ledger=True, version=step.version)
    finally:
        database.roll_back(access.connection)


def _patiently(turn: Turn, access: Access, opened: Opened) -> Generator[Event, None, Opened]:
    """Apply one step; repeat the whole file when another session's lock stopped it.

    The pauses grow and lie outside any transaction; there is no last try without a timeout.
    """
    for attempt in range(RETRIES):
        try:
            return (yield from _once(turn, access, opened))
        except LockTimeout as error:
            opened = None
            database.start_over(access.connection)  # a prepared statement outlives a rollback
            pause = turn.limits.retry_pause * 2**attempt * random.uniform(1, 1.3)  # noqa: S311 - jitter
            yield Retrying(turn.step, error, pause)
            time.sleep(pause)
    return (yield from _once(turn, access, opened))


def _once(turn: Turn, access: Access, opened: Opened) -> Generator[Event, None, Opened]:
    """Apply one step its own way; return what came of opening the next one's transaction."""
    if turn.step.file.in_transaction:
        return (yield from transaction.apply(turn, access, opened))
    yield from single.apply(turn, access)
    return None
