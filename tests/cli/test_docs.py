"""The command docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.reference import picture
from tests.cli import lines

if TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.project import Project


def test_the_reference_is_written_beside_the_configuration(runner: CliRunner, app: Project, url: str) -> None:
    """Each file is named; a second run says that nothing is to be done."""
    assert app.run(runner, "docs", APP_URL=url).exit_code == 0
    assert (app.root / "docs" / "schema" / "app.md").read_text().startswith("<!-- Generated")
    assert lines(app.run(runner, "docs", APP_URL=url))[-1:] == ["docs/schema is as it should be."]


@pytest.mark.parametrize("name", ["README.md", "app.md", "app-overview.svg", "app-001_two.svg"])
def test_what_somebody_else_wrote_is_left_alone(runner: CliRunner, app: Project, url: str, name: str) -> None:
    """Nothing is written at all: the file with a name that is wanted is named, and what to do with it."""
    folder = app.root / "docs" / "schema"
    folder.mkdir(parents=True)
    (folder / name).write_text("By hand.")
    result = app.run(runner, "docs", APP_URL=url)
    assert result.exit_code == 2
    assert f"{name} cannot be written: it is there, and `docs` has not made it." in result.stderr
    assert "Move it elsewhere or delete it, and run this again." in result.stderr
    assert [(one.name, one.read_text()) for one in folder.iterdir()] == [(name, "By hand.")]


def test_a_page_by_hand_is_left_alone_when_a_series_gets_its_name(
    runner: CliRunner, app: Project, url: str
) -> None:
    """Beside pages that are ours, as are one that a full disk left empty and one that lost its mark."""
    folder = app.root / "docs" / "schema"
    assert app.run(runner, "docs", APP_URL=url).exit_code == 0
    (folder / "notes.md").write_text("By hand.")
    (folder / "app.md").write_text("lost")
    (folder / "app-overview.svg").write_text("")
    assert "written  docs/schema/app.md" in app.run(runner, "docs", APP_URL=url).stdout
    (app.root / "notes").mkdir()
    (app.root / "notes" / "000_n.sql").write_text("create table public.n (id int);")
    more = '\n[tool.runner.databases.notes]\nsql = "notes"\ndatabase = "notes"\nurl = "NOTES_URL"\n'
    app.file.write_text(app.file.read_text() + more)
    result = app.run(runner, "docs", APP_URL=url, NOTES_URL=url)
    assert "notes.md cannot be written" in result.stderr
    assert (folder / "notes.md").read_text() == "By hand."
    assert not (folder / "notes-000_n.svg").exists()


def test_without_the_extra_it_says_how_to_get_it(
    runner: CliRunner, app: Project, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages are there, the exit code is 0, and the warning says what to install, from the checkout."""
    monkeypatch.setattr(picture, "WHEEL", "a-wheel-that-nobody-installed")
    result = app.run(runner, "docs", APP_URL=url)
    assert result.exit_code == 0
    assert "written  docs/schema/app.md" in result.stdout
    assert "pip install '.[docs]'" in result.stderr
