"""--wait is an option of every command that connects."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.cli import cli

if TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.project import Project
    from tests.servers import Server

COMMANDS = {
    "migrate": ["migrate"],
    "status": ["status"],
    "plan": ["plan"],
    "verify": ["verify"],
    "orphans": ["orphans"],
    "prove": ["prove"],
    "baseline": ["baseline", "app", "--to", "0"],
    "accept": ["accept", "app", "0", "--yes"],
    "rollback": ["rollback", "app", "--to", "0"],
    "docs": ["docs"],
    "psql": ["server", "psql", "app"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_command_that_connects_waits(runner: CliRunner, app: Project, command: list[str]) -> None:
    """A server that does not answer is tried again until the time is over; without the option it is not."""
    words = [*command, "--config", str(app.file)]
    environ = {"APP_URL": "postgresql://127.0.0.1:1/x"}
    started = time.monotonic()
    waited = runner.invoke(cli, [*words, "--wait", "1"], env=environ)
    assert time.monotonic() - started >= 1
    assert (waited.exit_code, "CANNOT_CONNECT" in waited.stderr) == (5, True), waited.output


def test_a_variable_sets_it(runner: CliRunner, app: Project) -> None:
    """RUNNER_WAIT counts for every command."""
    started = time.monotonic()
    result = app.run(runner, "status", APP_URL="postgresql://127.0.0.1:1/x", RUNNER_WAIT="1")
    assert (result.exit_code, time.monotonic() - started >= 1) == (5, True)


def test_a_database_that_is_made_meanwhile_is_migrated(
    runner: CliRunner, app: Project, each_server: Server
) -> None:
    """As a starting container makes it behind its server."""
    name = "made_meanwhile"

    def make() -> None:
        time.sleep(0.8)
        with psycopg.connect(each_server.url("postgres"), autocommit=True) as db:
            db.execute(f"create database {name}")

    thread = threading.Thread(target=make)
    thread.start()
    try:
        result = app.run(runner, "migrate", "--wait", "30", APP_URL=each_server.url(name))
    finally:
        thread.join()
        with psycopg.connect(each_server.url("postgres"), autocommit=True) as db:
            db.execute(f"drop database {name} with (force)")
    assert (result.exit_code, "2 applied" in result.stdout) == (0, True), result.output


def test_a_variable_without_a_value_is_not_set(runner: CliRunner, app: Project, url: str) -> None:
    """Neither in the environment nor in .env, where a template leaves it so."""
    (app.root / ".env").write_text("RUNNER_WAIT=\nRUNNER_LOG=\nRUNNER_HEARTBEAT=\n")
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.exit_code == 0, result.output
