"""Visit each member of a fleet once, a few at a time, without changing it."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Interrupted, RunnerError, UsageError
from runner.fleet import look, member
from runner.fleet.crew import Crew, Done, Stop
from runner.fleet.twins import Twins
from runner.fleet.visit import Ending, Visit

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.door import Database
    from runner.fleet.look import Files
    from runner.fleet.member import Member
    from runner.model import Migration
    from runner.planning import Site

    Fleet = Path | str | Mapping[str, str]


class Round(NamedTuple):
    """A round of all members: how it is made, and what all share."""

    files: Files
    members: tuple[Member, ...]
    jobs: int
    wait: float
    stop: threading.Event


def prepared(  # noqa: PLR0913 - what all functions for a fleet have in common
    fleet: Fleet,
    series: str | Sequence[str],
    config: Path | str | None,
    *,
    only: Sequence[str],
    but: Sequence[str],
    jobs: int,
    wait: float,
    stop: threading.Event | None,
    to: int | None = None,
) -> Round:
    """Read the files, once for all, and who is to be visited.

    Raises ``UsageError`` for an unknown ``to``, and when nobody would do it.
    """
    if jobs < 1:
        raise UsageError(f"With jobs={jobs} no database would be visited.", remedy="Give 1 or more.")
    files = look.read(series, config)
    if to is not None and to not in {file.number for file in files.migrations}:
        raise UsageError(f"There is no file with number {to:03}.", remedy="See `status` for the numbers.")
    members = member.choose(member.read(fleet, os.environ), only=only, but=but)
    return Round(files, members, jobs, wait, Stop(stop))


class Seen(NamedTuple):
    """A member that was looked at: what is said of it, which database it is, and what its files make."""

    visit: Visit
    identity: str = ""
    state: str | None = None
    applied: tuple[Migration, ...] = ()


def seen(round_: Round, see: Callable[[Site], Seen], *, is_patient: bool = False) -> Iterator[Seen]:
    """Visit each member once, and refuse one that is another's database."""
    visit = partial(_visit, round_, see, is_patient)
    crew = Crew(round_.members, visit, jobs=round_.jobs, stop=round_.stop)
    twins = Twins(round_.files, round_.stop)
    for news in crew.news():
        if isinstance(news, Done):
            looked = news.result or stopped(news.item)
            timed = looked._replace(visit=looked.visit._replace(seconds=news.seconds))
            yield _told_apart(twins, news.item, timed)
    for left in crew.left():
        yield stopped(left)


def _told_apart(twins: Twins, one: Member, looked: Seen) -> Seen:
    problem = twins.problem(one, looked.visit.database, looked.identity)
    if isinstance(problem, Interrupted):
        return stopped(one)
    return Seen(looked.visit._replace(ending=Ending.REFUSED, problem=problem)) if problem else looked


def _visit(
    round_: Round, see: Callable[[Site], Seen], is_patient: bool, one: Member, _: Callable[..., None]
) -> Seen:
    try:
        with look.site(round_.files, one, wait=round_.wait, is_patient=is_patient) as site:
            return see(site)
    except RunnerError as problem:
        return Seen(Visit(one.name, Ending.FAILED, problem=problem))


def stopped(one: Member) -> Seen:
    """Return what is said of a member that nobody has looked at because all was to end."""
    return Seen(Visit(one.name, Ending.NOT_STARTED, problem=look.interrupted(one)))


def done(site: Site, found: Database, problem: RunnerError | None = None) -> Seen:
    """Return what is said of a member that was looked at."""
    ending = Ending.REFUSED if problem else Ending.DONE
    return Seen(Visit(site.target.source, ending, found, problem), site.facts.identity)
