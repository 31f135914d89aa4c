"""Cut the start of the embedded PostgreSQL short, and let it fail: the next one works, or says what would."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database, embedded, postmaster
from runner.errors import CannotConnect

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = '[tool.runner.databases.app]\nsql = "sql"\ndatabase = "app"\nurl = "APP_URL"\n'


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a project with one file, where the server's own user may go."""
    folder = Path(tempfile.mkdtemp(prefix="trouble-"))
    (folder / "pyproject.toml").write_text(CONFIG)
    (folder / "sql").mkdir()
    (folder / "sql" / "000_one.sql").write_text("create table public.one (id integer);")
    yield folder
    embedded.stop(folder)
    shutil.rmtree(folder)


def _names(home: Path) -> list[str]:
    return sorted(path.name for path in (home / embedded.FOLDER).iterdir())


def test_stop_leaves_nothing_where_the_folder_was_moved_to(home: Path) -> None:
    """The lock file of the socket names a process that may stay as a zombie: no other one would start."""
    embedded.start(home)
    moved = home.rename(home.with_name(f"{home.name}-moved"))
    try:
        assert embedded.stop(moved)
        assert [name for name in _names(moved) if "PGSQL" in name or name == postmaster.FILE] == []
        assert embedded.start(moved)
    finally:
        embedded.stop(moved)
        moved.rename(home)


def test_a_server_that_recovers_again_and_again_is_stopped(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sessions fail each time; who is to look is led to the log, not to host and port."""
    embedded.start(home)
    embedded.stop(home)
    for file in (home / embedded.FOLDER).rglob("pg_filenode.map"):
        file.unlink()
    url = embedded.start(home).url("postgres")
    with pytest.raises(CannotConnect) as caught:
        database.connect(url, source="the embedded server")
    assert caught.value.remedy == "Run again. If it stays so, look at the end of its log, in .postgres/."
    monkeypatch.setattr(postmaster, "_PATIENCE", 2.0)
    assert embedded.stop(home)
    assert postmaster.FILE not in _names(home)
