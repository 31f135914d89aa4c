"""Give the schema tests databases that the runner has migrated.

Most tests share one clone of each for the whole session, and work in a transaction that is rolled
back. Who has to commit, or to change something with psql, takes a clone of its own, which takes time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from tests.conftest import SERIES
from tests.project import ROOT, Project
from tests.sql import catalog, contract
from tests.sql.clone import Clone
from tests.sql.psql import forward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection
    from pytest_postgresql.executors import NoopExecutor

    from tests.servers import Server

Clones = dict[tuple[str, int, bool], Clone]


@pytest.fixture(scope="session")
def _clones() -> Iterator[Clones]:
    clones: Clones = {}
    yield clones
    for clone in clones.values():
        clone.connection.close()


@pytest.fixture
def clone_of(
    request: pytest.FixtureRequest, each_server: Server, _clones: Clones
) -> Iterator[Callable[[str], Clone]]:
    """Return what gives the clone of a series, on every server in turn; all changes are undone."""

    def get(series: str) -> Clone:
        key = (series, each_server.version, False)
        if key not in _clones:
            template: NoopExecutor = request.getfixturevalue(f"template_{series}_{each_server.version}")
            _clones[key] = _make(each_server, series, template.template_dbname)
        return _clones[key]

    yield get
    for clone in _clones.values():
        clone.connection.rollback()


@pytest.fixture
def designed_of(
    clone_of: Callable[[str], Clone], each_server: Server, _clones: Clones
) -> Callable[[str], Clone]:
    """Return what gives a series as the contract has it: without the files that came later."""

    def get(series: str) -> Clone:
        if forward(series)[-1].name.startswith(f"{contract.last(series)}_"):
            return clone_of(series)
        key = (series, each_server.version, True)
        if key not in _clones:
            _clones[key] = _make_designed(each_server, series)
        return _clones[key]

    return get


@pytest.fixture(params=SERIES)
def designed(request: pytest.FixtureRequest, designed_of: Callable[[str], Clone]) -> Clone:
    """Return every series as the contract has it, on every server in turn."""
    return designed_of(request.param)


@pytest.fixture(params=SERIES)
def clone(request: pytest.FixtureRequest, clone_of: Callable[[str], Clone]) -> Clone:
    """Return the clone of every series on every server in turn."""
    return clone_of(request.param)


@pytest.fixture(params=SERIES)
def own_clone(request: pytest.FixtureRequest, each_server: Server) -> Clone:
    """Return a clone for one test, which commits every statement, of every series on every server."""
    connection: Connection = request.getfixturevalue(f"{request.param}_{each_server.version}")
    connection.autocommit = True
    return Clone(request.param, each_server, connection, catalog.read(connection))


def _make_designed(server: Server, series: str) -> Clone:
    """Migrate a database to the last file of the contract; it goes when its server does."""
    name = f"designed_{series}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    environ = {f"DATABASE_URL_{series.upper()}": server.url(name)}
    done = Project(ROOT).run(CliRunner(), "migrate", series, "--to", contract.last(series), **environ)
    assert done.exit_code == 0, done.output
    connection = psycopg.connect(server.url(name))
    return Clone(series, server, connection, catalog.read(connection))


def _make(server: Server, series: str, template: str) -> Clone:
    """Clone a template under a name of its own; it goes when its server does."""
    name = f"kept_{series}"
    create = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(create)
    connection = psycopg.connect(server.url(name))
    return Clone(series, server, connection, catalog.read(connection))
