"""Hand one file of a run to whoever applies it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from runner.model import Before, Limits, Migration


class Turn(NamedTuple):  # as in model: it starts faster
    """One file of a run, what the ledger says before it, and the file in a transaction that follows it."""

    migration: Migration
    before: Before
    limits: Limits
    following: Migration | None = None
