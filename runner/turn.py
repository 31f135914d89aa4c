"""Hand one step of a run to whoever applies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.model import Before, Limits, Migration, Step


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of a run, what the ledger says before it, and the file in a transaction that follows it."""

    step: Step
    before: Before
    limits: Limits
    following: Migration | None = None
