"""One document for programs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from runner import door
from runner.cli import cli
from runner.planning import State
from tests.cli import SCHEMA, checked, data
from tests.project import ROOT, TWO, Project, make

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import CliRunner


@pytest.mark.parametrize("command", ["migrate", "status", "plan", "verify"])
def test_json_is_one_document_on_stdout(runner: CliRunner, app: Project, url: str, command: str) -> None:
    """Nothing else is printed there, whatever happens."""
    document = data(app.run(runner, command, "--json", APP_URL=url))
    assert document["command"] == command
    assert document["error"] is None
    assert [entry["series"] for entry in document["databases"]] == ["app"]


def test_json_tells_what_was_applied_and_what_failed(runner: CliRunner, app: Project, url: str) -> None:
    """A pipeline finds the committed files and the error in one document."""
    app.write("app", {"001_two.sql": "select 1/0;"})
    result = app.run(runner, "migrate", "--json", APP_URL=url)
    document = data(result)
    assert result.exit_code == document["error"]["exit_code"] == 1
    assert [row["name"] for row in document["databases"][0]["applied"]] == ["one"]
    assert document["error"]["name"] == "SQL_FAILED"
    assert (document["error"]["file"], document["error"]["line"]) == ("app/001_two.sql", 1)


def test_json_carries_the_problem_of_each_step(runner: CliRunner, app: Project, url: str) -> None:
    """Verify's findings are data too."""
    app.run(runner, "migrate", APP_URL=url)
    app.write("app", {"000_one.sql": "select 2;"})
    result = app.run(runner, "verify", "--json", APP_URL=url)
    assert result.exit_code == 4
    problems = [step["problem"] and step["problem"]["name"] for step in data(result)["databases"][0]["steps"]]
    assert problems == ["CHECKSUM_MISMATCH", None]


def test_json_has_the_error_of_a_wrong_configuration(runner: CliRunner, app: Project) -> None:
    """Even an error before any database is looked at is a document."""
    result = app.run(runner, "status", "nope", "--json")
    assert result.exit_code == 2
    assert data(result)["error"]["name"] == "SERIES_UNKNOWN"


def _documented() -> dict[str, list[str]]:
    """Return the keys of each kind of object, as the guide lists them."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8").partition("## The document")[2]
    text = text.partition("| object |")[2].partition("\n\n")[0]
    found = {}
    for kinds, keys in re.findall(r"^\| (\w+(?: of `.+`)?) \| (.+) \|$", text, re.MULTILINE):
        if not (names := re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", keys))):
            continue  # a heading
        found.update(
            {f"{kinds.split()[0]} {kind}".strip(): names for kind in re.findall(r"`([\w ]+)`", kinds) or [""]}
        )
    return found


def _keys(kind: str) -> list[str]:
    """Return the keys that the schema gives a kind of object, without those that an option adds."""
    name = kind.removeprefix("entry ").split()[0]
    found = SCHEMA["$defs"].get(f"{name}_entry" if kind.startswith("entry ") else kind)
    return list(found["required"])


def test_the_guide_lists_the_keys_of_the_schema() -> None:
    """Both say the same of every kind of object, in the same order."""
    listed = _documented()
    documents = {kind: listed.pop(kind) for kind in list(listed) if kind.startswith("document")}
    assert {kind: _keys(kind) for kind in listed} == listed
    kinds = {name.removesuffix("_entry") for name in SCHEMA["$defs"]}
    assert {kind.removeprefix("entry ").split()[0] for kind in listed} == kinds
    assert documents["document"] == SCHEMA["required"]
    every = dict.fromkeys(key for keys in documents.values() for key in keys)
    assert list(every) == list(SCHEMA["properties"])


@pytest.fixture
def rich(app: Project) -> Project:
    """Return a project with a file that is skipped, and with rollback files."""
    app.write("app", {"002_never.sql": "-- runner: requires-extension nowhere\nselect 1;"})
    (app.root / "app" / "rollback").mkdir()
    app.write("app/rollback", {"000_one.sql": "drop table public.one;"})
    app.write("app/rollback", {"001_two.sql": "drop table public.two;"})
    return app


ORPHAN = """
    create table public.other as select 7 as one_id;
    comment on column public.other.one_id is 'References app.one.id (cross-database, no foreign key).';
"""
EDITED = {"000_one.sql": TWO["000_one.sql"] + " -- edited"}


def test_every_command_prints_what_the_schema_says(runner: CliRunner, rich: Project, url: str) -> None:
    """Each kind of object of every command, and no key that the schema does not know."""
    listed, seen = _documented(), set()

    def check(*words: str, code: int = 0, **environ: str) -> dict[str, Any]:
        result = rich.run(runner, *words, "--json", APP_URL=url, **environ)
        document = data(result)
        assert result.exit_code == code, result.output
        assert document["command"] == words[0]
        kind = f"entry {words[0]}"
        [entry] = document["databases"]
        assert list(entry) == [*listed[kind], *(key for key in entry if key not in listed[kind])]
        seen.add(kind)
        return document

    check("plan")
    check("prove", code=4)
    check("migrate")
    check("status")
    check("verify", "--drift")
    check("rollback", "app", "--to", "base")
    with psycopg.connect(url) as db:
        db.execute(ORPHAN)
    lost = check("orphans", code=4)
    assert lost["error"]["name"] == "ORPHANS_FOUND"
    with psycopg.connect(url) as db:
        db.execute("drop table public.other")
    rich.write("app", EDITED)
    assert check("status", "--exit-code", code=4)["error"]["name"] == "CHECKSUM_MISMATCH"
    assert check("verify", code=4)["error"]["name"] == "CHECKSUM_MISMATCH"
    check("accept", "app", "0", "--yes")
    with psycopg.connect(url) as db:
        db.execute("drop table public.schema_migrations")
    check("baseline", "app", "--to", "1")
    assert seen | {"entry server start", "entry server url"} == {k for k in listed if k.startswith("entry ")}


def test_a_command_that_writes_files_lists_them(runner: CliRunner, app: Project, tmp_path: Path) -> None:
    """`new`, `init`, and `docs`, which needs no database of its own."""
    new = data(app.run(runner, "new", "app", "three", "--json"))
    assert new["written"] == ["app/002_three.sql", "app/rollback/002_three.sql"]
    other = tmp_path / "other"
    other.mkdir()
    begun = runner.invoke(cli, ["init", "app", "--json", "--config", str(other / "pyproject.toml")])
    assert len(data(begun)["written"]) > 2
    assert begun.stderr == ""


def test_docs_lists_what_it_wrote(runner: CliRunner, app: Project, url: str) -> None:
    """And what it removed."""
    wrote = data(app.run(runner, "docs", "--json", APP_URL=url))
    assert "docs/schema/README.md" in wrote["written"]
    assert list(wrote) == _documented()["document docs"]


def test_the_embedded_server_has_documents(runner: CliRunner, app: Project) -> None:
    """Its URLs, and whether it was running."""

    def call(*words: str) -> dict[str, Any]:
        return data(runner.invoke(cli, ["server", *words, "--json", "--config", str(app.file)]))

    try:
        started = call("start")
        assert (started["command"], started["error"]) == ("server start", None)
        assert list(started["databases"][0]) == _documented()["entry server start"]
        assert call("url", "app")["databases"] == started["databases"]
    finally:
        stopped = call("stop")
    assert stopped["stopped"] is True
    assert list(stopped) == _documented()["document server stop"]


WRONG = [
    ["migrate", "--nope", "--json"],
    ["migrate", "--json", "--nope"],
    ["migrate", "--json=yes"],
    ["migrate", "--to", "abc", "--json"],
    ["migrate", "--to", "--json"],
    ["migrate", "--json", "--log", "xml"],
    ["status", "--wait", "--json"],
    ["--json"],
    ["--json", "status"],
    ["nope", "--json"],
    ["rollback", "app", "--json"],
    ["new", "--json"],
    ["accept", "app", "--json"],
    ["accept", "app", "0", "--json"],
    ["accept", "app", "0", "1", "--yes", "--json"],
    ["init", "--json"],
    ["init", "No", "--json"],
    ["docs", "extra", "--json"],
    ["server", "--json"],
    ["server", "nope", "--json"],
    ["server", "start", "extra", "--json"],
    ["server", "url", "--json"],
    ["server", "psql", "app", "--json"],
    ["plan", "--sql", "-", "--json"],
    ["status", "--config", "/nowhere/pyproject.toml", "--json"],
    ["status", "--config", "/", "--json"],
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_call_has_a_document(
    runner: CliRunner, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with it, and wherever --json stands."""
    monkeypatch.chdir(make(tmp_path, app=TWO).root)
    result = runner.invoke(cli, words)
    document = data(result)
    assert result.exit_code == document["error"]["exit_code"] == 2
    assert document["error"]["name"] in {"USAGE", "CONFIG_INVALID"}
    assert document["error"]["message"] in result.stderr
    named = [word for word in words if not word.startswith("-")][:1]
    known = named if named and named[0] in cli.list_commands(None) and words[0] in named else [None]  # type: ignore[arg-type] # no context needed
    assert str(document["command"]).split()[:1] == [str(known[0])]


@pytest.mark.parametrize(
    "text", ["[tool", "[tool.runner]\ndatabases = 1", "", "\0", "[tool.runner.databases.a]"]
)
@pytest.mark.parametrize(
    "words", [["status"], ["migrate", "--wait", "1"], ["new", "a", "b"], ["server", "stop"], ["docs"]]
)
def test_a_broken_configuration_has_a_document(
    runner: CliRunner, words: list[str], text: str, tmp_path: Path
) -> None:
    """Of every command, also of one that reads it before it reads its options."""
    file = tmp_path / "pyproject.toml"
    file.write_text(text)
    result = runner.invoke(cli, [*words, "--json", "--config", str(file)])
    assert data(result)["error"]["name"] == "CONFIG_INVALID"
    assert result.exit_code == 2


@pytest.fixture
def inside(app: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project in whose folder the commands run."""
    monkeypatch.chdir(app.root)
    return app


@pytest.mark.parametrize(
    ("words", "command", "message"),
    [
        (["accept", "app", "0"], "accept", "--json asks nobody."),
        (["server", "start", "extra"], "server start", "Got unexpected extra argument (extra)"),
        (["server", "start", "--nope"], "server start", "No such option"),
        (["server", "psql", "app"], "server", "psql prints no document."),
        (["nope"], None, "No such command"),
    ],
)
def test_the_document_names_command_and_reason(
    runner: CliRunner, inside: Project, words: list[str], command: str | None, message: str
) -> None:
    """As far as click has understood which command it is."""
    assert inside.file.is_file()
    document = data(runner.invoke(cli, [*words, "--json"]))
    assert document["command"] == command
    assert document["error"]["message"].startswith(message)


def test_without_json_a_wrong_call_has_the_same_name(runner: CliRunner) -> None:
    """Behind `--` it is no option of ours, and is not read as one."""
    for words in (["migrate", "--nope"], ["status", "--", "--json"]):
        result = runner.invoke(cli, words)
        assert (result.exit_code, result.stdout) == (2, "")
    assert "error USAGE: No such option" in runner.invoke(cli, ["migrate", "--nope"]).stderr


def test_no_word_at_all_is_answered_with_help(runner: CliRunner) -> None:
    """As by every command of commands."""
    for words in ([], ["server"]):
        result = runner.invoke(cli, words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Commands:" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("words", [["status", "--help"], ["--help"], ["server", "--help"], ["--version"]])
def test_help_goes_elsewhere(runner: CliRunner, words: list[str]) -> None:
    """Somebody may look at the help of what a pipeline does: the document stays alone."""
    result = runner.invoke(cli, [*words, "--json"])
    assert data(result)["error"] is None or result.exit_code == 2
    assert result.stderr != ""


@pytest.mark.parametrize(
    ("raised", "name"),
    [
        (KeyboardInterrupt(), "INTERRUPTED"),
        (EOFError(), "INTERRUPTED"),
        (ZeroDivisionError("by zero"), "FAILED"),
        (psycopg.OperationalError("gone"), "SERVER_REFUSED"),
        (RecursionError(), "FAILED"),
    ],
)
def test_what_nobody_foresaw_has_a_document(
    runner: CliRunner, app: Project, monkeypatch: pytest.MonkeyPatch, raised: BaseException, name: str
) -> None:
    """A fault of the runner itself, or Ctrl-C, from anywhere in a command."""

    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(door, "status", fail)
    result = app.run(runner, "status", "--json")
    document = data(result)
    assert (result.exit_code, document["error"]["name"], document["command"]) == (1, name, "status")
    assert document["error"]["message"] in result.stderr


def test_ctrl_c_has_a_document(app: Project, url: str) -> None:
    """Of a real process, that a signal ends while a file runs."""
    app.write("app", {"001_two.sql": "select pg_sleep(60);"})
    command = [
        sys.executable,
        "-m",
        "runner",
        "migrate",
        "--json",
        "--log",
        "json",
        "--config",
        str(app.file),
    ]
    environ = {"PATH": os.environ["PATH"], "APP_URL": url}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=-1, stderr=-1, text=True) as process:
        assert process.stderr
        while "001_two" not in (line := process.stderr.readline()):
            assert line, "it ended before that"
        process.send_signal(signal.SIGINT)
        document = checked(json.loads(process.communicate(timeout=20)[0]))
    assert (process.returncode, document["error"]["name"]) == (1, "INTERRUPTED")
    assert [row["version"] for row in document["databases"][0]["applied"]] == ["000"]


def test_the_states_are_those_of_the_guide() -> None:
    """A pipeline can match on them."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^`state` is .*$", text, re.MULTILINE)
    assert re.findall(r"`(\w+)`", line)[1:] == [str(state) for state in State]
