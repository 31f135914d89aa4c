"""Hold what became of the members of a fleet."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.door import Database
    from runner.errors import RunnerError

JOBS = 4  # members at once, by default

# What somebody has to look at comes before what somebody has to correct, and that before what passes.
_ORDER = (0, 3, 5, 2, 1, 4)


class Ending(StrEnum):
    """What became of one member."""

    DONE = "done"
    REFUSED = "refused"  # before anything was changed there
    FAILED = "failed"
    NOT_STARTED = "not started"  # because of another one, or of Ctrl-C


class Visit(NamedTuple):  # as in model: it starts faster
    """One member of a fleet, and what became of it.

    ``database`` is what was found there, and applied; ``None`` where it was not reached. ``problem`` is why
    it was refused or failed. ``seconds`` is how long it took. ``warnings`` are what ``status`` alone does not
    end over: why no file could be applied.
    """

    name: str
    ending: Ending
    database: Database | None = None
    problem: RunnerError | None = None
    seconds: float = 0.0
    warnings: tuple[RunnerError, ...] = ()

    @property
    def problems(self) -> tuple[RunnerError, ...]:
        """All that is wrong: why it was refused or failed, what ``verify`` found, and wrong files."""
        base = self.database
        wrong = (*base.problems, *(step.problem for step in base.steps)) if base else ()
        return tuple(dict.fromkeys(one for one in (self.problem, *wrong) if one))

    @property
    def exit_code(self) -> int:
        """The code that the command line would end with for this one alone."""
        return worst(one.exit_code for one in self.problems)


def worst(codes: Iterable[int]) -> int:
    """Return the exit code that stands for all: 4 before 1, 2, 5, 3 and 0."""
    return max(codes, key=_ORDER.index, default=0)
