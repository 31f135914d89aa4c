"""Say what happens while files are applied: named tuples, as in model, for they start faster."""

import re
from typing import NamedTuple, TypeAlias

from runner.errors import Place, RunnerError
from runner.model import Migration

RUNNER = "runner:"  # begins the application_name of a session that applies the file behind it
_LENGTH = 63  # bytes: the server shows no more of a name (NAMEDATALEN)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def age(seconds: float) -> str:
    """Return a time for a person, in its largest unit: 41 s, 3 min, 2 h, 5 days."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds // _DAY:.0f} days"


def application(migration: Migration) -> str:
    """Return the application_name of the session that applies a file, as the server shows it."""
    return f"{RUNNER}{migration.path}"[:_LENGTH]


class Started(NamedTuple):
    """A file is about to be sent."""

    migration: Migration


class Waiting(NamedTuple):
    """A file has to wait for another runner: ``holders`` says who, a line each."""

    migration: Migration
    holders: tuple[str, ...]


class Retrying(NamedTuple):
    """A file was stopped by a lock and rolled back; it is tried again after ``seconds``."""

    migration: Migration
    reason: RunnerError
    seconds: float


class Session(NamedTuple):
    """A session of the server, as far as the role that asks may see it: ``None`` is what it may not.

    ``seconds`` is how old its transaction or its statement is. ``query`` is its last one, without the texts
    in it. A prepared transaction is nobody's session: it has no ``pid``, and its name as ``application``.
    ``may_end`` tells whether whoever logs in as the runner does may end it.
    """

    pid: int | None
    user: str | None
    application: str
    client: str | None = None
    state: str | None = None
    seconds: int | None = None
    query: str | None = None
    may_end: bool = True

    def __str__(self) -> str:
        """Say who it is and what it does, in a few words."""
        if self.pid is None:
            return f"the prepared transaction {self.application} ({self.user}{self._since()})"
        name = self.application
        at_work = f"at {name.removeprefix(RUNNER)}" if name.startswith(RUNNER) else None
        doing = f"{at_work or self.state or ''}{self._since()}".strip()
        told = (self.user, None if at_work or name == self.user else name, doing)
        return f"pid {self.pid} ({', '.join(filter(None, told))})"

    def may_be_at(self, label: str) -> bool:
        """Tell whether it may apply the file of this label: psql does not say, and a long path is cut."""
        name = self.application
        if self.pid is None:
            return False
        is_cut = len(name.encode()) >= _LENGTH
        return not name.startswith(RUNNER) or is_cut or bool(re.search(rf"[:/\\]{label}\.sql$", name))

    def _since(self) -> str:
        return "" if self.seconds is None else f" for {age(self.seconds)}"


class Activity(NamedTuple):
    """What the server says that a session is doing; ``None`` is what it does not say.

    ``phase`` and ``percent`` are those of the views pg_stat_progress_*; ``wait`` is what the session waits
    for, as PostgreSQL names it (``IO DataFileRead``); ``wants`` is the lock it has not got, and ``blockers``
    say who lets it wait.
    """

    phase: str | None = None
    percent: int | None = None
    wait: str | None = None
    wants: str | None = None
    blockers: tuple[Session, ...] = ()

    def __str__(self) -> str:
        """Say it in a sentence without its end; empty when nothing is known."""
        percent = "" if self.percent is None else f", {self.percent}%"
        doing = f"{self.phase}{percent}" if self.phase else None
        waits = None if self.wants else self.wait if not self.phase else None
        return "; ".join(filter(None, (doing, self._waiting(), waits)))

    def _waiting(self) -> str | None:
        if not self.wants:
            return None
        by = "of" if self.wants.endswith("transaction") else "held by"
        who = f" {by} {' and '.join(map(str, self.blockers))}" if self.blockers else ""
        return f"waits for {self.wants}{who}"


class Working(NamedTuple):
    """A file is at work, or waits for another runner, ``seconds`` after it began: told about once a second.

    Nothing of it comes before the first second, but where a short lock_timeout asks for it.
    """

    migration: Migration
    seconds: float
    activity: Activity


class Notice(NamedTuple):
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


class Noticed(NamedTuple):
    """The server said something while a file ran, that is committed now or has failed.

    Of a flood the first hundred warnings and the first hundred others are here, and one that counts the rest.
    """

    migration: Migration
    notices: tuple[Notice, ...]


class Outcome(NamedTuple):
    """A file is committed.

    ``ms`` milliseconds passed if this runner applied it; ``None`` says that another one had done so.
    """

    migration: Migration
    ms: int | None


Event: TypeAlias = Started | Waiting | Working | Retrying | Noticed | Outcome
