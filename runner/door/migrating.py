"""Migrate databases: everything is checked in all of them before anything is changed in one."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from runner import apply, database, planning
from runner.config import load
from runner.door.database import Database, describe, seen
from runner.door.where import check_alone, sites
from runner.errors import UsageError
from runner.model import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.door.event import Event
    from runner.planning import Site

_LIMITS = Limits()


class Checked(NamedTuple):  # as in model: it starts faster
    """Every database was looked at, and nothing speaks against going on; nothing is changed yet."""

    databases: tuple[Database, ...]


def migrate(  # noqa: PLR0913 - options, keyword-only
    series: str | Sequence[str] = (),
    *,
    url: str | None = None,
    config: Path | str | None = None,
    to: int | None = None,
    expect: int | None = None,
    strict: bool = False,
    allow_empty: bool = False,
    limits: Limits = _LIMITS,
    wait: float = 0,
    on_event: Callable[[Event], None] | None = None,
    on_embedded: Callable[[], None] | None = None,
) -> tuple[Database, ...]:
    """Apply what is pending, each file in a transaction that records it; return what was done. Writes.

    ``series`` names one or several, none means all, in the order of the configuration; ``url`` is for one.
    ``config`` is a pyproject.toml, by default the nearest. ``to`` is the number of the last file to apply,
    ``expect`` how many must be pending, or were until somebody applied them. A database that is ahead of the
    files gets nothing; with ``strict`` that is an error. ``allow_empty`` takes a series without a file.
    ``limits`` says how long to wait for others, and ``wait`` how many seconds a server is given to start.
    ``on_embedded`` is called before the embedded server stands in, and may raise.

    ``on_event`` is told what happens while it happens, in this thread: ``Checked`` once, then of each file
    ``Started`` (not of each that another runner has applied meanwhile), maybe ``Waiting``, ``Retrying``, or
    about once a second ``Working``, when it is committed, ``Outcome``, and behind that, or behind its
    failure, ``Noticed``, if the server said anything. What it raises ends the run, and so does what is raised
    in this thread from outside: the file at hand is rolled back, those before it stay; the server may be
    further than what was told. Nothing is printed, no signal handler is set, and calls in several threads do
    not know each other.

    Raises ``RunnerError`` with its ``name``, ``exit_code``, ``place`` and ``remedy``.
    """
    check_limits(limits)
    tell = _listening(on_event or (lambda _: None))
    try:
        with sites(load(config), series, url=url, wait=wait, on_embedded=on_embedded) as found:
            if to is not None:
                check_alone(found, "--to")
            asked = planning.check_and_ask(found, to=to, strict=strict, allow_empty=allow_empty)
            planning.check_writable(asked)
            planning.check_count([step for site in asked for step in site.steps], to=to, expect=expect)
            tell(Checked(tuple(seen(site) for site in asked)))
            # No generator: it makes another error of a listener's StopIteration.
            done = [_migrate(site, to, limits, tell) for site in asked]
            return tuple(done)
    except _Theirs as carried:
        raise carried.error from carried.error.__cause__


def check_limits(limits: Limits) -> None:
    """Raise ``UsageError`` for a time that is none."""
    for name, seconds in limits._asdict().items():
        if seconds is not None and not seconds >= 0:
            raise UsageError(f"{name} is {seconds}.", remedy="Give seconds, from 0 on.")


class _Theirs(BaseException):
    """Carries a driver's error of who listens past those who would take it for one of ours."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _listening(on_event: Callable[[Event], None]) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        try:
            on_event(event)
        except database.Error as error:
            raise _Theirs(error) from error

    return tell


def _migrate(site: Site, to: int | None, limits: Limits, tell: Callable[[Event], None]) -> Database:
    """Apply what is pending in one database, and leave it: nobody shall wait there for the next one."""
    outcomes = []
    if files := [step.file for step in planning.pending(site.steps, to=to)]:
        with closing(apply.apply(site.access, files, site.before, limits)) as events:
            event = next(events, None)
            while event:
                if isinstance(event, apply.Outcome):
                    outcomes.append(event)
                try:
                    tell(event)
                    event = next(events, None)
                except KeyboardInterrupt as stop:  # what is committed meanwhile is told, too
                    event = events.throw(stop)
    site.connection.close()
    return describe(site)._replace(outcomes=tuple(outcomes))
