"""Say what happens while files are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.model import Step


class Started(NamedTuple):  # as in model: it starts faster
    """A step is about to be sent."""

    step: Step


class Waiting(NamedTuple):  # as in model: it starts faster
    """A step has to wait for another runner: ``holders`` says who, a line each."""

    step: Step
    holders: tuple[str, ...]


class Retrying(NamedTuple):  # as in model: it starts faster
    """A step was stopped by a lock and rolled back; it is tried again after ``seconds``."""

    step: Step
    reason: RunnerError
    seconds: float


class Outcome(NamedTuple):  # as in model: it starts faster
    """A step is committed.

    ``ms`` milliseconds passed if this runner applied it; ``None`` says that another one had done so.
    """

    step: Step
    ms: int | None


Event: TypeAlias = Started | Waiting | Retrying | Outcome
