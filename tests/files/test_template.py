"""The files that `new` writes."""

from __future__ import annotations

import shlex
from pathlib import Path
from shutil import copytree

import pytest

from runner import files
from runner.errors import ConfigError, FileRefused, FileUnwritable, UsageError, VersionGap
from runner.files import folder, template

FOLDERS = Path(__file__).parent.parent / "folders"


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    """Return a copy of the good folder: 000 and 001 with their rollbacks."""
    return copytree(FOLDERS / "good", tmp_path / "sql" / "auth")


def _create(sql: Path, name: str) -> tuple[Path, Path]:
    return template.create("auth", sql, name, root=sql.parent.parent, variable="URL_AUTH")


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_new_files_carry_the_next_number(sql: Path) -> None:
    """Forward file and rollback share a name; the folder stays one that can be loaded."""
    assert _create(sql, "teams") == (sql / "002_teams.sql", sql / "rollback" / "002_teams.sql")
    assert _create(sql, "roles")[0].name == "003_roles.sql"
    migrations = folder.load("auth", sql, root=sql)
    assert [m.label for m in migrations] == ["000_a", "001_b", "002_teams", "003_roles"]
    assert migrations[2].rollback == str(sql / "rollback" / "002_teams.sql")


def test_an_empty_folder_begins_with_000(tmp_path: Path) -> None:
    """The folder of rollbacks is made when it is needed."""
    (tmp_path / "sql").mkdir()
    forward, rollback = _create(tmp_path / "sql", "first")
    assert (forward.name, rollback.name) == ("000_first.sql", "000_first.sql")


def test_the_new_files_name_themselves(sql: Path) -> None:
    """No placeholder of the template is left, and the command to run the rollback is complete."""
    forward, rollback = (path.read_text() for path in _create(sql, "teams"))
    assert forward.startswith("-- 002_teams.sql")
    assert rollback.startswith("-- rollback/002_teams.sql")
    assert 'sql/auth/rollback/002_teams.sql "$URL_AUTH"' in rollback
    assert not any(
        f"{{{field}}}" in forward + rollback for field in ("version", "name", "series", "folder", "variable")
    )


def test_the_command_in_a_rollback_names_a_folder_with_blanks(sql: Path) -> None:
    """As a shell takes it, once it is pasted from the header."""
    moved = sql.rename(sql.with_name("it's {my} sql"))
    rollback = _create(moved, "teams")[1].read_text()
    [command] = [line.removeprefix("-- Run: ") for line in rollback.splitlines() if "-- Run: " in line]
    words = ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-1", "-f", "sql/it's {my} sql/rollback/002_teams.sql"]
    assert shlex.split(command) == [*words, "$URL_AUTH"]


def test_the_new_files_end_their_lines_like_the_others(sql: Path) -> None:
    """LF on every system, and one newline at the end."""
    for path in _create(sql, "teams"):
        data = path.read_bytes()
        assert b"\r" not in data
        assert data.endswith(b"\n")
        assert not data.endswith(b"\n\n")


def test_files_that_exist_are_not_touched(sql: Path) -> None:
    """Only the two new files are written."""
    before = _contents(sql)
    created = _create(sql, "teams")
    after = _contents(sql)
    assert {path: data for path, data in after.items() if path not in created} == before


def test_a_file_made_at_the_same_moment_is_not_overwritten(
    sql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two people may ask for the next number at once: the second one is stopped, the first keeps his file."""
    seen = folder.load("auth", sql, root=sql)
    monkeypatch.setattr(folder, "load", lambda *_, **__: seen)
    forward, _ = _create(sql, "teams")
    forward.write_text("select 'written';")
    with pytest.raises(FileUnwritable, match="File exists"):
        _create(sql, "teams")
    assert forward.read_text() == "select 'written';"


def test_a_new_file_is_refused_until_it_is_written(sql: Path) -> None:
    """A forgotten template is not recorded as a migration that did nothing."""
    forward, _ = _create(sql, "teams")
    with pytest.raises(FileRefused, match="holds no statement"):
        files.check(forward.read_text(), path=forward.name)
    files.check(forward.read_text() + "select 1;", path=forward.name)


@pytest.mark.parametrize("name", ["", "Teams", "two words", "../x", "a-b", "ümlaut", "a.sql", "a\n"])
def test_a_name_that_no_file_may_have_is_refused(sql: Path, name: str) -> None:
    """Nothing is written for it."""
    before = _contents(sql)
    with pytest.raises(UsageError, match="is not a name for a migration"):
        _create(sql, name)
    assert _contents(sql) == before


def test_a_folder_that_cannot_be_trusted_gets_no_new_file(tmp_path: Path) -> None:
    """The next number of a folder with a gap, or of no folder, is unknown."""
    gap = copytree(FOLDERS / "gap", tmp_path / "gap")
    before = _contents(gap)
    with pytest.raises(VersionGap):
        _create(gap, "teams")
    assert _contents(gap) == before
    with pytest.raises(ConfigError, match="does not exist"):
        _create(tmp_path / "absent", "teams")
