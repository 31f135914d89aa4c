"""Hold what is known of one database of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner import apply, database, planning

if TYPE_CHECKING:
    from runner.apply import Activity, Outcome, Session
    from runner.errors import RunnerError
    from runner.locks import Trace
    from runner.planning import Site, Step
    from runner.schema import Comparison


class Database(NamedTuple):  # as in model: it starts faster
    """One series and its database, as it was looked at, and what the call did there.

    ``steps`` has every version in order, as it was before the call; ``outcomes`` what ``migrate`` applied, or
    found applied by another runner meanwhile; ``problems`` what ``verify`` found, and for ``status`` why no
    file could be applied; ``comparison`` tells of the drift, and ``locks`` of what each pending file does,
    where that was asked for; ``at_work`` who holds the lock of the runners, as ``status`` sees it; without
    ``status`` it is known where a file outside any transaction was begun. On a standby
    nobody knows who is at work, nor which index is being built.
    """

    series: str
    name: str  # the database's own
    version: int  # PostgreSQL's major version
    source: str  # how people refer to its URL, which may hold a password: DATABASE_URL_AUTH
    variable: str  # which holds the URL: DATABASE_URL_AUTH
    has_ledger: bool
    steps: tuple[Step, ...]
    outcomes: tuple[Outcome, ...] = ()
    problems: tuple[RunnerError, ...] = ()
    comparison: Comparison | None = None
    locks: tuple[Trace, ...] | None = None
    at_work: tuple[tuple[Session, Activity], ...] = ()
    is_standby: bool = False

    @property
    def pending(self) -> tuple[Step, ...]:
        """What ``migrate`` would apply, in order."""
        return planning.pending(self.steps)

    @property
    def skipped(self) -> tuple[Step, ...]:
        """What stays pending because the server lacks an extension."""
        return tuple(step for step in self.steps if step.state is planning.State.SKIPPED)

    def todo(self, *, to: int | None = None) -> tuple[Step, ...]:
        """Return what is pending and what is skipped, in order, up to and including number ``to``."""
        states = (planning.State.PENDING, planning.State.SKIPPED)
        return tuple(s for s in self.steps if s.state in states and (to is None or s.number <= to))

    @property
    def ahead(self) -> tuple[Step, ...]:
        """What a newer release has applied, and these files do not hold yet."""
        return planning.ahead(self.steps)

    def is_at_work(self, step: Step) -> bool:
        """Tell whether a file outside any transaction, that was begun, is being applied by who is at work."""
        is_begun = step.applied is not None and step.applied.running
        return is_begun and any(session.may_be_at(step.label) for session, _ in self.at_work)

    @property
    def at(self) -> str | None:
        """Label of the newest file that is recorded, also by this call; ``None`` without any."""
        newest = planning.newest(self.steps)
        known = [(one.number, one.label) for one in (newest, *(o.migration for o in self.outcomes)) if one]
        return max(known)[1] if known else None


def describe(site: Site) -> Database:
    """Return what is known of a site."""
    return Database(
        site.series,
        site.facts.name,
        site.facts.version // 10000,
        site.target.source,
        site.target.series.variable,
        site.before.has_ledger,
        site.steps,
        is_standby=site.facts.standby,
    )


def standing(site: Site) -> Database:
    """Return what is known of a site, with who is at work there."""
    with database.heeding(database.silence(site.target.source)):
        return describe(site)._replace(at_work=apply.holders(site.connection))


def seen(site: Site) -> Database:
    """Return what is known of a site, and where a file outside any transaction was begun, who is at work."""
    return standing(site) if site.before.begun else describe(site)
