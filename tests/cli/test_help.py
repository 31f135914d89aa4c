"""What the command line says of itself, and what it says of bad input."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import __version__
from runner.cli import cli
from tests.project import ROOT, TWO, Project, make

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import CliRunner


COMMANDS = (
    "migrate",
    "status",
    "plan",
    "verify",
    "orphans",
    "prove",
    "rollback",
    "init",
    "new",
    "baseline",
    "accept",
    "docs",
    "server",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(runner: CliRunner, command: str) -> None:
    """--help works without a project, a database or a server, and says more than the name."""
    result = runner.invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.stdout.split()) > 40
    assert "..." not in runner.invoke(cli, ["--help"]).stdout.partition("Commands:")[2].replace(
        "[SERIES]...", ""
    )


def test_the_commands_are_listed_in_a_useful_order(runner: CliRunner) -> None:
    """The first thing a newcomer needs comes first."""
    shown = runner.invoke(cli, ["--help"]).stdout.partition("Commands:")[2]
    assert tuple(re.findall(r"^  (\w+)  ", shown, re.MULTILINE))[: len(COMMANDS)] == COMMANDS


def test_the_version_is_told(runner: CliRunner) -> None:
    """--version names the program."""
    assert runner.invoke(cli, ["--version"]).stdout == f"socrates-migrate, version {__version__}\n"


def test_an_unknown_command_is_a_usage_error(runner: CliRunner) -> None:
    """Click's own errors have the exit code of ours."""
    assert runner.invoke(cli, ["upgrade"]).exit_code == 2
    assert runner.invoke(cli, ["status", "--nope"]).exit_code == 2


def test_the_shell_completes_commands_and_series(app: Project) -> None:
    """Completion asks click, which knows the commands and the series of the project at hand."""

    def complete(words: str, last: str) -> str:
        environ = os.environ | {
            "_SOCRATES_MIGRATE_COMPLETE": "bash_complete",
            "COMP_WORDS": f"{words} {last}",
        }
        program = [sys.executable, "-c", "from runner.cli import cli; cli(prog_name='socrates-migrate')"]
        process = subprocess.run(
            program,
            env=environ | {"COMP_CWORD": str(len(words.split())), "PYTHONPATH": str(ROOT)},
            cwd=app.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return process.stdout

    assert "plain,migrate" in complete("socrates-migrate", "mig")
    assert "plain,app" in complete("socrates-migrate status", "a")


def test_bad_input_names_the_thing_and_the_remedy(runner: CliRunner, app: Project, url: str) -> None:
    """Configuration, series, URL and server: each has its own name and exit code."""
    cases: list[tuple[list[str], dict[str, str], int, str]] = [
        (["status", "nope"], {}, 2, "SERIES_UNKNOWN: There is no series nope"),
        (["status"], {"APP_URL": ""}, 2, "URL_MISSING: APP_URL is not set or empty"),
        (["status"], {"APP_URL": "postgresql://u:s3cr3t@x@h/d"}, 2, "URL_MALFORMED: The URL in APP_URL"),
        (["status"], {"APP_URL": "postgresql://u:s3cr3t@127.0.0.1:1/d"}, 5, "CANNOT_CONNECT"),
        (
            ["status"],
            {"APP_URL": url.replace("/test_", "/nope_")},
            2,
            "DATABASE_MISSING: The server of APP_URL",
        ),
        (
            ["status", "--url", url, "--config", "/nope/x.toml"],
            {},
            2,
            "CONFIG_INVALID: /nope/x.toml cannot be read",
        ),
    ]
    for arguments, environ, code, says in cases:
        result = app.run(runner, *arguments, **environ)
        assert (result.exit_code, says in result.stderr) == (code, True), (arguments, result.output)
        assert "s3cr3t" not in result.output
        assert "Traceback" not in result.output


def test_a_database_of_another_series_is_refused(
    runner: CliRunner, tmp_path: Path, url: str, other_url: str
) -> None:
    """URLs swapped by mistake change nothing in either database."""
    both = make(tmp_path, auth=TWO, specs=TWO)
    both.run(runner, "migrate", "auth", AUTH_URL=url)
    result = both.run(runner, "migrate", AUTH_URL=other_url, SPECS_URL=url)
    assert result.exit_code == 4
    assert "WRONG_DATABASE: This database belongs to series auth, not specs" in result.stderr
    with psycopg.connect(other_url) as db:
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)
