"""Hold the facts the other modules exchange: frozen, without I/O.

What every command loads is a named tuple: a frozen dataclass takes a millisecond to define, and files and
ledger rows, of which there may be thousands, five times as long to make. Its annotations are no texts, as
``from __future__ import annotations`` would make them: to compile those takes as long as all the rest of it.
"""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    class Named(Protocol):
        """What files, ledger rows and steps have in common: they name one migration."""

        @property
        def version(self) -> str:
            """Number as the file name writes it: 000."""

        @property
        def name(self) -> str:
            """Name behind the number: users."""


_LONGEST = 2**31 - 1  # milliseconds, of a timeout of PostgreSQL


class Numbered:
    """Add to what is named its number and its label."""

    __slots__ = ()

    @property
    def number(self: "Named") -> int:
        """Order of the version: 1000 follows 999."""
        return int(self.version)

    @property
    def label(self: "Named") -> str:
        """File name without its suffix."""
        return f"{self.version}_{self.name}"


class _Migration(NamedTuple):
    series: str
    version: str
    name: str
    path: str  # as shown to people: sql/auth/000_users.sql
    sql: str
    checksum: str
    requires: tuple[str, ...] = ()  # extensions
    rollback: str | None = None  # where the file lies that undoes it
    in_transaction: bool = True


class Migration(_Migration, Numbered):
    """One forward file as it was read, once; ``sql`` is what is hashed, sent and recorded."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show the path; a log is not the place for the text."""
        return f"Migration({self.path})"


class Before(NamedTuple):
    """What a ledger says before a step: whether it exists, and the version recorded last.

    ``begun`` are the versions of files outside any transaction that were begun and never finished.
    """

    has_ledger: bool
    version: str | None = None
    begun: tuple[str, ...] = ()


def milliseconds(seconds: float | None) -> str | None:
    """Return a time as PostgreSQL's timeouts take it: no time above 0 becomes 0, which is no limit."""
    return None if seconds is None else f"{int(-(-min(seconds * 1000, _LONGEST) // 1))}ms"


class Limits(NamedTuple):
    """How long to wait for others, in seconds; a timeout of 0 is no limit, ``None`` the database's own."""

    wait_lock: float = 300.0  # for another runner
    lock_timeout: float = 5.0  # PostgreSQL's, for each lock a file needs
    statement_timeout: float | None = None  # PostgreSQL's, for each statement
    retry_pause: float = 1.0  # before the first repetition of a file; it doubles each time


class _Applied(NamedTuple):
    series: str
    version: str
    name: str
    checksum: str
    applied_at: datetime  # in UTC
    applied_by: str
    execution_ms: int
    running: bool = False


class Applied(_Applied, Numbered):
    """One ledger row, without the SQL text.

    ``running`` marks a file outside any transaction that was begun and never finished.
    """

    __slots__ = ()
