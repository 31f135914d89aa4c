"""Look at the members of a fleet: status, plan, verify. Nothing here writes to them."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from runner import door, planning, schema
from runner.errors import Interrupted, RunnerError
from runner.fleet import look, member
from runner.fleet.crew import Crew, Done
from runner.fleet.twins import Twins
from runner.fleet.visit import JOBS, Ending, Visit

if TYPE_CHECKING:
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


class Seen(NamedTuple):
    """A member that was looked at: what is said of it, which database it is, and what its files make."""

    visit: Visit
    identity: str = ""
    state: str | None = None
    applied: tuple[Migration, ...] = ()


def status_fleet(  # noqa: PLR0913 - options, keyword-only
    fleet: Fleet,
    series: str | Sequence[str] = (),
    *,
    config: Path | str | None = None,
    only: Sequence[str] = (),
    but: Sequence[str] = (),
    jobs: int = JOBS,
    wait: float = 0,
    stop: threading.Event | None = None,
) -> Iterator[Visit]:
    """Look at many databases of one series; yield each as it comes, with what is applied, pending or wrong.

    Parameters as of ``migrate_fleet``. A member that cannot be read has a ``problem``.
    """
    members = member.chosen(fleet, only=only, but=but)
    round_ = Round(look.read(series, config), members, jobs, wait, stop or threading.Event())
    for seen in _seen(round_, _status):
        yield seen.visit


def plan_fleet(  # noqa: PLR0913 - options, keyword-only
    fleet: Fleet,
    series: str | Sequence[str] = (),
    *,
    config: Path | str | None = None,
    only: Sequence[str] = (),
    but: Sequence[str] = (),
    jobs: int = JOBS,
    strict: bool = False,
    allow_empty: bool = False,
    wait: float = 0,
    stop: threading.Event | None = None,
) -> Iterator[Visit]:
    """Yield of each member what ``migrate_fleet`` would apply, or as its ``problem`` why it would refuse.

    Other parameters as of ``migrate_fleet``.
    """
    members = member.chosen(fleet, only=only, but=but)
    round_ = Round(look.read(series, config), members, jobs, wait, stop or threading.Event())
    for seen in _seen(round_, partial(_plan, strict=strict, allow_empty=allow_empty)):
        yield seen.visit


def verify_fleet(  # noqa: PLR0913 - options, keyword-only
    fleet: Fleet,
    series: str | Sequence[str] = (),
    *,
    config: Path | str | None = None,
    only: Sequence[str] = (),
    but: Sequence[str] = (),
    jobs: int = JOBS,
    drift: bool = False,
    scratch: str | None = None,
    strict: bool = False,
    wait: float = 0,
    stop: threading.Event | None = None,
) -> Iterator[Visit]:
    """Yield each member with the ``problems`` of its database, as ``verify`` finds them.

    With ``drift`` the files are run once for all members whose files make the same: those that have applied
    the same files on the same version of PostgreSQL, with the same roles, owner and settings. Other
    parameters as of ``migrate_fleet`` and ``verify``.
    """
    members = member.chosen(fleet, only=only, but=but)
    round_ = Round(look.read(series, config), members, jobs, wait, stop or threading.Event())
    if not drift:
        for seen in _seen(round_, partial(_verify, strict=strict, compare=None), is_patient=True):
            yield seen.visit
        return
    alike: dict[str, list[Seen]] = {}
    for seen in _seen(round_, _state):
        if seen.state is None:
            yield seen.visit
        else:
            alike.setdefault(seen.state, []).append(seen)
    by_name = {one.name: one for one in members}
    for group in alike.values():
        some = tuple(by_name[seen.visit.name] for seen in group)
        yield from _compared(round_._replace(members=some), group[0].applied, scratch, strict=strict)


def _seen(round_: Round, see: Callable[[Site], Seen], *, is_patient: bool = False) -> Iterator[Seen]:
    """Visit each member once, and refuse one that is another's database."""
    visit = partial(_visit, round_, see, is_patient)
    crew = Crew(round_.members, visit, jobs=round_.jobs, stop=round_.stop)
    twins = Twins(round_.files)
    for news in crew.news():
        if isinstance(news, Done):
            yield _told_apart(twins, news.item, news.result or _stopped(news.item))
    for left in crew.left():
        yield _stopped(left)


def _told_apart(twins: Twins, one: Member, seen: Seen) -> Seen:
    try:
        if seen.identity:
            twins.check(one, seen.visit.database, seen.identity)
    except RunnerError as problem:
        return Seen(seen.visit._replace(ending=Ending.REFUSED, problem=problem))
    return seen


def _visit(
    round_: Round,
    see: Callable[[Site], Seen],
    is_patient: bool,
    one: Member,
    _: Callable[..., None],
) -> Seen:
    """Look at one member."""
    began = time.monotonic()
    try:
        with look.site(round_.files, one, wait=round_.wait, is_patient=is_patient) as site:
            seen = see(site)
    except RunnerError as problem:
        seen = Seen(Visit(one.name, Ending.FAILED, problem=problem))
    except KeyboardInterrupt:
        seen = _stopped(one)
    return seen._replace(visit=seen.visit._replace(seconds=time.monotonic() - began))


def _stopped(one: Member) -> Seen:
    problem = Interrupted(f"Interrupted before {one.name} was looked at.", remedy="Run again.")
    return Seen(Visit(one.name, Ending.NOT_STARTED, problem=problem))


def _done(site: Site, found: Database, problem: RunnerError | None = None) -> Seen:
    ending = Ending.REFUSED if problem else Ending.DONE
    return Seen(Visit(site.target.source, ending, found, problem), site.facts.identity)


def _status(site: Site) -> Seen:
    return _done(site, door.describe(site))


def _plan(site: Site, *, strict: bool, allow_empty: bool) -> Seen:
    try:
        planning.check([site], strict=strict, allow_empty=allow_empty)
    except RunnerError as problem:
        return _done(site, door.describe(site), problem)
    return _done(site, door.describe(site))


def _verify(
    site: Site,
    *,
    strict: bool,
    compare: Callable[[Site, Sequence[Migration]], schema.Comparison] | None,
) -> Seen:
    return _done(site, door.verified(site, strict=strict, compare=compare))


def _state(site: Site) -> Seen:
    applied = planning.applied(site.steps)
    return _done(site, door.describe(site))._replace(state=schema.state(site, applied), applied=applied)


def _compared(
    round_: Round, applied: tuple[Migration, ...], scratch: str | None, *, strict: bool
) -> Iterator[Visit]:
    """Verify members that are alike beside what their files make."""
    left = {one.name for one in round_.members}
    target = round_.files.target(round_.members[0])
    try:
        with schema.expected(target, applied, scratch_url=scratch) as made:
            compare = partial(_beside, made, scratch)
            see = partial(_verify, strict=strict, compare=compare)
            for seen in _seen(round_, see, is_patient=True):
                left.remove(seen.visit.name)
                yield seen.visit
    except RunnerError as problem:  # of the scratch side
        for name in left:
            yield Visit(name, Ending.FAILED, problem=problem)


def _beside(
    made: schema.Expected, scratch: str | None, site: Site, files: Sequence[Migration]
) -> schema.Comparison:
    """Compare a member; one that was migrated since it was looked at is by itself."""
    if tuple(files) == made.files:
        return made.compare(site)
    return schema.differences(site, files, scratch_url=scratch)
