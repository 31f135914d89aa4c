"""What `init` lays out."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from runner import config
from runner.errors import ConfigError, FileUnwritable, UsageError
from runner.files import folder
from runner.files.layout import lay_out

if TYPE_CHECKING:
    from pathlib import Path

OTHER = '[project]\nname = "shop"  # kept\n'
TWO_SERIES = f'{OTHER}\n[tool.runner.databases.old]\nsql = "old"\ndatabase = "old"\nurl = "OLD_URL"'


def _names(root: Path, found: tuple[Path, ...]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in found]


@pytest.mark.parametrize("before", [None, "", "\n\n", OTHER, TWO_SERIES])
def test_a_series_is_added_to_whatever_is_there(tmp_path: Path, before: str | None) -> None:
    """The configuration can be read, its first file is number 000, and what stood there stands there."""
    file = tmp_path / config.FILE
    if before is not None:
        file.write_text(before)
    written = lay_out(tmp_path, file, "app")
    assert _names(tmp_path, written) == [
        "pyproject.toml", "sql/app/000_first.sql", "sql/app/rollback/000_first.sql", ".gitignore",
    ]  # fmt: skip
    assert file.read_text().startswith((before or "").strip() or "# What")
    assert (tmp_path / ".gitignore").read_bytes() == b".env\n.postgres/\n"
    assert b"\r" not in file.read_bytes()
    series = {one.name: one for one in config.load(file).series}
    assert (series["app"].database, series["app"].variable) == ("app", "DATABASE_URL_APP")
    assert [m.label for m in folder.load("app", series["app"].folder, root=tmp_path)] == ["000_first"]


def test_the_rollback_names_the_variable(tmp_path: Path) -> None:
    """What it says how to run it fits the configuration."""
    lay_out(tmp_path, tmp_path / config.FILE, "app")
    text = (tmp_path / "sql" / "app" / "rollback" / "000_first.sql").read_text()
    assert '-f sql/app/rollback/000_first.sql "$DATABASE_URL_APP"' in text


def test_files_that_are_there_stay_alone(tmp_path: Path) -> None:
    """A folder with files gets no first one; .gitignore gets only what it lacks, on lines of their own."""
    (tmp_path / "sql" / "app").mkdir(parents=True)
    (tmp_path / "sql" / "app" / "000_mine.sql").write_text("select 1;")
    (tmp_path / ".gitignore").write_text("*.log\n.env")
    assert _names(tmp_path, lay_out(tmp_path, tmp_path / config.FILE, "app")) == [
        "pyproject.toml",
        ".gitignore",
    ]
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.env\n.postgres/\n"
    (tmp_path / ".gitignore").write_text(".env\n.postgres/")
    (tmp_path / "sql" / "other").mkdir()
    assert _names(tmp_path, lay_out(tmp_path, tmp_path / config.FILE, "other"))[-1].startswith("sql/other")
    assert (tmp_path / ".gitignore").read_text() == ".env\n.postgres/"


@pytest.mark.parametrize("name", ["", "App", "a-b", "1a", "a b", "../a", "a.b"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is written."""
    with pytest.raises(UsageError, match="not a name for a series") as caught:
        lay_out(tmp_path, tmp_path / config.FILE, name)
    assert caught.value.remedy == "Begin with a-z; then use a-z, 0-9 and _."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "error", "text"),
    [
        (TWO_SERIES.replace("old]", "app]"), UsageError, "has a series app already"),
        ("[project", ConfigError, "cannot be added to"),
        ("tool = { runner = {} }", ConfigError, "cannot be added to"),
        ("tool = 3", ConfigError, "is not written as tables"),
        ('[[tool.runner]]\nx = "y"', ConfigError, "is not written as tables"),
        ('[[tool.runner.databases]]\nsql = "old"', ConfigError, "is not written as tables"),
        ("[tool.runner]\ndatabases = []", ConfigError, "is not written as tables"),
        ('[tool.runner]\ndatabases = { old = { sql = "old" } }', ConfigError, "is not written as tables"),
    ],
)
def test_a_configuration_that_cannot_take_it_is_left_alone(
    tmp_path: Path, before: str, error: type[Exception], text: str
) -> None:
    """Twice, broken, or written so that no table can follow: nothing is written."""
    file = tmp_path / config.FILE
    file.write_text(before)
    with pytest.raises(error, match=text):
        lay_out(tmp_path, file, "app")
    assert (file.read_text(), list(tmp_path.iterdir())) == (before, [file])


@pytest.mark.parametrize(
    "before",
    [
        'tool.runner.databases.old = { sql = "old", database = "old", url = "OLD_URL" }',
        '[tool.runner]\ndatabases.old = { sql = "old", database = "old", url = "OLD_URL" }',
        '[tool.runner.databases]\nold = { sql = "old", database = "old", url = "OLD_URL" }',
    ],
)
def test_series_may_be_written_with_dots(tmp_path: Path, before: str) -> None:
    """A table for another one may follow them."""
    file = tmp_path / config.FILE
    file.write_text(before)
    lay_out(tmp_path, file, "app")
    assert [one.name for one in config.load(file).series] == ["old", "app"]


def test_a_configuration_that_finds_no_room_is_as_it_was(tmp_path: Path) -> None:
    """A full disk cuts off no file that was there."""
    file = tmp_path / config.FILE
    file.write_text(OTHER)
    (tmp_path / ".gitignore").write_text(".env\n.postgres/\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (tmp_path / "sql" / "app").mkdir(parents=True)
    (tmp_path / "sql" / "app" / "000_mine.sql").write_text("select 1;")
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(OTHER) + 9, before[1]))
    try:
        with pytest.raises(FileUnwritable, match="File too large"):
            lay_out(tmp_path, file, "app")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.read_text() == OTHER
