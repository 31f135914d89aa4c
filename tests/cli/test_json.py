"""One document for programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from runner.planning import State
from tests.cli import data
from tests.project import ROOT

if TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.project import Project


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
    found = {}
    for kinds, keys in re.findall(r"^\| (\w+(?: of `.+`)?) \| (.+) \|$", text, re.MULTILINE):
        names = re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", keys))
        found.update(dict.fromkeys(re.findall(r"`(\w+)`", kinds) or [kinds], names))
    return found


def test_the_keys_are_those_of_the_guide(runner: CliRunner, app: Project, url: str) -> None:
    """Every object of every command has the documented keys, in that order, and no other."""
    listed = _documented()
    app.write("app", {"001_two.sql": "-- runner: requires-extension nowhere\nselect 1;"})
    (app.root / "app" / "rollback").mkdir()
    app.write("app/rollback", {"000_one.sql": "drop table public.one;"})
    entries: dict[str, Any] = {}
    arguments = {"rollback": ["app", "--to", "base"], "baseline": ["app", "--to", "0"]}
    for command in ("plan", "prove", "migrate", "status", "verify", "rollback", "baseline"):
        if command == "baseline":
            with psycopg.connect(url) as db:
                db.execute("drop table public.schema_migrations")
        document = data(app.run(runner, command, *arguments.get(command, []), "--json", APP_URL=url))
        assert list(document) == listed["document"], command
        [entries[command]] = document["databases"]
        assert list(entries[command]) == listed[command], command
    with psycopg.connect(url) as db:
        db.execute("create table public.other as select 7 as one_id")
        sentence = "References app.one.id (cross-database, no foreign key)."
        db.execute(f"comment on column public.other.one_id is '{sentence}'".encode())
    [entry] = data(app.run(runner, "orphans", "--json", APP_URL=url))["databases"]
    assert list(entry) == listed["orphans"]
    assert list(entry["orphans"][0]) == listed["orphan"]
    [outcome], [skipped] = entries["migrate"]["applied"], entries["migrate"]["skipped"]
    assert list(outcome) == listed["outcome"]
    assert list(skipped) == listed["step"]
    assert list(entries["prove"]["files"][0]) == listed["proof"]
    app.write("app", {"000_one.sql": "select 2;"})
    [problem] = data(app.run(runner, "verify", "--json", APP_URL=url))["databases"][0]["problems"]
    assert list(problem) == listed["error"]


def test_the_states_are_those_of_the_guide() -> None:
    """A pipeline can match on them."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^`state` is .*$", text, re.MULTILINE)
    assert re.findall(r"`(\w+)`", line)[1:] == [str(state) for state in State]
