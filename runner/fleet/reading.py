"""Look at the members of a fleet: status, plan, verify. Nothing here writes to them."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from runner import database, door, planning, schema
from runner.errors import RunnerError
from runner.fleet.rounds import Round, Seen, done, prepared, seen, stopped
from runner.fleet.survey import Terms
from runner.fleet.visit import JOBS, Ending, Visit

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from runner.fleet.rounds import Fleet
    from runner.model import Migration
    from runner.planning import Site


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
) -> Generator[Visit, None, None]:
    """Look at many databases of one series; yield each as it comes, with what is applied, pending or wrong.

    Parameters as of ``migrate_fleet``. A member that cannot be read has a ``problem``.
    """
    round_ = prepared(fleet, series, config, only=only, but=but, jobs=jobs, wait=wait, stop=stop)
    for one in seen(round_, _status):
        yield one.visit


def plan_fleet(  # noqa: PLR0913 - options, keyword-only
    fleet: Fleet,
    series: str | Sequence[str] = (),
    *,
    config: Path | str | None = None,
    only: Sequence[str] = (),
    but: Sequence[str] = (),
    jobs: int = JOBS,
    to: int | None = None,
    expect: int | None = None,
    strict: bool = False,
    allow_empty: bool = False,
    wait: float = 0,
    stop: threading.Event | None = None,
) -> Generator[Visit, None, None]:
    """Yield of each member what ``migrate_fleet`` would apply, or as its ``problem`` why it would refuse.

    What is pending behind ``to`` stands in the database as well. Other parameters as of ``migrate_fleet``;
    whether the role may write is not asked.
    """
    round_ = prepared(fleet, series, config, only=only, but=but, jobs=jobs, wait=wait, stop=stop, to=to)
    for one in seen(round_, partial(_plan, terms=Terms(to, expect, strict, allow_empty))):
        yield one.visit


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
) -> Generator[Visit, None, None]:
    """Yield each member with the ``problems`` of its database, as ``verify`` finds them.

    With ``drift`` the files are run once for all members whose files make the same: those that have applied
    the same files on the same version of PostgreSQL, with the same roles, owner and settings. Other
    parameters as of ``migrate_fleet`` and ``verify``.
    """
    round_ = prepared(fleet, series, config, only=only, but=but, jobs=jobs, wait=wait, stop=stop)
    if not drift:
        for one in seen(round_, partial(_verify, strict=strict, compare=None), is_patient=True):
            yield one.visit
        return
    scratch = door.scratch_url(scratch)
    alike: dict[str, list[Seen]] = {}
    for one in seen(round_, _state):
        if one.state is None:
            yield one.visit
        else:
            alike.setdefault(one.state, []).append(one)
    by_name = {one.name: one for one in round_.members}
    for group in alike.values():
        some = tuple(by_name[one.visit.name] for one in group)
        yield from _compared(round_._replace(members=some), group[0].applied, scratch, strict=strict)


def _status(site: Site) -> Seen:
    found = done(site, door.standing(site))
    return found._replace(visit=found.visit._replace(warnings=door.strange(site)))


def _plan(site: Site, *, terms: Terms) -> Seen:
    try:
        planning.check([site], to=terms.to, strict=terms.strict, allow_empty=terms.allow_empty)
        planning.check_count(site.steps, to=terms.to, expect=terms.expect)
    except RunnerError as problem:
        return done(site, door.seen(site), problem)
    return done(site, door.seen(site))


def _verify(
    site: Site, *, strict: bool, compare: Callable[[Site, Sequence[Migration]], schema.Comparison] | None
) -> Seen:
    return done(site, door.verified(site, strict=strict, compare=compare))


def _state(site: Site) -> Seen:
    applied = planning.applied(site.steps)
    return done(site, door.describe(site))._replace(state=schema.state(site, applied), applied=applied)


def _compared(
    round_: Round, applied: tuple[Migration, ...], scratch: str | None, *, strict: bool
) -> Iterator[Visit]:
    """Verify members that are alike beside what their files make."""
    left = {one.name: one for one in round_.members}
    target = round_.files.target(round_.members[0])
    try:
        with ExitStack() as stack:
            with database.heeding(database.interruption(round_.stop)):
                made = stack.enter_context(schema.expected(target, applied, scratch_url=scratch))
            compare = partial(_beside, made, scratch)
            see = partial(_verify, strict=strict, compare=compare)
            for one in seen(round_, see, is_patient=True):
                del left[one.visit.name]
                yield one.visit
    except (RunnerError, KeyboardInterrupt) as problem:
        if round_.stop.is_set():
            yield from (stopped(member).visit for member in left.values())
        elif isinstance(problem, RunnerError):  # of the scratch side
            yield from (Visit(name, Ending.FAILED, problem=problem) for name in left)
        else:
            raise


def _beside(
    made: schema.Expected, scratch: str | None, site: Site, files: Sequence[Migration]
) -> schema.Comparison:
    """Compare a member; one that was migrated since it was looked at is by itself."""
    if tuple(files) == made.files:
        return made.compare(site)
    return schema.differences(site, files, scratch_url=scratch)
