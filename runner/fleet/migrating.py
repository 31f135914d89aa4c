"""Migrate the members of a fleet: all are looked at first, canaries come before the rest."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from runner import apply, door, planning
from runner.database import Access
from runner.errors import CommitUnknown, Interrupted, RunnerError
from runner.fleet import look, member
from runner.fleet.crew import Crew, Done, Told
from runner.fleet.rounds import prepared
from runner.fleet.survey import Terms, survey
from runner.fleet.visit import JOBS, Ending, Visit
from runner.model import Limits

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from runner.door import Event
    from runner.fleet.look import Files
    from runner.fleet.rounds import Fleet
    from runner.fleet.survey import Found

_LIMITS = Limits()
_ENDING = 2.0  # seconds, in which the server ends the session that has looked: it may be the only one let in


class Work(NamedTuple):
    """What all members share while they are migrated."""

    files: Files
    limits: Limits
    jobs: int
    stop: threading.Event
    keep_going: bool
    tell: Callable[[str, Event], None]


def migrate_fleet(  # noqa: PLR0913 - options, keyword-only
    fleet: Fleet,
    series: str | Sequence[str] = (),
    *,
    config: Path | str | None = None,
    only: Sequence[str] = (),
    but: Sequence[str] = (),
    jobs: int = JOBS,
    canary: int | Sequence[str] = 0,
    keep_going: bool = False,
    to: int | None = None,
    expect: int | None = None,
    strict: bool = False,
    allow_empty: bool = False,
    limits: Limits = _LIMITS,
    wait: float = 0,
    stop: threading.Event | None = None,
    on_event: Callable[[str, Event], None] | None = None,
) -> Generator[Visit, None, None]:
    """Apply what is pending in many databases of one series; yield what became of each, as it comes. Writes.

    ``fleet`` is a file of lines NAME=URL, or maps names to URLs; ``only`` and ``but`` are patterns of names.
    Every member is checked before one is changed. What is found keeps all from being changed, or with
    ``keep_going`` only those where it was found. Then the ``canary`` members, a number or names, are migrated
    one after the other; when one fails nobody else is touched. Then the others, ``jobs`` at once, each on a
    connection and under a lock of its own; when one fails nobody else is begun, unless ``keep_going``.

    When ``stop`` is set, from another thread or a signal handler, what runs is cancelled and rolled back
    within two seconds; every member is still told of. Closing the generator does the same. ``on_event`` is
    called with the name of a member and what happens there, in the thread that iterates. Other parameters
    as of ``migrate``, for each member. Raises ``RunnerError`` only for what concerns all of them.
    """
    door.check_limits(limits)
    round_ = prepared(fleet, series, config, only=only, but=but, jobs=jobs, wait=wait, stop=stop, to=to)
    tell = on_event or (lambda *_: None)
    first = [one.name for one in member.canaries(round_.members, canary)]
    found = survey(round_, Terms(to, expect, strict, allow_empty), tell)
    if round_.stop.is_set() or (not keep_going and any(one.problem for one in found)):
        yield from (one.visit() for one in found)
        return
    work = Work(round_.files, limits, jobs, round_.stop, keep_going, tell)
    yield from _in_turn(work, found, first)


def _in_turn(work: Work, found: Sequence[Found], first: Sequence[str]) -> Iterator[Visit]:
    """Migrate the canaries, and the others if these are well."""
    by_name = {one.member.name: one for one in found}
    canaries = [by_name[name] for name in first]
    others = [one for one in found if one.member.name not in first]
    well = True
    for visit in _migrated(work._replace(jobs=1, keep_going=False), canaries):
        well = well and visit.ending is Ending.DONE
        yield visit
    if well:
        yield from _migrated(work, others)
    else:
        yield from (one.visit() for one in others)


def _migrated(work: Work, found: Sequence[Found]) -> Iterator[Visit]:
    """Migrate some members, as many at once as there are jobs."""
    yield from (one.visit() for one in found if one.problem or not one.todo)
    todo = [one for one in found if one.todo and not one.problem]
    ends = None if work.keep_going else bool
    crew = Crew(todo, partial(_migrate, work), jobs=work.jobs, stop=work.stop, ends=ends)
    applied: dict[str, list[apply.Outcome]] = {one.member.name: [] for one in todo}
    for news in crew.news():
        name = news.item.member.name
        if isinstance(news, Told):
            if isinstance(news.event, apply.Outcome):
                applied[name].append(news.event)
            work.tell(name, news.event)
        elif isinstance(news, Done):
            yield _visit(news, applied[name])
    yield from (one.visit() for one in crew.left())


def _visit(done: Done[Found, tuple[RunnerError, ...]], applied: Sequence[apply.Outcome]) -> Visit:
    """Return what became of a member; one without a result gave no answer after all was to be stopped.

    An interruption behind its last file took nothing from it.
    """
    found, problems = done.item, done.result
    name = found.member.name
    problem = _unended(name) if problems is None else next(iter(problems), None)
    if isinstance(problem, Interrupted) and len(applied) == len(found.todo):
        problem = None
    database_ = found.database._replace(outcomes=tuple(applied)) if found.database else None
    return Visit(name, Ending.FAILED if problem else Ending.DONE, database_, problem, done.seconds)


def _migrate(work: Work, found: Found, tell: Callable[[Event], None]) -> tuple[RunnerError, ...]:
    """Apply what is pending in one member; return what has gone wrong, if anything did."""
    try:
        connect = partial(planning.connect, work.files.target(found.member), writes=True)
        with look.named(found.member), closing(connect(wait=_ENDING)) as connection:
            access = Access(connection, connect, found.notices_loss, found.is_direct, found.greets)
            for event in apply.apply(access, found.todo, found.before, work.limits):
                tell(event)
    except RunnerError as problem:
        return (problem,)
    except KeyboardInterrupt:
        return (Interrupted("Interrupted, while no file was running.", remedy="Run again."),)
    return ()


def _unended(name: str) -> CommitUnknown:
    return CommitUnknown(
        f"Interrupted; {name} did not end in time, and rolls back what is not committed.",
        remedy="`status` shows how far it got; run again.",
    )
