"""Hold the facts the other modules exchange: frozen, without I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from runner.errors import RunnerError


class State(StrEnum):
    """What one version is, seen from the files and the ledger together."""

    APPLIED = "applied"
    PENDING = "pending"
    SKIPPED = "skipped"  # pending, but the server lacks an extension the file requires
    EDITED = "edited"
    RENAMED = "renamed"
    MISSING = "missing"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Place:
    """Point into a file: line and column from 1, in characters as PostgreSQL counts them."""

    path: str
    line: int
    column: int
    excerpt: tuple[tuple[int, str], ...] = ()  # (line number, text) around the place
    caret: int = 1  # column within the excerpt, which may begin in the middle of a long line

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Version:
    """Identify one migration of a series: what files, ledger rows and steps have in common."""

    series: str
    version: str  # as the file name writes it: 000
    name: str  # users

    @property
    def number(self) -> int:
        """Order of the version: 1000 follows 999."""
        return int(self.version)

    @property
    def label(self) -> str:
        """File name without its suffix."""
        return f"{self.version}_{self.name}"


@dataclass(frozen=True, slots=True)
class Migration(Version):
    """One forward file as it was read, once; ``sql`` is what is hashed, sent and recorded."""

    path: str  # as shown to people: sql/auth/000_users.sql
    sql: str = field(repr=False)
    checksum: str
    requires: tuple[str, ...] = ()  # extensions
    rollback: Path | None = None


@dataclass(frozen=True, slots=True)
class Applied(Version):
    """One ledger row, without the SQL text."""

    checksum: str
    applied_at: datetime
    applied_by: str
    execution_ms: int
    runner_version: str


@dataclass(frozen=True, slots=True)
class Step(Version):
    """One version of a series: its file, its ledger row, and what follows from the two."""

    state: State
    migration: Migration | None = None
    applied: Applied | None = None
    needs: tuple[str, ...] = ()  # extensions the server lacks
    problem: RunnerError | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """A step is about to be sent."""

    step: Step


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step has to wait for another runner: ``holders`` says who, a line each."""

    step: Step
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step is committed.

    ``ms`` milliseconds passed if this runner applied it; ``None`` says that another one had done so.
    """

    step: Step
    ms: int | None
