"""Apply pending files in order, each by itself and each recorded with its work."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from runner import database, single, transaction
from runner.errors import LockTimeout
from runner.model import Before, Limits, Outcome, Retrying, Started, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.database import Access
    from runner.model import Step

RETRIES = 5

Event = Started | Waiting | Retrying | Outcome


def apply(
    access: Access, steps: Sequence[Step], before: Before, limits: Limits | None = None
) -> Iterator[Event]:
    """Apply pending steps in order; yield when each begins, has to wait, and is committed. Writes.

    ``before`` is what the ledger says before the first step. Raises at the first step that fails; that
    step is rolled back.
    """
    for step in steps:
        yield Started(step)
        yield from _patiently(step, access, before, limits or Limits())
        before = Before(has_ledger=True, version=step.version)


def _patiently(step: Step, access: Access, before: Before, limits: Limits) -> Iterator[Event]:
    """Apply one step; repeat the whole file when another session's lock stopped it.

    The pauses grow and lie outside any transaction; there is no last try without a timeout.
    """
    way = transaction.apply if step.file.in_transaction else single.apply
    for attempt in range(RETRIES):
        try:
            yield from way(step, access, before, limits)
        except LockTimeout as error:
            database.start_over(access.connection)  # a prepared statement outlives a rollback
            pause = limits.retry_pause * 2**attempt * random.uniform(1, 1.3)  # noqa: S311 - jitter
            yield Retrying(step, error, pause)
            time.sleep(pause)
        else:
            return
    yield from way(step, access, before, limits)
