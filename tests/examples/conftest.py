"""Give the tests databases that the runner has migrated by the configuration of the example.

Most tests share one per server and work in a transaction that is rolled back. Who has to commit, or
to change something with psql, takes one of its own, which takes time.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from tests.examples import CONTRACT, TODO
from tests.sql import catalog
from tests.sql.clone import Clone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server


def _migrated(server: Server, url: str) -> Iterator[Clone]:
    result = TODO.run(CliRunner(), "migrate", DATABASE_URL=url)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        yield Clone(CONTRACT, server, connection, catalog.read(connection))


@pytest.fixture(scope="session")
def _shared(each_server: Server) -> Iterator[Clone]:
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as connection:
        connection.execute("create database shared_todo")
        yield from _migrated(each_server, each_server.url("shared_todo"))
        connection.execute("drop database shared_todo")


@pytest.fixture
def todo(_shared: Clone) -> Iterator[Clone]:
    """Return the database all tests share, on every server in turn; all changes are undone."""
    with _shared.connection.transaction(force_rollback=True):
        yield _shared


@pytest.fixture
def own_todo(each_server: Server, each_url: str) -> Iterator[Clone]:
    """Return a database for one test, which commits every statement, on every server in turn."""
    yield from _migrated(each_server, each_url)
