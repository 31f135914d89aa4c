"""A migrated database with one object of every kind, on any server, and what its files make elsewhere."""

from __future__ import annotations

import csv
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner import config, database, planning, schema
from runner.config import Target
from runner.database import question
from runner.schema import drift, scratch
from tests.project import make

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection
    from runner.model import Migration
    from runner.planning import Site
    from runner.schema import Expected
    from runner.schema.catalog import Snapshot
    from runner.schema.difference import Difference
    from runner.schema.drift import Bench
    from tests.project import Project
    from tests.servers import Server

FOLDER = Path(__file__).parent / "drift"
BASE = """
    do $$
    declare
        name text;
    begin
        foreach name in array array['r_owner', 'r_app', 'r_read', 'r_nobody'] loop
            if to_regrole(name) is null then
                execute format('create role %I', name);
            end if;
        end loop;
    end
    $$
"""


class Change(NamedTuple):
    """What somebody does by hand, and the facts that follow; a reason where none does."""

    kind: str
    change: str
    servers: str
    facts: str
    sql: str


class Live(NamedTuple):
    """A migrated database, and a scratch database on a private server that its files have built."""

    server: Server
    name: str
    project: Project
    bench: Bench
    expected: Snapshot

    def differences(self, connection: Connection) -> list[Difference]:
        """Return how the database of a connection differs from the files; ends its transaction."""
        if database.in_transaction(connection):
            database.run(connection, question.settings(connection))
        try:
            return drift.compare(self.bench, self.expected, self.bench.snapshot(connection))
        finally:
            database.roll_back(connection)


def changes(version: int) -> list[Change]:
    """Return what is to be tried on a server of a version."""
    with (FOLDER / "changes.tsv").open(encoding="utf-8") as stream:
        rows = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [one for row in rows if str(version) in (one := Change(*row)).servers.split()]


def files(*folders: str) -> dict[str, str]:
    """Return the files of some folders, which follow one another."""
    paths = chain.from_iterable(sorted((FOLDER / folder).glob("*.sql")) for folder in folders)
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def prepare(server: Server) -> None:
    """Give a server the roles and the tablespace that the files name."""
    with database.connect(server.url("postgres"), source="x") as connection:
        database.run(connection, BASE)
        if not database.query(connection, "select 1 from pg_tablespace where spcname = 'ts1'"):
            database.run(connection, "set allow_in_place_tablespaces = on")
            database.run(connection, "create tablespace ts1 location ''")


@contextmanager
def migrated(server: Server, name: str, root: Path, *folders: str) -> Iterator[Project]:
    """Migrate a new database with the files of ``folders``; it is dropped at the end."""
    prepare(server)
    with database.connect(server.url("postgres"), source="x") as connection:
        database.run(connection, f"create database {name}")
    try:
        project = make(root, app=files(*folders))
        project.migrate(server.url(name))
        yield project
    finally:
        with database.connect(server.url("postgres"), source="x") as connection:
            database.run(connection, f"drop database {name} with (force)")


@contextmanager
def living(server: Server, name: str, root: Path, *folders: str) -> Iterator[Live]:
    """Migrate a new database with the files of ``folders``, and build what they make on a private server."""
    with migrated(server, name, root, *folders) as project:
        loaded = config.load(project.file)
        migrations = planning.read(loaded, loaded.series)["app"]
        with (
            scratch.scratch_server(server.url(name), source="x", files=migrations) as there,
            scratch.built(there, migrations) as (connection, before),
        ):
            bench = drift.Bench(connection, before, there.around, migrations)
            yield Live(server, name, project, bench, bench.snapshot(connection))


def compared(
    server: Server, name: str, project: Project, series: str = "app", *, made: Made | None = None
) -> list[str]:
    """Return what `verify --drift` would tell of a database, as lines.

    ``made`` keeps what files make for the databases that are alike, as a fleet's comparison does.
    """
    loaded = config.load(project.file)
    chosen = config.choose(loaded, [series])
    targets = [Target(chosen[0], server.url(name), "APP_URL")]
    with planning.look(planning.read(loaded, chosen), targets) as [site], ExitStack() as here:
        applied = [step.migration for step in site.steps if step.applied and step.migration]
        expected = (made or Made(here)).of(site, applied)
        return [str(one) for one in expected.compare(site).found]


class Made:
    """What files make, each built once and kept until a stack closes."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._made: dict[str, Expected] = {}

    def of(self, site: Site, applied: list[Migration]) -> Expected:
        """Return what the applied files of a site make."""
        state = schema.state(site, applied)
        if state not in self._made:
            self._made[state] = self._stack.enter_context(schema.expected(site.target, applied))
        return self._made[state]
