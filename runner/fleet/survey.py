"""Look at every member of a fleet before anything is changed in one of them."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from runner import door, planning
from runner.door import Checked
from runner.errors import Interrupted, RunnerError, WrongDatabase
from runner.fleet import look
from runner.fleet.crew import Crew, Done
from runner.fleet.twins import Twins
from runner.fleet.visit import Ending, Visit
from runner.model import Before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event as Flag

    from runner.door import Database, Event
    from runner.fleet.look import Files
    from runner.fleet.member import Member
    from runner.model import Migration
    from runner.planning import Given


class Terms(NamedTuple):
    """What a member must be like to be migrated, as in ``migrate``."""

    to: int | None = None
    expect: int | None = None
    strict: bool = False
    allow_empty: bool = False
    wait: float = 0


class Found(NamedTuple):
    """What a look at a member gave: what is to be applied, or the ``problem`` that forbids it."""

    member: Member
    database: Database | None = None
    identity: str = ""
    todo: tuple[Migration, ...] = ()
    before: Before = Before(has_ledger=False)
    notices_loss: bool = False
    problem: RunnerError | None = None
    seconds: float = 0.0

    def visit(self) -> Visit:
        """Return what is said of a member that nothing was done to."""
        return Visit(self.member.name, self._ending, self.database, self.problem, self.seconds)

    @property
    def _ending(self) -> Ending:
        if self.problem and not isinstance(self.problem, Interrupted):
            return Ending.REFUSED
        return Ending.NOT_STARTED if self.problem or self.todo else Ending.DONE


def survey(  # noqa: PLR0913 - as of migrate_fleet
    files: Files,
    members: Sequence[Member],
    terms: Terms,
    *,
    jobs: int,
    stop: Flag,
    tell: Callable[[str, Event], None],
) -> list[Found]:
    """Look at all members, ``jobs`` at a time, and return what was found, in order.

    Whatever speaks against going on is the ``problem`` of its member: nothing is raised. Does not write.
    """
    look_at = partial(_look, files, terms, set())
    crew = Crew(members, look_at, jobs=jobs, stop=stop)
    found: dict[str, Found] = {}
    for news in crew.news():
        if isinstance(news, Done):
            one = news.result or Found(news.item, problem=_interrupted(news.item))
            found[news.item.name] = one
            if one.database:
                tell(news.item.name, Checked((one.database,)))
    ordered = [found.get(one.name) or Found(one, problem=_interrupted(one)) for one in members]
    return _distinct(files, ordered) if not stop.is_set() else ordered


def _look(files: Files, terms: Terms, given: set[Given], member: Member, _: Callable[[Event], None]) -> Found:
    """Do the preflight of one member."""
    began = time.monotonic()
    try:
        return _checked(files, terms, given, member)._replace(seconds=time.monotonic() - began)
    except RunnerError as problem:
        return Found(member, problem=problem, seconds=time.monotonic() - began)
    except KeyboardInterrupt:
        return Found(member, problem=_interrupted(member))


def _checked(files: Files, terms: Terms, given: set[Given], member: Member) -> Found:
    with look.site(files, member, wait=terms.wait) as site:
        seen = Found(member, door.describe(site), site.facts.identity, before=site.before)
        try:
            planning.check([site], to=terms.to, strict=terms.strict, allow_empty=terms.allow_empty)
            asked = planning.ask([site], given=given)
            planning.check_writable(asked)
            todo = planning.pending(asked[0].steps, to=terms.to)
            applied = len(planning.done(asked[0].steps, to=terms.to))
            planning.check_expected(len(todo), expect=terms.expect, applied=applied)
        except RunnerError as problem:
            return seen._replace(problem=problem)
        return seen._replace(
            database=door.describe(asked[0]),
            todo=tuple(step.file for step in todo),
            notices_loss=site.facts.notices_loss,
        )


def _interrupted(member: Member) -> Interrupted:
    return Interrupted(f"Interrupted before anything was done in {member.name}.", remedy="Run again.")


def _distinct(files: Files, found: Sequence[Found]) -> list[Found]:
    twins = Twins(files)
    return [_told_apart(twins, one) for one in found]


def _told_apart(twins: Twins, one: Found) -> Found:
    try:
        twins.check(one.member, one.database, one.identity)
    except WrongDatabase as problem:
        return one._replace(problem=problem)
    return one
