"""What the environment and .env tell the commands, and what they may not do without being told."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from runner import embedded
from runner.cli import cli
from runner.errors import EmbeddedUnavailable
from tests.cli import data

if TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.project import Project

CONNECTING = [
    ["migrate"],
    ["status"],
    ["plan"],
    ["verify"],
    ["orphans"],
    ["prove"],
    ["docs"],
    ["rollback", "app", "--to", "base"],
    ["baseline", "app", "--to", "0"],
    ["accept", "app", "0"],
    ["server", "psql", "app"],
    ["server", "url", "app"],
]


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test fail where the embedded server would be started."""

    def start(home: object) -> None:
        pytest.fail(f"the embedded server was started in {home}")

    monkeypatch.setattr(embedded, "start", start)


def _exit(runner: CliRunner, app: Project, command: list[str], **environ: str) -> tuple[int, str]:
    result = runner.invoke(cli, [*command, "--config", str(app.file)], env=environ)
    return result.exit_code, result.stderr


@pytest.mark.parametrize("utf8", ["0", "1"])
def test_a_folder_that_the_locale_cannot_spell_is_named(app: Project, url: str, utf8: str) -> None:
    """As a cron job without a locale has it; with the remedy of the message it is found."""
    (app.root / "app").rename(app.root / "日本語")
    text = app.file.read_text(encoding="utf-8").replace('sql = "app"', 'sql = "日本語"')
    app.file.write_text(text, encoding="utf-8")
    locale = {"LC_ALL": "POSIX", "PYTHONUTF8": utf8, "PYTHONCOERCECLOCALE": "0"}
    for command in (["status"], ["new", "app", "more"], ["rollback", "app", "--to", "base"]):
        run = app.process(*command, APP_URL=url, **locale)
        output, _ = run.communicate()
        told = "error CONFIG_INVALID: [tool.runner.databases.app] in " in output, "PYTHONUTF8=1." in output
        assert (run.returncode, told) == ((0, (False, False)) if utf8 == "1" else (2, (True, True))), output


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("command", CONNECTING, ids=" ".join)
def test_no_command_starts_a_server_that_is_not_wanted(
    runner: CliRunner, app: Project, command: list[str]
) -> None:
    """By option, by variable, and by a misspelt one: exit 2, and the variable to set is named."""
    code, shown = _exit(runner, app, [*command, "--no-embedded"])
    assert (code, "--no-embedded was given" in shown) == (2, True)
    for environ in ({"RUNNER_EMBEDDED": "off"}, {"APP_URLL": "x"}, {"DATABASE_URL": ""}):
        code, shown = _exit(runner, app, command, **environ)
        assert (code, "error URL_MISSING: APP_URL is not set" in shown) == (2, True)


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("command", CONNECTING, ids=" ".join)
def test_no_command_passes_over_a_broken_env_file(
    runner: CliRunner, app: Project, command: list[str]
) -> None:
    """A folder in its place is refused, also where a URL is given."""
    (app.root / ".env").mkdir()
    urls = [[]] if command[0] in ("orphans", "docs", "server") else [[], ["--url", "postgresql://x/y"]]
    for url in urls:
        code, shown = _exit(runner, app, [*command, *url])
        assert (code, "error CONFIG_INVALID" in shown) == (2, True)


def test_a_broken_env_file_is_in_the_document(runner: CliRunner, app: Project) -> None:
    """Whatever is read early, the error is told as any other."""
    (app.root / ".env").mkdir()
    result = app.run(runner, "migrate", "--json")
    assert data(result)["error"]["name"] == "CONFIG_INVALID"


def test_in_ci_the_first_line_says_so(
    runner: CliRunner, app: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipeline that forgot its variable shows it at the top; a false CI is none."""

    def start(_: object) -> None:
        raise EmbeddedUnavailable("not here")

    monkeypatch.setattr(embedded, "start", start)
    nothing, in_ci = "No database variable is set", "CI is set, but no database variable"
    for value, first in (("true", in_ci), ("1", in_ci), ("false", nothing), ("", nothing)):
        shown = app.run(runner, "migrate", CI=value).stderr.splitlines()[0]
        assert shown == f"{first}: using the embedded PostgreSQL in .postgres/"


def test_env_file_sets_options(runner: CliRunner, app: Project, each_url: str) -> None:
    """As in the environment, which wins; an option on the command line beats both."""
    app.write("app", {"000_one.sql": "select pg_sleep(0.4);", "001_two.sql": "select pg_sleep(0.4);"})
    (app.root / ".env").write_text(f"APP_URL={each_url}\nRUNNER_STATEMENT_TIMEOUT=0.1\n")
    assert "statement timeout" in app.run(runner, "migrate").stderr
    assert "statement timeout" in app.run(runner, "migrate", RUNNER_STATEMENT_TIMEOUT="0.2").stderr
    assert app.run(runner, "migrate", "--to", "0", "--statement-timeout", "9").exit_code == 0
    assert app.run(runner, "migrate", RUNNER_STATEMENT_TIMEOUT="").exit_code == 0


@pytest.mark.parametrize("name", ["WAIT", "WAIT_LOCK", "LOCK_TIMEOUT", "STATEMENT_TIMEOUT"])
def test_every_variable_of_an_option_may_stand_in_env_file(
    runner: CliRunner, app: Project, name: str
) -> None:
    """A value that is none is refused, so it was read; --config may stand anywhere."""
    (app.root / ".env").write_text(f"RUNNER_{name}=soon\n")
    for arguments in (["--config", str(app.file), "--json"], ["--json", "--config", str(app.file)]):
        result = runner.invoke(cli, ["migrate", *arguments])
        assert (result.exit_code, "'soon' is not a number of seconds" in result.stderr) == (2, True)


def test_a_fifo_is_read_once_in_a_run(runner: CliRunner, app: Project, each_url: str) -> None:
    """URL and options come from one reading, as a password manager allows."""
    os.mkfifo(app.root / ".env")
    text = f"APP_URL={each_url}\nRUNNER_LOCK_TIMEOUT=3\n"
    writer = threading.Timer(0.2, (app.root / ".env").write_text, [text])
    writer.start()
    result = app.run(runner, "migrate")
    writer.join()
    assert (result.exit_code, "error" in result.stderr) == (0, False)
