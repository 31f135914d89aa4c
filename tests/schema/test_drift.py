"""A live database against what its files make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import config
from runner.config import Target
from runner.plan import preflight
from runner.schema import drift
from tests.conftest import SERIES
from tests.project import ROOT

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.schema.difference import Difference
    from tests.servers import Server


def differences(server: Server, name: str, series: str) -> tuple[Difference, ...]:
    """Return how a database differs from the real files that are applied to it."""
    project = config.load(ROOT / config.FILE)
    chosen = config.choose(project, [series])
    with preflight.look(preflight.read(project, chosen), [Target(chosen[0], server.url(name), "x")]) as [
        site
    ]:
        assert list(drift.unsound(site)) == []
        files = [step.migration for step in site.steps if step.applied and step.migration]
        return drift.differences(site, files).found


@pytest.mark.parametrize("series", SERIES)
def test_what_the_runner_made_has_no_drift(
    request: pytest.FixtureRequest, each_server: Server, series: str
) -> None:
    """The real schema, on every version; with 008 left out where pgvector is not to be had."""
    clone: Connection = request.getfixturevalue(f"{series}_{each_server.version}")
    assert differences(each_server, clone.info.dbname, series) == ()


def test_one_change_in_the_real_schema_is_one_fact(server: Server, specs_18: Connection) -> None:
    """Among two thousand facts the one that changed is named, and nothing else."""
    specs_18.execute("alter table public.projects alter column name type varchar(300)")
    specs_18.commit()
    found = differences(server, specs_18.info.dbname, "specs")
    assert [str(d) for d in found] == ["column public.projects.name is varchar(300), files say varchar(255)"]


def test_a_scratch_database_leaves_no_trace(server: Server, auth_18: Connection) -> None:
    """Neither a database nor a ledger row remains of the comparison."""
    before = auth_18.execute("select count(*) from public.schema_migrations").fetchone()
    auth_18.commit()
    differences(server, auth_18.info.dbname, "auth")
    assert auth_18.execute("select count(*) from public.schema_migrations").fetchone() == before
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("select from pg_database where datname ~ 'scratch'").fetchall() == []
