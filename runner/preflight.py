"""Look at every chosen database before anything is changed in any of them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import database, folder, ledger, plan, scanner
from runner.errors import DatabaseNotEmpty, WrongDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.config import Project, Target
    from runner.database import Connection, Facts
    from runner.model import Migration, Step


@dataclass(frozen=True, slots=True)
class Site:
    """One series and its database, connected, with what was found there."""

    target: Target
    connection: Connection
    facts: Facts
    has_ledger: bool
    steps: tuple[Step, ...]

    @property
    def series(self) -> str:
        """Name of the series."""
        return self.target.series.name


def read_folders(project: Project, targets: Sequence[Target]) -> dict[str, tuple[Migration, ...]]:
    """Read the files of every chosen series, before any server is asked."""
    return {
        target.series.name: folder.load(target.series.name, target.series.folder, root=project.root)
        for target in targets
    }


@contextmanager
def look(project: Project, targets: Sequence[Target]) -> Iterator[tuple[Site, ...]]:
    """Connect to every target and compare its files with its ledger; the connections close at the end.

    Does not write, and needs no more than the right to select from the ledger.
    """
    files = read_folders(project, targets)
    with ExitStack() as stack:
        sites = []
        for target in targets:
            connection = database.connect(
                target.url, source=target.source, application=f"runner:{target.series.name}"
            )
            stack.callback(connection.close)
            sites.append(_site(target, connection, files[target.series.name]))
        yield tuple(sites)


def _site(target: Target, connection: Connection, migrations: tuple[Migration, ...]) -> Site:
    wanted = {name for migration in migrations for name in migration.requires}
    facts = database.facts(connection, extensions=wanted, besides=ledger.TABLE)
    rows = ledger.read(connection, series=target.series.name)
    steps = plan.compare(migrations, rows or (), extensions=facts.extensions)
    return Site(target, connection, facts, rows is not None, steps)


def check(sites: Sequence[Site], *, to: int | None = None) -> None:
    """Raise the first reason why ``migrate`` must not change any of these databases."""
    seen: dict[str, Site] = {}
    for site in sites:
        if twin := seen.setdefault(site.facts.identity, site):
            _check_distinct(site, twin)
        database.check_writable(site.facts, source=site.target.source)
        ledger.check_owner(site.connection)
        plan.check(site.steps)
        plan.check_target(site.steps, to=to)
        _check_adopted(site)
        for step in plan.pending(site.steps, to=to):
            if step.migration:
                scanner.check(step.migration.sql, path=step.migration.path)


def _check_distinct(site: Site, twin: Site) -> None:
    if twin is not site:
        raise WrongDatabase(
            f"{twin.target.source} and {site.target.source} lead to one database, {site.facts.name}.",
            remedy="Each series needs a database of its own.",
        )


def _check_adopted(site: Site) -> None:
    if site.facts.objects and not any(step.applied for step in site.steps):
        raise DatabaseNotEmpty(
            f"Database {site.facts.name} has no ledger but is not empty: it holds "
            f"{', '.join(site.facts.objects)}{' …' if len(site.facts.objects) > 2 else ''}.",  # noqa: PLR2004 - facts names three at most
            remedy="Point the URL at an empty database: what is there was not made by this runner.",
        )
