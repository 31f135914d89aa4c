"""Facts of the benchmark: sets of files, databases, tools, workloads, and what a run took."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Action = Literal["migrate", "status"]


class Failed(Exception):
    """A run does not count: the tool failed, took too long, or left another result than it should."""


@dataclass(frozen=True, slots=True)
class FileSet:
    """Migration files of one database, in order, and how many tables they make."""

    name: str
    files: tuple[Path, ...]
    tables: int


@dataclass(frozen=True, slots=True)
class Target:
    """A database, the set it is for, and the folder in which the tool keeps that set its own way."""

    files: FileSet
    folder: Path
    database: str
    url: str


@dataclass(frozen=True, slots=True)
class Command:
    """A process to start; its program is an absolute path."""

    program: Path
    arguments: tuple[str, ...]
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool: how it wants its files, how it is called, and where it records what it applied.

    ``write`` puts a set into an empty folder. ``commands`` returns the processes that migrate, or ask
    about, the targets; it may put files into the folder it is given, which is new for each run, and returns
    ``None`` for an action the tool does not have. ``recorded`` is a query for the number of recorded files,
    ``None`` when the tool keeps no such number.
    """

    name: str
    version: str
    write: Callable[[FileSet, Path], None]
    commands: Callable[[Action, Sequence[Target], Path], list[Command] | None]
    recorded: str | None


@dataclass(frozen=True, slots=True)
class Workload:
    """Something every tool does: migrate fresh databases, or ask databases that have nothing pending.

    ``sets`` names the files of each database. ``after`` is the workload that left the databases, for those
    with nothing pending. ``others`` is the number of runs of the tools beside the runner
    and the floor.
    """

    key: str
    title: str
    sets: tuple[str, ...]
    runs: int
    others: int
    action: Action = "migrate"
    after: str | None = None
    is_slow_network: bool = False
    has_memory: bool = False
    has_share: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds from spawn to exit and peak resident size; of several processes, sum and largest.

    ``server_seconds`` is the time the server spent on statements, ``trips`` and ``traffic`` (bytes) what
    the proxy counted; ``None`` where that was not measured.
    """

    seconds: float
    peak_mib: float
    server_seconds: float | None = None
    trips: int | None = None
    traffic: int | None = None

    @property
    def share_outside(self) -> float | None:
        """Return which part of the time was not the server's."""
        return None if self.server_seconds is None else max(0.0, 1 - self.server_seconds / self.seconds)


@dataclass(frozen=True, slots=True)
class Results:
    """All runs and all failures, by key of workload and name of tool."""

    runs: dict[tuple[str, str], list[Run]]
    failures: dict[tuple[str, str], str]

    def median(self, key: str, peer: str, quantity: str) -> float | None:
        """Return the median of a quantity, such as ``seconds``; ``None`` when it was not measured."""
        found = [value for value in self._all(key, peer, quantity) if value is not None]
        return median(found) if found else None

    def ratio(self, key: str, peer: str, other: str, quantity: str = "seconds") -> float | None:
        """Return the median of the ratios to another tool, round by round; ``None`` without a common round.

        A machine may be twice as slow for minutes: the two runs of a round see the same of it.
        """
        pairs = zip(self._all(key, peer, quantity), self._all(key, other, quantity), strict=False)
        found = [one / another for one, another in pairs if one is not None and another]
        return median(found) if found else None

    def _all(self, key: str, peer: str, quantity: str) -> list[float | None]:
        return [getattr(run, quantity) for run in self.runs.get((key, peer), [])]
