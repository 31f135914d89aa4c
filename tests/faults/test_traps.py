"""Operators that somebody has planted in schema public, for whoever migrates to run them: nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests import traps
from tests.conftest import SERIES
from tests.planning.test_bundle import psql, write
from tests.project import ROOT, TWO, Project, make
from tests.sql.psql import forward, rollback, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import CliRunner

    from tests.servers import Server

ALONE = {"002_i.sql": "-- runner: no-transaction\ncreate index concurrently one_id on one (id);"}
LAST = {"003_three.sql": "create table three (id int);"}  # along its path, which is not that of the runner

ways = pytest.mark.parametrize("plant", [traps.plant, traps.plant_before_the_catalog])


def calls(url: str) -> int:
    """Return how many planted operators were called."""
    with psycopg.connect(url) as connection:
        return traps.calls(connection)


@ways
def test_a_bundle_calls_none(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path, plant: Callable[[str], None]
) -> None:
    """Neither for its checks nor for its ledger; with and without a transaction."""
    plant(each_url)
    app = make(tmp_path / "p", app=TWO | ALONE | LAST)
    done = psql(each_server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url), each_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert calls(each_url) == 0
    assert "4 applied files agree with the ledger" in app.run(runner, "verify", APP_URL=each_url).stdout


@ways
def test_a_run_calls_none(runner: CliRunner, url: str, tmp_path: Path, plant: Callable[[str], None]) -> None:
    """Before its files, between them and behind them, with and without a transaction; nor does who looks."""
    plant(url)
    app = make(tmp_path / "p", app=TWO | ALONE | LAST)
    for command in (["status"], ["plan"], ["migrate"], ["status"], ["verify", "--drift"]):
        done = app.run(runner, *command, APP_URL=url)
        assert done.exit_code in (0, 4), done.output
        assert "trapped" not in done.output
    assert calls(url) == 0


@pytest.mark.parametrize("series", SERIES)
def test_the_files_of_the_project_call_none(runner: CliRunner, server: Server, url: str, series: str) -> None:
    """Nor do their rollbacks; rights that somebody has by default are a part of what they look at."""
    traps.plant(url)
    with psycopg.connect(url) as connection:
        connection.execute("alter default privileges grant all on tables to public")
    done = Project(ROOT).run(runner, "migrate", series, **{f"DATABASE_URL_{series.upper()}": url})
    assert done.exit_code == 0, done.output
    for file in reversed(forward(series)):
        run(server, url, rollback(file))
    run(server, url, *forward(series))
    assert calls(url) == 0
