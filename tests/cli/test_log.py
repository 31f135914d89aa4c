"""What log collectors and GitHub read on stderr."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from runner import apply
from runner.cli import annotation, cli, log, report
from runner.cli.progress import Progress
from runner.errors import LockTimeout, Place, RunnerError
from runner.model import Migration
from tests.cli import data
from tests.project import TWO, Project, make

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import CliRunner

WARNS = "do $$ begin raise warning 'careful, 100%%'; raise notice 'by the way'; end $$;\n"


@pytest.fixture
def _json_log() -> None:
    """Turn the log on."""
    log.choose(log.JSON)


def events(text: str) -> list[dict[str, Any]]:
    """Return the events, one of each line; every line is one."""
    found = [json.loads(line) for line in text.splitlines()]
    for event in found:
        assert datetime.now(UTC) - datetime.fromisoformat(event["time"]) < timedelta(minutes=5)
        assert {"level", "event", "message"} <= event.keys()
    return found


def test_a_run_is_told_event_by_event(runner: CliRunner, app: Project, url: str) -> None:
    """Begun, applied, warned, failed; nothing else goes to stderr, and stdout stays as it is."""
    app.write("app", {"002_warn.sql": WARNS, "003_bad.sql": "select 1/0;"})
    result = app.run(runner, "migrate", "--log", "json", APP_URL=url)
    found = events(result.stderr)
    told = [(e["event"], e["level"], e.get("version")) for e in found if e.get("event") != "warning"]
    steps = [
        (event, "info", version) for version in ("000", "001", "002") for event in ("started", "applied")
    ]
    assert told == [*steps, ("started", "info", "003"), ("failed", "error", None)]
    warnings = [e for e in found if e["event"] == "warning"]
    [said] = [e for e in warnings if "version" in e]
    assert (said["series"], said["version"], said["file"]) == ("app", "002", "app/002_warn.sql")
    assert (said["message"], said["level"]) == ("careful, 100%", "warning")
    assert "rollback file" in warnings[0]["message"]
    failed = found[-1]
    assert (failed["name"], failed["exit_code"], failed["file"], failed["line"]) == (
        "SQL_FAILED", 1, "app/003_bad.sql", 1,
    )  # fmt: skip
    assert all(isinstance(e["ms"], int) for e in found if e["event"] == "applied")
    assert "app/000_one.sql" in result.stdout


@pytest.mark.usefixtures("_json_log")
def test_what_a_library_logs_is_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    """Python would write the bare words where no program has said what becomes of them."""
    record = logging.LogRecord("psycopg", logging.WARNING, "x.py", 1, "ignored: %s", ("by\nit",), None)
    assert logging.lastResort
    logging.lastResort.handle(record)
    log.choose(None)
    logging.lastResort.handle(record)
    event, plain = capsys.readouterr().err.split("\n", 1)
    assert plain == "ignored: by\nit\n"
    assert [(one["event"], one["level"], one["message"]) for one in events(event)] == [
        ("warning", "warning", "ignored: by\nit")
    ]


def test_the_variable_is_the_option(runner: CliRunner, app: Project, url: str) -> None:
    """A container sets it once; the option wins."""
    assert events(app.run(runner, "migrate", APP_URL=url, RUNNER_LOG="json").stderr)[0]["event"] == "warning"
    wrong = app.run(runner, "status", "--nope", RUNNER_LOG="json")
    assert [event["event"] for event in events(wrong.stderr)] == ["failed"]
    text = app.run(runner, "status", "nope", "--log", "text", RUNNER_LOG="json")
    assert text.stderr.startswith("error SERIES_UNKNOWN")


@pytest.mark.parametrize(
    "words", [["status", "--nope"], ["nope"], ["migrate", "--wait", "x"], ["server"], []]
)
def test_env_file_says_how_a_wrong_call_is_told(
    runner: CliRunner, app: Project, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Over whatever click stumbles; the environment and the option win."""
    monkeypatch.chdir(app.root)
    (app.root / ".env").write_text("RUNNER_LOG=json\n")
    [failed] = events(runner.invoke(cli, words).stderr)
    assert (failed["name"], failed["exit_code"]) == ("USAGE", 2)
    for told in (
        runner.invoke(cli, words, env={"RUNNER_LOG": "text"}),
        runner.invoke(cli, [*words, "--log=text"]),
    ):
        assert (told.exit_code, '"event"' in told.stderr) == (2, False)


def test_the_log_is_that_of_the_configuration_named(runner: CliRunner, app: Project) -> None:
    """With --config its .env counts, wherever one is."""
    (app.root / ".env").write_text("RUNNER_LOG=json\n")
    [failed] = events(app.run(runner, "status", "--nope").stderr)
    assert failed["name"] == "USAGE"


@pytest.mark.parametrize(
    "words", [["--log", "json", "--nope"], ["--nope", "--log=json"], ["--log=json", "x", "y"]]
)
def test_a_wrong_call_is_told_so_too(runner: CliRunner, app: Project, words: list[str]) -> None:
    """Wherever the option stands."""
    [failed] = events(app.run(runner, "status", *words).stderr)
    assert (failed["event"], failed["level"], failed["exit_code"]) == ("failed", "error", 2)


def test_both_streams_are_json(runner: CliRunner, app: Project, url: str) -> None:
    """The document on stdout, events on stderr."""
    result = app.run(runner, "migrate", "--json", "--log", "json", APP_URL=url)
    assert len(data(result)["databases"][0]["applied"]) == 2
    assert [e["event"] for e in events(result.stderr) if "version" in e] == ["started", "applied"] * 2


def test_the_embedded_server_is_a_note(
    runner: CliRunner, app: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said to people is a line as well."""
    monkeypatch.chdir(app.root)
    try:
        first, *_ = events(app.run(runner, "status", "--log", "json").stderr)
        assert (first["event"], first["level"]) == ("note", "info")
        assert "using the embedded PostgreSQL" in first["message"]
    finally:
        runner.invoke(cli, ["server", "stop", "--config", str(app.file)])


def test_a_file_that_waits_is_next_and_what_another_runner_has_applied_never_starts(
    runner: CliRunner, app: Project, url: str
) -> None:
    """Nothing of them is told as sent."""
    app.write("app", {"002_three.sql": "select 1;"})
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("select pg_advisory_lock(hashtextextended('public.schema_migrations', 0))")
        result = app.run(runner, "migrate", "--log", "json", "--wait-lock", "0", APP_URL=url)
        [started] = [e for e in events(result.stderr) if e["event"] == "started"]
        assert started["message"] == "app/000_one.sql is next"
    slow = app.events(url)
    seen = [next(slow)]
    app.migrate(url, to=1)
    seen += slow
    told = [(type(event).__name__, event.migration.version) for event in seen]
    assert told == [
        ("Started", "000"), ("Outcome", "000"), ("Outcome", "001"), ("Started", "002"), ("Outcome", "002"),
    ]  # fmt: skip


@pytest.mark.usefixtures("_json_log")
def test_waiting_and_retrying_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With who is in the way."""
    migration = Migration("app", "000", "one", "app/000_one.sql", "select 1;", "sha256:0")
    reason = LockTimeout("app/000_one.sql waited.", notes=("pid 7 holds it",))
    with Progress([migration.path], quiet=True) as progress:
        progress.show(apply.Waiting(migration, ("pid 7",)))
        progress.show(apply.Retrying(migration, reason, 1.25))
        progress.show(apply.Outcome(migration, None))
    waiting, retrying, applied = events(capsys.readouterr().err)
    about = {"series": "app", "version": "000", "file": "app/000_one.sql"}
    assert waiting.items() >= (about | {"event": "waiting", "holders": ["pid 7"]}).items()
    facts = {"event": "retrying", "level": "warning", "name": "LOCK_TIMEOUT", "seconds": 1.2}
    assert retrying.items() >= (about | facts).items()
    assert retrying["notes"] == ["pid 7 holds it"]
    assert applied.items() >= (about | {"event": "applied", "ms": None}).items()


def _unescape(text: str, names: dict[str, str]) -> str:
    for escaped, character in names.items():
        text = text.replace(escaped, character)
    return text.replace("%25", "%")


@pytest.mark.usefixtures("_github")
@pytest.mark.parametrize("text", ["100%", "a\nb\r\nc", "a: b, c", "%0A", "::set-output name=x::y", "é 漢"])
def test_an_annotation_reads_back(text: str) -> None:
    """What GitHub's runner undoes is what was said: in a property colon and comma count as well."""
    line = annotation.line("error", text, title=text, place=Place(text, 3, 4))
    assert line
    assert len(line.splitlines()) == 1
    _, head, data = line.split("::", 2)
    command, _, properties = head.partition(" ")
    lines = {"%0D": "\r", "%0A": "\n"}
    found = dict(one.split("=", 1) for one in properties.split(","))
    assert (command, _unescape(data, lines)) == ("error", text)
    in_properties = lines | {"%3A": ":", "%2C": ","}
    assert _unescape(found["title"], in_properties) == _unescape(found["file"], in_properties) == text
    assert (found["line"], found["col"]) == ("3", "4")


@pytest.fixture
def _github(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be GitHub's runner."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)


def test_nobody_else_gets_annotations(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would be noise."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    report.error(RunnerError("It failed."))
    assert "::" not in capsys.readouterr().err


@pytest.mark.usefixtures("_github")
def test_a_failure_points_into_the_file_on_github(
    runner: CliRunner, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the root of the checkout, though the project lies below; the document stays alone on stdout."""
    project = make(
        tmp_path / "checkout" / "db", app=TWO | {"002_warn.sql": WARNS, "003_bad.sql": "select\n  1/0;"}
    )
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "checkout"))
    monkeypatch.chdir(project.root)
    result = project.run(runner, "migrate", "--json", APP_URL=url)
    assert data(result)["error"]["name"] == "SQL_FAILED"
    notes = [line for line in result.stderr.splitlines() if line.startswith("::")]
    assert notes[-1].startswith("::error file=db/app/003_bad.sql,line=1,col=1,title=SQL_FAILED::")
    assert any(line.startswith("::warning ") and line.endswith("::careful, 100%25") for line in notes)
    assert not [n for n in app_lines(project, runner, url) if n.startswith("::")]


def test_what_psql_is_given_is_none_of_the_options_here(runner: CliRunner, tmp_path: Path) -> None:
    """Its --log names a file, of whatever name."""
    file = str(make(tmp_path, app=TWO).file)
    result = runner.invoke(cli, ["server", "psql", "none", "--config", file, "--", "--log", "json"])
    assert result.stderr.startswith("error SERIES_UNKNOWN: ")


SPEAKS = "do $$ begin raise exception E'a\\n  ::stop-commands::x\\n##[group]y'; end $$;"


@pytest.mark.usefixtures("_github")
@pytest.mark.parametrize("options", [[], ["--json"], ["--log", "json"]], ids=["text", "json", "log"])
def test_github_reads_no_command_off_a_value(
    runner: CliRunner, url: str, tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun by a line break in what the server says; JSON means the same, and elsewhere all is as it is."""
    project = make(tmp_path, app={"000_one.sql": SPEAKS})
    result = project.run(runner, "migrate", *options, APP_URL=url)
    lines = (result.stdout + result.stderr).splitlines()
    others = [line.strip() for line in lines if not line.startswith(("::error ", "::warning "))]
    assert [line for line in others if line.startswith("::") or "##[" in line] == []
    if "--json" in options:
        assert "##[group]y" in str(data(result)["error"])
    elif options:
        assert "##[group]y" in events(result.stderr)[-1]["message"]
    else:
        assert "\\x3a:stop-commands::x" in result.stderr
        monkeypatch.delenv("GITHUB_ACTIONS")
        told = project.run(runner, "migrate", APP_URL=url).stderr
        assert ("::stop-commands::x" in told, "\\x3a" in told) == (True, False)


@pytest.mark.usefixtures("_github")
def test_an_annotation_is_of_the_project_that_is_named(
    runner: CliRunner, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of a file that is called so where the command is run, or above."""
    project = make(tmp_path / "svc" / "db", app=TWO | {"002_bad.sql": "select 1;\nselec 2;"})
    make(tmp_path, app=TWO | {"002_bad.sql": "select 2;"})
    (tmp_path / "svc" / "db" / "below" / "app").mkdir(parents=True)
    (tmp_path / "svc" / "db" / "below" / "app" / "002_bad.sql").touch()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    named, nearest = ["migrate", "--config", str(project.file)], ["migrate"]
    for folder, words in ((tmp_path, named), (project.root / "below", nearest)):
        monkeypatch.chdir(folder)
        said = runner.invoke(cli, words, env={"APP_URL": url}).stderr
        assert "::error file=svc/db/app/002_bad.sql,line=2," in said


def app_lines(project: Project, runner: CliRunner, url: str) -> list[str]:
    """Return what stderr holds where the log is JSON: no line of another kind."""
    return project.run(runner, "migrate", "--log", "json", APP_URL=url).stderr.splitlines()
