"""Say what happens while files are applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.model import Step


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
class Retrying:
    """A step was stopped by a lock and rolled back; it is tried again after ``seconds``."""

    step: Step
    reason: RunnerError
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step is committed.

    ``ms`` milliseconds passed if this runner applied it; ``None`` says that another one had done so.
    """

    step: Step
    ms: int | None


Event: TypeAlias = Started | Waiting | Retrying | Outcome
