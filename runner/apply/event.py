"""Say what happens while files are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from runner.errors import Place, RunnerError
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


class Notice(NamedTuple):  # as in model: it starts faster
    """What the server said while a file ran.

    ``severity`` is PostgreSQL's word: WARNING, NOTICE, INFO, LOG, DEBUG. ``place`` is where in the file, if
    that is certain; ``notes`` are its DETAIL and HINT, without what may show values of rows: that is
    ``private``.
    """

    severity: str
    message: str
    sqlstate: str | None = None
    place: Place | None = None
    notes: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


class Noticed(NamedTuple):  # as in model: it starts faster
    """The server said something while a file ran, that is committed now or has failed.

    Of a flood the first hundred warnings and the first hundred others are here, and one that counts the rest.
    """

    migration: Migration
    notices: tuple[Notice, ...]


class Outcome(NamedTuple):  # as in model: it starts faster
    """A file is committed.

    ``ms`` milliseconds passed if this runner applied it; ``None`` says that another one had done so.
    """

    migration: Migration
    ms: int | None


Event: TypeAlias = Started | Waiting | Retrying | Noticed | Outcome
