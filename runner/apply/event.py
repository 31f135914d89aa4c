"""Say what happens while files are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.model import Migration


class Started(NamedTuple):  # as in model: it starts faster
    """A file is about to be sent."""

    migration: Migration


class Waiting(NamedTuple):  # as in model: it starts faster
    """A file has to wait for another runner: ``holders`` says who, a line each."""

    migration: Migration
    holders: tuple[str, ...]


class Retrying(NamedTuple):  # as in model: it starts faster
    """A file was stopped by a lock and rolled back; it is tried again after ``seconds``."""

    migration: Migration
    reason: RunnerError
    seconds: float


class Outcome(NamedTuple):  # as in model: it starts faster
    """A file is committed.

    ``ms`` milliseconds passed if this runner applied it; ``None`` says that another one had done so.
    """

    migration: Migration
    ms: int | None


Event: TypeAlias = Started | Waiting | Retrying | Outcome
