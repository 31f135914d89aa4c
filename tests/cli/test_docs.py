"""The command docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def test_without_graphviz_it_says_how_to_get_it(
    runner: CliRunner, app: Project, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages are there, the exit code is 0, and the warning names the package."""
    monkeypatch.setenv("PATH", str(app.root))
    result = app.run(runner, "docs", APP_URL=url)
    assert result.exit_code == 0
    assert "written  docs/schema/app.md" in result.stdout
    assert "`apt install graphviz`" in result.stderr
