"""Operators and functions somebody has planted in schema public, for others to run them: nobody does."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from tests import roles, traps
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

ways = pytest.mark.parametrize("plant", [traps.plant, traps.plant_before_the_catalog, traps.plant_casts])


def calls(url: str) -> int:
    """Return how many planted ones were called."""
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


def test_the_vectors_are_filled_by_none(server: Server, url: str) -> None:
    """The extension's schema is on the path then, which may be public."""
    files = forward("specs")
    [place] = [place for place, file in enumerate(files) if file.stem == "008_pgvector"]
    run(server, url, *files[:place])
    with psycopg.connect(url) as connection:
        connection.execute(OLD_ROWS.encode())
        connection.execute(OLD_DOCUMENT.encode())
    traps.plant(url)
    assert "1 documents got no embedding_vec" in run(server, url, files[place])
    assert calls(url) == 0


PROJECT = "00000000-0000-0000-0000-000000000001"
OLD_ROWS = f"""
    insert into public.projects (id, user_id, name) values ('{PROJECT}', '{PROJECT}', 'x');
    insert into public.activity_logs (project_id, user_id, action_type, entity_type, description, created_at)
    select '{PROJECT}', '{PROJECT}', 'made', 'file', '', now() - interval '500 days'
    from generate_series(1, 9);
    insert into public.llm_usage_tracking
        (user_id, provider, model, tokens_input, tokens_output, tokens_total, cost_usd, timestamp)
    select '{PROJECT}', 'p', 'm', 1, 1, 2, 0.5, now() - interval '500 days' from generate_series(1, 9);
"""  # noqa: S608 - from above
OLD_DOCUMENT = f"""
    insert into public.knowledge_base_documents
        (project_id, user_id, filename, file_size, content_type, embedding)
    values ('{PROJECT}', '{PROJECT}', 'x', 1, 'text/plain', '[1]')
"""  # noqa: S608 - from above


def test_the_scripts_call_none(runner: CliRunner, each_server: Server, each_url: str) -> None:
    """Those for what comes after the first year, and the one that makes the roles."""
    done = Project(ROOT).run(runner, "migrate", "specs", DATABASE_URL_SPECS=each_url)
    assert done.exit_code == 0, done.output
    with psycopg.connect(each_url) as connection:
        connection.execute(OLD_ROWS.encode())
    traps.plant(each_url)
    given = ["-vON_ERROR_STOP=1", "-vtrail=activity_logs", "-vkeep=400 days", "-vbatch=4", "-vpause=0"]
    for script in sorted((ROOT / "docs" / "operations").glob("*.sql")):
        ran = subprocess.run(
            [each_server.psql, "-X", *given, "-vlonger=0 seconds", "-f", str(script), each_url],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (ran.returncode, "trapped" in ran.stderr) == (0, False), f"{script.name}: {ran.stderr}"
    names = ("T-owner", "T-migrator", "T-app")
    try:
        for _ in range(2):
            assert roles.run_roles(each_server, each_url, *names) == ""
    finally:
        with psycopg.connect(each_url, autocommit=True) as connection:
            for name in reversed(names):
                connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(name)))
    assert calls(each_url) == 0
