"""The command docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.reference import picture
from tests.cli import lines

if TYPE_CHECKING:
    import pytest
    from click.testing import CliRunner

    from tests.project import Project


def test_the_reference_is_written_beside_the_configuration(runner: CliRunner, app: Project, url: str) -> None:
    """Each file is named; a second run says that nothing is to be done."""
    assert app.run(runner, "docs", APP_URL=url).exit_code == 0
    assert (app.root / "docs" / "schema" / "app.md").read_text().startswith("<!-- Generated")
    assert lines(app.run(runner, "docs", APP_URL=url))[-1:] == ["docs/schema is as it should be."]


def test_without_the_extra_it_says_how_to_get_it(
    runner: CliRunner, app: Project, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages are there, the exit code is 0, and the warning says what to install, from the checkout."""
    monkeypatch.setattr(picture, "WHEEL", "a-wheel-that-nobody-installed")
    result = app.run(runner, "docs", APP_URL=url)
    assert result.exit_code == 0
    assert "written  docs/schema/app.md" in result.stdout
    assert "pip install '.[docs]'" in result.stderr
