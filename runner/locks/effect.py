"""Hold what is known of a statement that is to come: locks, work, losses, and the alarms they give."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from runner.locks.mode import Blocked, blocked, strongest

if TYPE_CHECKING:
    from runner.errors import Place
    from runner.model import Migration

ALARMS = {
    "rewrite": "a table that exists is written anew, whole",
    "exclusive-scan": "everybody waits while rows are read, indexed or rewritten",
    "write-scan": "writers wait while rows are read or indexed",
    "exclusive": "everybody waits, be it for a moment",
    "destructive": "something is dropped, emptied, deleted without a condition, or narrowed",
    "data-loss": "as destructive, but only what cannot be made again",
    "rollback": "there is no rollback, it fails, or it loses what tables that exist hold",
    "untraced": "nothing is known of the file: it fails in the scratch database",
}


class Work(StrEnum):
    """What a statement does to a table, from the longest to the shortest."""

    REWRITES = "rewrites"
    BUILDS = "builds an index"
    VALIDATES = "validates a key"
    READS = "reads"
    WRITES = "changes rows"
    EMPTIES = "empties"
    MOMENT = "a moment"

    @property
    def takes_long(self) -> bool:
        """Whether it takes the longer, the larger the table is."""
        return self not in (Work.EMPTIES, Work.MOMENT)

    def of(self, name: str) -> str:
        """Return it in words, with the name of the table: ``builds an index on public.orders``."""
        link = {"builds an index": " on", "validates a key": " of", "changes rows": " of"}.get(self, "")
        return f"{self}{link} {name}"

    @property
    def rank(self) -> int:
        """Order from a moment, 0, to the longest."""
        return len(Work) - 1 - list(Work).index(self)


@dataclass(frozen=True, slots=True)
class Size:
    """What the live database knows of a table: bytes with its TOAST table, and estimated rows."""

    bytes: int
    rows: int | None  # nobody has counted yet


@dataclass(frozen=True, slots=True)
class Effect:
    """What one statement does to one table, view, sequence or index that existed before.

    ``mode`` is the lock it takes, ``None`` where the file had it already; ``held`` the strongest one that the
    file then has. ``meanwhile`` says what else the file does, later and for long, before it lets go.
    """

    name: str  # quoted and qualified: public.orders
    kind: str  # table, view, index, …
    mode: str | None
    held: str | None
    works: tuple[Work, ...] = (Work.MOMENT,)
    table: str | None = None  # of an index
    size: Size | None = None
    meanwhile: tuple[str, ...] = ()

    @property
    def work(self) -> Work:
        """The longest of what it does."""
        return max(self.works, key=lambda one: one.rank)

    @property
    def takes_long(self) -> bool:
        """Whether others wait as long as a table is large, be it another one."""
        return self.work.takes_long or bool(self.meanwhile)

    @property
    def lock(self) -> str | None:
        """The lock that counts: while it takes long whatever the file holds, else what it takes."""
        return strongest((self.mode, self.held)) if self.work.takes_long else self.mode

    @property
    def blocked(self) -> Blocked:
        """Who has to wait."""
        return blocked(self.lock)

    @property
    def alarms(self) -> tuple[str, ...]:
        """The classes of ``ALARMS`` it belongs to."""
        everybody = self.blocked is Blocked.EVERYBODY
        found = {
            "rewrite": Work.REWRITES in self.works,
            "exclusive-scan": everybody and self.takes_long,
            "write-scan": self.blocked is Blocked.WRITERS and self.takes_long,
            "exclusive": everybody,
        }
        return tuple(name for name, is_so in found.items() if is_so)

    @property
    def hurt(self) -> tuple[int, ...]:
        """What to sort by: the more it hurts, the larger."""
        hurts = self.takes_long and self.blocked.rank >= Blocked.WRITERS.rank
        return (hurts, self.blocked.rank, self.work.rank, self.size.bytes if self.size else 0)


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a statement destroys: ``drops column public.orders.total``."""

    text: str
    is_data: bool  # it cannot be made again


@dataclass(frozen=True, slots=True)
class Traced:
    """One statement of a file, and what it does to what existed before. ``note`` says what is not known."""

    place: Place
    text: str  # its first words
    effects: tuple[Effect, ...] = ()
    losses: tuple[Loss, ...] = ()
    note: str | None = None

    @property
    def alarms(self) -> tuple[str, ...]:
        """The classes of ``ALARMS`` it belongs to."""
        found = [name for effect in self.effects for name in effect.alarms]
        found += ["destructive"] * bool(self.losses)
        found += ["data-loss"] * any(one.is_data for one in self.losses)
        return tuple(name for name in ALARMS if name in found)


@dataclass(frozen=True, slots=True)
class Undo:
    """What the rollback of a file would do.

    It ``loses`` what the file has made, and ``takes`` what was written meanwhile to tables that existed
    before; ``error`` is why it failed in the scratch database.
    """

    is_missing: bool = False
    loses: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def is_alarming(self) -> bool:
        """Whether somebody should know before the file runs."""
        return bool(self.is_missing or self.takes or self.error)


@dataclass(frozen=True, slots=True)
class Trace:
    """What one pending file does. ``untraced`` says why nothing is known of it."""

    migration: Migration
    statements: tuple[Traced, ...] = ()
    undo: Undo = Undo()
    untraced: str | None = None

    @property
    def effects(self) -> tuple[tuple[Traced, Effect], ...]:
        """Every effect beside its statement, first what hurts most."""
        pairs = [(one, effect) for one in self.statements for effect in one.effects]
        return tuple(sorted(pairs, key=lambda pair: pair[1].hurt, reverse=True))

    @property
    def summary(self) -> str:
        """A few words: who waits the most, and what for."""
        if self.untraced or not self.effects:
            return "not traced" if self.untraced else "nobody waits"
        worst = self.effects[0][1]
        short = f"{worst.name}{', held for long' if worst.meanwhile else ', a moment'}"
        who = f"{worst.blocked} wait{'s' * (worst.blocked is not Blocked.WRITERS)}"
        return f"{who}: {worst.work.of(worst.name) if worst.work.takes_long else short}"

    @property
    def alarms(self) -> tuple[str, ...]:
        """The classes of ``ALARMS`` it belongs to."""
        found = {name for one in self.statements for name in one.alarms}
        found |= {"rollback"} if self.undo.is_alarming else set()
        found |= {"untraced"} if self.untraced else set()
        return tuple(name for name in ALARMS if name in found)
