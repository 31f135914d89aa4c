"""One document for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli import data

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
