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
    in_transaction: bool = True


@dataclass(frozen=True, slots=True)
class Before:
    """What a ledger says before a step: whether it exists, and the version recorded last."""

    has_ledger: bool
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait for others, in seconds; a timeout of 0 is no limit."""

    wait_lock: float = 300.0  # for another runner
    lock_timeout: float = 5.0  # PostgreSQL's, for each lock a file needs
    statement_timeout: float = 0.0  # PostgreSQL's, for each statement
    retry_pause: float = 1.0  # before the first repetition of a file; it doubles each time


@dataclass(frozen=True, slots=True)
class Applied(Version):
    """One ledger row, without the SQL text.

    ``running`` marks a file outside any transaction that was begun and never finished.
    """

    checksum: str
    applied_at: datetime
    applied_by: str
    execution_ms: int
    runner_version: str
    running: bool = False


@dataclass(frozen=True, slots=True)
class Step(Version):
    """One version of a series: its file, its ledger row, and what follows from the two."""

    state: State
    migration: Migration | None = None
    applied: Applied | None = None
    needs: tuple[str, ...] = ()  # extensions the server lacks
    problem: RunnerError | None = None

    @property
    def file(self) -> Migration:
        """The file of a step that is to be applied. Raises ``LookupError`` for one that has none."""
        if self.migration is None:
            raise LookupError(self.label)
        return self.migration
