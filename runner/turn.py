"""Hand one step of a run to whoever applies it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from runner.model import Before, Limits, Migration, Step


class Turn(NamedTuple):  # as in model: it starts faster
    """One step of a run, what the ledger says before it, and the file in a transaction that follows it."""

    step: Step
    before: Before
    limits: Limits
    following: Migration | None = None
