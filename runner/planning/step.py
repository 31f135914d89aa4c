"""Hold one version of a series, seen from its files and its ledger together."""

from enum import StrEnum
from typing import NamedTuple

from runner.errors import RunnerError
from runner.model import Applied, Migration, Numbered


class State(StrEnum):
    """What one version is, seen from the files and the ledger together."""

    APPLIED = "applied"
    PENDING = "pending"
    SKIPPED = "skipped"  # pending, but the server lacks an extension the file requires
    EDITED = "edited"
    RENAMED = "renamed"
    MISSING = "missing"
    LATE = "late"
    AHEAD = "ahead"  # recorded by a newer release than this folder is of


class _Step(NamedTuple):
    series: str
    version: str
    name: str
    state: State
    migration: Migration | None = None
    applied: Applied | None = None
    needs: tuple[str, ...] = ()  # extensions that are not to be had
    why: str | None = None  # and the reason, in the server's words where it was asked
    problem: RunnerError | None = None


class Step(_Step, Numbered):
    """One version of a series: its file, its ledger row, and what follows from the two."""

    __slots__ = ()

    @property
    def file(self) -> Migration:
        """The file of a step that is to be applied. Raises ``LookupError`` for one that has none."""
        if self.migration is None:
            raise LookupError(self.label)
        return self.migration
