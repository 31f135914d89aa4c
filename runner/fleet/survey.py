"""Look at every member of a fleet before anything is changed in one of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from runner import door, planning
from runner.door import Checked
from runner.errors import Interrupted, RunnerError
from runner.fleet import look
from runner.fleet.crew import Crew, Done
from runner.fleet.twins import Twins
from runner.fleet.visit import Ending, Visit
from runner.model import Before

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.door import Database, Event
    from runner.fleet.member import Member
    from runner.fleet.rounds import Round
    from runner.model import Migration
    from runner.planning import Given


class Terms(NamedTuple):
    """What a member must be like to be migrated, as in ``migrate``."""

    to: int | None = None
    expect: int | None = None
    strict: bool = False
    allow_empty: bool = False


class Found(NamedTuple):
    """What a look at a member gave: what is to be applied, or the ``problem`` that forbids it."""

    member: Member
    database: Database | None = None
    identity: str = ""
    todo: tuple[Migration, ...] = ()
    before: Before = Before(has_ledger=False)
    notices_loss: bool = False
    is_direct: bool = False
    greets: bool = False
    problem: RunnerError | None = None
    seconds: float = 0.0

    def visit(self) -> Visit:
        """Return what is said of a member that nothing was done to."""
        ending = Ending.NOT_STARTED if self.problem or self.todo else Ending.DONE
        if self.problem and not isinstance(self.problem, Interrupted):
            ending = Ending.REFUSED
        return Visit(self.member.name, ending, self.database, self.problem, self.seconds)


def survey(round_: Round, terms: Terms, tell: Callable[[str, Event], None]) -> list[Found]:
    """Look at all members and return what was found, in order.

    Whatever speaks against going on is the ``problem`` of its member: nothing is raised. Does not write.
    """
    crew = Crew(round_.members, partial(_look, round_, terms, set()), jobs=round_.jobs, stop=round_.stop)
    found: dict[str, Found] = {}
    for news in crew.news():
        if isinstance(news, Done) and news.result:
            found[news.item.name] = one = news.result._replace(seconds=news.seconds)
            if one.database:
                tell(news.item.name, Checked((one.database,)))
    ordered = [found.get(one.name) or Found(one, problem=_interrupted(one)) for one in round_.members]
    if round_.stop.is_set():
        return ordered
    twins = Twins(round_.files, round_.stop)
    return [
        one._replace(problem=twins.problem(one.member, one.database, one.identity) or one.problem)
        for one in ordered
    ]


def _look(
    round_: Round, terms: Terms, given: set[Given], member: Member, _: Callable[[Event], None]
) -> Found:
    try:
        return _checked(round_, terms, given, member)
    except RunnerError as problem:
        return Found(member, problem=problem)


def _checked(round_: Round, terms: Terms, given: set[Given], member: Member) -> Found:
    with look.site(round_.files, member, wait=round_.wait) as site:
        seen = Found(member, door.seen(site), site.facts.identity, before=site.before)
        try:
            asked = planning.check_and_ask(
                [site], to=terms.to, strict=terms.strict, allow_empty=terms.allow_empty, given=given
            )
            planning.check_writable(asked)
            planning.check_count(asked[0].steps, to=terms.to, expect=terms.expect)
        except RunnerError as problem:
            return seen._replace(problem=problem)
        return seen._replace(
            database=door.seen(asked[0]),
            todo=tuple(step.file for step in planning.pending(asked[0].steps, to=terms.to)),
            notices_loss=site.facts.notices_loss,
            is_direct=site.facts.is_direct,
            greets=site.facts.greets,
        )


def _interrupted(member: Member) -> Interrupted:
    return Interrupted(f"Interrupted before anything was done in {member.name}.", remedy="Run again.")
