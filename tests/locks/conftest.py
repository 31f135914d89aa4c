"""A scratch database on each server, with one of everything that DDL can lock, and rows in it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest

from runner import database
from runner.locks import run
from runner.model import Migration
from runner.schema import scratch
from runner.schema.bench import Place, bench
from tests.conftest import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection
    from runner.locks.effect import Traced
    from runner.locks.run import Existing
    from runner.schema.bench import Bench
    from tests.servers import Server

SETUP = (Path(__file__).parent / "setup.sql").read_text(encoding="utf-8")


def migration(
    text: str, number: int = 0, *, in_transaction: bool = True, rollback: str | None = None
) -> Migration:
    """Return a file with this text."""
    return Migration(
        "app",
        f"{number:03}",
        "x",
        f"app/{number:03}_x.sql",
        text,
        f"sha256:{number}",
        (),
        rollback,
        in_transaction,
    )


class Stage(NamedTuple):
    """A bench with the setup applied, and what exists there."""

    here: Bench
    known: Existing

    def trace(self, text: str) -> tuple[Traced, ...]:
        """Return the statements of a text, traced; nothing of it stays."""
        found, problem = run.run(self.here, migration(text, 1), self.known)
        assert problem is None, problem
        return found


@contextmanager
def made_stage(server: Server, *, like: str | None = None) -> Iterator[Stage]:
    """Yield a stage on a server; ``like`` is a database that has the setup already."""

    def copy(connection: Connection, name: str) -> None:
        connection.execute(f"create database {name} template {like} strategy file_copy".encode())

    place = Place(server.url("postgres"), "the test server")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scratch, "PREFIX", "stage_")  # other tests look whether a scratch database is left
            if like:
                patch.setattr(database, "create_empty", copy)
            first = migration("select 1;" if like else SETUP)
            here = stack.enter_context(bench(place, [first], with_rows=False))
        yield Stage(here, run.existing(here))


@pytest.fixture(scope="module")  # no longer: tests of other modules end all sessions of a server
def stage(each_server: Server) -> Iterator[Stage]:
    """Return a stage on every supported server in turn, whose database stays as it is."""
    with made_stage(each_server) as made:
        yield made


@pytest.fixture(scope="module")
def finished(each_server: Server) -> Iterator[str]:
    """Return a database that has the setup, for others to be made from; nobody is in it."""
    with new_database(each_server) as url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(SETUP.encode())
            name = db.info.dbname
        yield name


@pytest.fixture
def own_stage(each_server: Server, finished: str) -> Iterator[Stage]:
    """Return a stage for one test, which may change it."""
    with made_stage(each_server, like=finished) as made:
        yield made
