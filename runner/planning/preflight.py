"""Look at every chosen database before anything is changed in any of them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from runner import database, files, ledger
from runner.database import Access
from runner.errors import ConfigError, ConnectionLost, DatabaseNotEmpty, FileRefused, WrongDatabase
from runner.model import Before
from runner.planning import compare, content, extension, facts, pooler
from runner.planning.step import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.config import Project, Series, Target
    from runner.database import Connection
    from runner.model import Migration
    from runner.planning.facts import Facts
    from runner.planning.step import Step

    Files = Mapping[str, tuple[Migration, ...]]


_SHUT_DOWN = ("57P01", "57P02", "57P03")  # SQLSTATEs: terminated, crashed, starting up


class Site(NamedTuple):  # as in model: it starts faster
    """One series and its database, connected, with what was found there."""

    target: Target
    connection: Connection
    facts: Facts
    shape: ledger.Shape | None
    steps: tuple[Step, ...]
    objects: tuple[str, ...]  # up to three tables and views, where there is no ledger

    @property
    def series(self) -> str:
        """Name of the series."""
        return self.target.series.name

    @property
    def access(self) -> Access:
        """The connection, and how to open another one to the same database."""
        return Access(self.connection, lambda: _connect(self.target), self.facts.notices_loss)

    @property
    def schemas(self) -> tuple[str, ...]:
        """What the files are answerable for: the schemas configured, else public and those they create."""
        return _schemas(self.target, [step.migration for step in self.steps if step.migration])

    @property
    def before(self) -> Before:
        """What the ledger says before anything is applied."""
        newest = compare.newest(self.steps)
        return Before(self.shape is not None, newest.version if newest else None)


def read(project: Project, chosen: Sequence[Series]) -> Files:
    """Read the files of the chosen series, before any server is asked."""
    return {one.name: files.load(one.name, one.folder, root=project.root) for one in chosen}


def _connect(target: Target) -> Connection:
    name = f"runner:{target.series.name}"
    return database.connect(target.url, source=target.source, application=name)


@contextmanager
def look(migrations: Files, targets: Sequence[Target]) -> Iterator[tuple[Site, ...]]:
    """Connect to every target and compare its files with its ledger; the connections close at the end.

    All at once: what a server takes, and the way there, count for one. Does not write, and needs no more
    than the right to select from the ledger.
    """

    def found(target: Target) -> Site:
        connection = _connect(target)
        stack.callback(connection.close)
        try:
            return _site(target, connection, migrations[target.series.name])
        except BaseException:  # the others may be given up already
            connection.close()
            raise

    with ExitStack() as stack:
        stack.enter_context(_lost())
        yield tuple(database.together(found, targets))


@contextmanager
def _lost() -> Iterator[None]:
    """Name a connection that breaks while nothing is being applied."""
    try:
        yield
    except database.ConnectionBroken as error:
        if found := pooler.refusal(error):
            raise found from error
        if error.sqlstate not in (None, *_SHUT_DOWN):
            raise
        raise ConnectionLost(
            "The connection was lost. What was applied before stays.",
            remedy="Run again.",
            notes=tuple(str(error).splitlines()),
        ) from error


def _site(target: Target, connection: Connection, migrations: tuple[Migration, ...]) -> Site:
    wanted = {name for migration in migrations for name in migration.requires}
    message = facts.question(extensions=wanted) + ledger.SHAPE
    message += facts.objects(besides=ledger.TABLE, schemas=_schemas(target, migrations), adopted=False)
    about, shape_result, objects = database.ask(connection, message)
    found, shape = facts.answer(connection, about), ledger.shape(connection, shape_result)
    rows = ledger.read_rows(connection, shape, series=target.series.name) if shape else ()
    lacking = {name: reason for name, reason in found.absent.items() if reason}
    steps = compare.compare(migrations, rows, lacking=lacking)
    return Site(target, connection, found, shape, steps, facts.names(connection, objects))


def _schemas(target: Target, migrations: Iterable[Migration]) -> tuple[str, ...]:
    made = (name for migration in migrations for name in files.made_schemas(migration.sql))
    return target.series.schemas or tuple(dict.fromkeys(("public", *made)))


def check(
    sites: Sequence[Site], *, to: int | None = None, strict: bool = False, allow_empty: bool = False
) -> None:
    """Raise the first reason why ``migrate`` must not go on: in the files, the ledgers or what is there.

    A database that is ahead is one only where something is pending, or where it is ``strict``. A folder
    without a file is one, unless ``allow_empty``: mostly it is the wrong folder.
    """
    seen: dict[str, Site] = {}
    refused: list[FileRefused] = []
    for site in sites:
        if not (site.steps or allow_empty):
            raise _nothing(site)
        _check_distinct(site, seen.setdefault(site.facts.identity, site))
        explain(site)
    compare.check([step for site in sites for step in _counting(site, to=to, strict=strict)])
    for site in sites:
        todo = compare.pending(site.steps, to=to)
        compare.check_target(site.steps, to=to)
        _check_adopted(site)
        refused += content.refused(todo, site.steps)
    content.check(refused)


def _counting(site: Site, *, to: int | None, strict: bool) -> tuple[Step, ...]:
    """Return the steps with what is ahead as missing, where that is a problem."""
    return compare.not_ahead(site.steps) if strict or compare.pending(site.steps, to=to) else site.steps


def ask(sites: Sequence[Site]) -> tuple[Site, ...]:
    """Look anew which files are skipped: by asking the servers, where a file requires what is not installed.

    Creates extensions, and rolls that back: for a command that is going to write. Raises what ``check``
    raises for the content of a file that is pending only now.
    """
    return tuple(_asked(site) for site in sites)


def _asked(site: Site) -> Site:
    open_ = [step for step in site.steps if step.state in (State.PENDING, State.SKIPPED)]
    names = {name for step in open_ for name in step.file.requires} & site.facts.absent.keys()
    lacking = extension.refused(site.connection, names)
    asked = site._replace(steps=tuple(compare.without(step, lacking) for step in site.steps))
    skipped = {step.version for step in open_ if step.state is State.SKIPPED}
    now = [step for step in compare.pending(asked.steps) if step.version in skipped]
    content.check([*content.refused(now, asked.steps)])
    return asked


def unvalidated(steps: Sequence[Step]) -> files.Unvalidated:
    """Return which constraints the applied files leave ``not valid``."""
    done = (step for step in steps if step.applied and not step.applied.running)
    return files.Unvalidated(step.file.sql for step in done if step.migration)


def check_writable(sites: Sequence[Site]) -> None:
    """Raise the first reason why this role must not change one of these databases."""
    for site in sites:
        facts.check_writable(site.facts, source=site.target.source)
        if site.shape:
            ledger.check_owner(site.shape)
        facts.check_public(site.facts)
        if todo := compare.pending(site.steps):
            alone = not all(step.file.in_transaction for step in todo)
            found = site.facts
            pooler.check(site.access, name=found.name, pid=found.pid, source=site.target.source, alone=alone)


def explain(site: Site) -> None:
    """Add to the problem of each edited file how it differs from what was applied."""
    for step in site.steps:
        if step.state is State.EDITED and step.problem and step.migration and step.applied:
            applied = ledger.text(site.connection, step.applied)
            lines = files.explain(applied, step.migration.sql)
            step.problem.notes += lines
            if lines == (files.COMMENTS_DIFFER,):
                accept = f"`accept {site.series} {step.version}`"
                step.problem.remedy = f"Record it as it is now with {accept}, or restore it as it was."


def _nothing(site: Site) -> ConfigError:
    return ConfigError(
        f"The folder of {site.series}, {site.target.series.folder}, holds no migration, and database "
        f"{site.facts.name} records none.",
        remedy=f"Correct `sql` in the configuration, write the first file with `new {site.series} NAME`, or "
        "say --allow-empty.",
    )


def _check_distinct(site: Site, twin: Site) -> None:
    if twin is not site:
        raise WrongDatabase(
            f"{twin.target.source} and {site.target.source} lead to one database, {site.facts.name}.",
            remedy="Each series needs a database of its own.",
        )


def _check_adopted(site: Site) -> None:
    if any(step.applied for step in site.steps):
        return
    facts.check_public(site.facts)
    found = site.objects
    if site.shape:
        question = facts.objects(besides=ledger.TABLE, schemas=site.schemas, adopted=True)
        [result] = database.ask(site.connection, question)
        found = facts.names(site.connection, result)
    if found:
        raise DatabaseNotEmpty(
            f"Database {site.facts.name} has no ledger but is not empty: it holds "
            f"{', '.join(found)}{' …' if len(found) > 2 else ''}.",  # noqa: PLR2004 - facts names three at most
            remedy="Point the URL at an empty database, or adopt this one with `baseline`. Schemas that are "
            "not yours to migrate are left out by `schemas` in pyproject.toml.",
        )
