"""Throw-away databases."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import psycopg
import pytest
from click.testing import CliRunner

from runner import database
from runner.errors import ServerUnusable
from runner.model import Migration
from runner.schema import alike, around, cluster, scratch
from tests import clusters
from tests.project import ROOM, make
from tests.servers import NEWEST, SYSTEM_15

if TYPE_CHECKING:
    from tests.servers import Server


def databases(server: Server) -> list[str]:
    """Return the scratch databases of a server."""
    with psycopg.connect(server.url("postgres")) as connection:
        found = connection.execute("select datname from pg_database where datname ~ '^runner_scratch_'")
        return [name for (name,) in found]


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep temporary files below a folder that only its owner may pass; return that."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    (folder / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    return folder


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root runs it as another user")
@pytest.mark.usefixtures("closed")
def test_a_private_server_starts_below_a_closed_temporary_folder() -> None:
    """As one of a user's own is, which the user that runs the server for root may not pass."""
    programs = cluster.choose(NEWEST, ())
    assert programs
    with cluster.running(programs, superuser="postgres") as url, psycopg.connect(url) as db:
        assert db.execute("select 1").fetchone() == (1,)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root runs it as another user")
@pytest.mark.skipif(not (SYSTEM_15 / "initdb").is_file(), reason="this machine has no packaged server")
def test_without_the_extra_the_user_of_a_packaged_server_passes_it_too(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That user alone: the folder stays closed to all others."""
    for name in clusters.environment():  # what is copied there is another user's
        monkeypatch.delenv(name)
    monkeypatch.setattr("runner.wheel.package", Mock(side_effect=ImportError))
    programs = cluster.choose(15, ())
    assert programs
    assert programs.folder == SYSTEM_15
    with cluster.running(programs, superuser="postgres") as url, psycopg.connect(url) as db:
        assert db.execute("select 1").fetchone() == (1,)
    assert subprocess.run(["ls", closed / "tmp"], user="nobody", capture_output=True, check=False).returncode


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_it_goes_whatever_ends_the_block(each_server: Server, error: type[BaseException] | None) -> None:
    """Dropped after success, an error and Ctrl-C, with somebody still connected to it."""
    with (
        ExitStack() as stack,
        suppress(ValueError, KeyboardInterrupt),
        scratch.scratch_database(each_server.url("postgres"), source="x") as url,
    ):
        stack.enter_context(closing(psycopg.connect(url)))
        assert len(databases(each_server)) == 1
        if error:
            raise error
    assert databases(each_server) == []


def test_it_is_empty_whatever_template1_holds(server: Server) -> None:
    """What an administrator put into template1 is no part of the files."""
    with psycopg.connect(server.url("template1"), autocommit=True) as template:
        template.execute("create table public.everywhere (id int)")
    try:
        with (
            scratch.scratch_database(server.url("postgres"), source="x") as url,
            psycopg.connect(url) as connection,
        ):
            assert connection.execute("select to_regclass('public.everywhere')").fetchone() == (None,)
    finally:
        with psycopg.connect(server.url("template1"), autocommit=True) as template:
            template.execute("drop table public.everywhere")


CREATES = Migration(
    "app", "000", "one", "one.sql", "create role t_made; grant select on public.one to t_named, t_made", ""
)


def roles(url: str) -> dict[str, tuple[bool, bool]]:
    """Return of each role whether it may log in, and whether it is a superuser."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select rolname, rolcanlogin, rolsuper from pg_roles where rolname !~ '^pg_'"
        )
        return {name: (login, superuser) for name, login, superuser in found}


def test_files_never_run_on_the_live_server(each_server: Server) -> None:
    """A private server of the same major version is made, and is gone at the end."""
    live = each_server.url("postgres")
    with scratch.scratch_server(live, source="x", files=[]) as server:
        assert server.source == f"a private PostgreSQL {each_server.version}"
        assert server.url != live
        with psycopg.connect(server.url) as connection:
            assert connection.info.server_version // 10000 == each_server.version
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url)


LOCALES = {
    "libc": "lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8'",
    "icu": "lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8' locale_provider icu icu_locale 'und'",
    "builtin": "lc_collate 'C' lc_ctype 'C' locale_provider builtin builtin_locale 'C.UTF-8'",
}
_LETTERS = "select datcollate, lower('É'), 'a' < 'B' from pg_database where datname = current_database()"


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_letters_are_on_a_private_server_what_they_are_on_the_live_one(
    each_server: Server, locale: str
) -> None:
    """A file that lowers a name, or orders texts, does the same there."""
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as connection:
        try:
            connection.execute(f"create database t_letters template template0 {locale}".encode())
        except psycopg.Error as error:
            pytest.skip(f"this server cannot: {error.diag.message_primary}")
    try:
        live = each_server.url("t_letters")
        with (
            scratch.scratch_server(live, source="x", files=[]) as server,
            scratch.scratch_database(server.url, source="x") as there,
            psycopg.connect(live) as one,
            psycopg.connect(there) as other,
        ):
            assert other.execute(_LETTERS).fetchone() == one.execute(_LETTERS).fetchone()
            assert other.execute("show jit").fetchone() == ("off",), "it takes longer than all the rest"
    finally:
        with psycopg.connect(each_server.url("postgres"), autocommit=True) as connection:
            connection.execute("drop database t_letters with (force)")


def test_a_locale_that_nobody_knows_there_is_left_out() -> None:
    """The live server may be another machine."""
    programs = cluster.choose(NEWEST, ())
    assert programs
    with (
        cluster.running(programs, superuser="postgres") as url,
        database.connect(url, source="x") as connection,
    ):
        alike.speak_alike(connection, "lc_collate 'xx_XX' lc_ctype 'xx_XX'")
        database.create_empty(connection, "still")
        assert database.query(connection, "select from pg_database where datname = 'still'") == [()]


def test_a_killed_run_leaves_no_server(server: Server) -> None:
    """A shell watches over it: it stops when its runner is no more, and the folder goes with it."""
    code = f"""
import os, signal
from runner.schema import scratch
with scratch.scratch_server({server.url("postgres")!r}, source="x", files=[]) as server:
    print(server.url, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    folder = Path(str(psycopg.conninfo.conninfo_to_dict(done.stdout.strip())["host"]))
    assert folder.name.startswith("runner-")
    deadline = time.monotonic() + 10
    while folder.exists():
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.05)


STOPPED = """
import os, signal, sys, threading, time
from runner.schema import cluster
make = cluster._make
def stop(folder):
    while not any(folder.glob("data/base/*")):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.{name})
def stopped(programs, folder, *rest):
    print(folder, flush=True)
    threading.Thread(target=stop, args=(folder,)).start()
    make(programs, folder, *rest)
cluster._make = stopped
with cluster.running(cluster.choose({version}, ()), superuser="postgres"):
    print("too late")
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_run_that_is_stopped_while_the_server_is_made_leaves_nothing(name: str) -> None:
    """What initdb has started ends as well, and only then the folder goes."""
    command = [sys.executable, "-c", STOPPED.format(name=name, version=NEWEST)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    [folder] = map(Path, done.stdout.splitlines())
    deadline = time.monotonic() + 10
    while folder.exists():
        assert time.monotonic() < deadline, "the folder is still there"
        time.sleep(0.05)


FORKING = """
import os, sys, time
from runner.schema import cluster
with cluster.running(cluster.choose(int(sys.argv[1]), ()), superuser="postgres"):
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    began = time.monotonic()
print(time.monotonic() - began)
os.kill(child, 9)
"""


def test_a_fork_of_the_program_does_not_keep_the_server(server: Server) -> None:
    """A worker that a calling program forks meanwhile has the pipe as well, and is not waited for."""
    command = [sys.executable, "-c", FORKING, str(server.version)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
    assert float(done.stdout) < ROOM


def test_roles_and_tablespaces_are_there_first(server: Server) -> None:
    """Those of the live server and those that files name, without login; not those that a file makes."""
    live = server.url("postgres")
    with psycopg.connect(live, autocommit=True) as connection:
        connection.execute("create role t_live login password 'x'")
        connection.execute("create role t_made")
        connection.execute("set allow_in_place_tablespaces = on")
        connection.execute("create tablespace t_space location ''")
    try:
        with scratch.scratch_server(live, source="x", files=[CREATES]) as there:
            found = roles(there.url)
            assert found["t_live"] == found["t_named"] == (False, False)
            assert "t_made" not in found
            with psycopg.connect(there.url, autocommit=True) as connection:
                connection.execute("create table t (id int) tablespace t_space")
    finally:
        with psycopg.connect(live, autocommit=True) as connection:
            connection.execute("drop tablespace t_space")
            connection.execute("drop role t_live, t_made")


def test_a_given_server_speaks_english_to_files(server: Server, server_15: Server) -> None:
    """What it says is read: a rollback that meets a made-up row is not condemned for another language."""
    there = server.url("postgres")
    with psycopg.connect(there, autocommit=True) as admin:
        admin.execute("alter role postgres set lc_messages = 'POSIX'")
        try:
            with (
                scratch.scratch_server(
                    server_15.url("postgres"), source="x", files=[], scratch=there
                ) as given,
                psycopg.connect(given.url) as connection,
            ):
                assert connection.execute("show lc_messages").fetchone() == ("C",)
        finally:
            admin.execute("alter role postgres reset lc_messages")


def test_a_given_server_is_left_as_it_was(server: Server, server_15: Server) -> None:
    """Roles made there are dropped; subscriptions and slots do not keep the database."""
    here, there = server_15.url("postgres"), server.url("postgres")
    before = roles(there)
    with scratch.scratch_server(here, source="x", files=[CREATES], scratch=there) as given:
        assert (given.source, "t_named" in roles(there)) == ("the scratch server", True)
        with (
            scratch.scratch_database(given.url, source="x") as url,
            psycopg.connect(url, autocommit=True) as one,
        ):
            one.execute("create subscription s connection 'dbname=x' publication p with (connect = false)")
    assert roles(there) == before
    assert databases(server) == []


@pytest.mark.parametrize("kind", ["", "superuser"])
def test_a_role_that_is_there_already_runs_the_files(
    tmp_path: Path, server: Server, server_15: Server, kind: str
) -> None:
    """It owns no database, and is given no attribute: it may make schemas and tables in this one."""
    app = make(tmp_path, app={"000_one.sql": "create schema s; create table public.one ();"})
    here, there = server_15.url("t_here"), server.url("postgres")
    with ExitStack() as stack:
        for one in (server_15, server):
            admin = stack.enter_context(closing(psycopg.connect(one.url("postgres"), autocommit=True)))
            admin.execute(f"create role t_there {kind} login".encode())
            stack.callback(admin.execute, "drop role t_there")
            if one is server_15:
                admin.execute("create database t_here")
                stack.callback(admin.execute, "drop database t_here with (force)")
        with closing(psycopg.connect(here, autocommit=True)) as owner:
            owner.execute("grant create on database t_here to t_there")
            owner.execute("grant create on schema public to t_there")
        app.migrate(here.replace("postgres@", "t_there@"))
        before = roles(there)
        done = app.run(CliRunner(), "verify", "--drift", "--scratch", there, APP_URL=here)
        assert (done.exit_code, roles(there) == before) == (0, True), done.output


def test_a_role_that_is_there_already_may_use_the_extensions_too(url: str) -> None:
    """They stand where an administrator of the live server put them, and there it may."""
    with database.connect(url, source="x") as admin:
        database.run(admin, "create schema e; create schema f; create extension vector schema e")
        database.run(admin, "create role t_there")
        try:
            alike.let_make(admin, "t_there")
            asked = "select has_schema_privilege('t_there', s, 'usage') from unnest(array['e', 'f']) as s"
            assert database.query(admin, asked) == [(True,), (False,)]
        finally:
            database.run(admin, "drop owned by t_there; drop role t_there")


REFUSED = {
    "the live one": (18, 18, "", "is the live one"),
    "an older one": (18, 15, "", "is PostgreSQL 15, older than the live one"),
    "a role that may too little": (15, 18, "t_plain", "lets this role not do"),
}


@pytest.mark.parametrize(("live", "given", "role", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_server_that_is_no_good_is_refused(
    request: pytest.FixtureRequest, live: int, given: int, role: str, reason: str
) -> None:
    """Nothing has run there by then."""
    urls = [request.getfixturevalue(f"server_{version}").url("postgres") for version in (live, given)]
    with psycopg.connect(urls[1], autocommit=True) as connection:
        connection.execute("create role t_plain login")
        try:
            there = urls[1].replace("postgres@", f"{role}@") if role else urls[1]
            with (
                pytest.raises(ServerUnusable, match=reason),
                scratch.scratch_server(urls[0], source="x", files=[], scratch=there),
            ):
                pass
        finally:
            connection.execute("drop role t_plain")


def test_an_old_server_is_not_asked_what_it_does_not_know(
    server_15: Server, server_18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer would name a column of a catalog: a version before 15 has no datlocprovider."""
    look, asked = around.look, list[int]()

    def noted(connection: database.Connection) -> around.Around:
        asked.append(connection.info.server_version // 10000)
        return look(connection)

    monkeypatch.setattr(around, "look", noted)
    old, new = server_15.url("postgres"), server_18.url("postgres")
    with pytest.raises(ServerUnusable), scratch.scratch_server(new, source="x", files=[], scratch=old):
        pass
    assert asked == [18]
    monkeypatch.setattr("runner.planning.facts.OLDEST_SERVER", 10**6)
    with (
        pytest.raises(ServerUnusable, match="The server of APP_URL is PostgreSQL 15") as caught,
        scratch.scratch_server(old, source="APP_URL", files=[]),
    ):
        pass
    assert (asked, caught.value.remedy) == ([18], "PostgreSQL 15 or newer is needed.")


def test_without_a_private_server_it_says_what_to_do(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is to install the extra, or to name a server."""
    monkeypatch.setattr(cluster, "_found", lambda: iter(()))
    with (
        pytest.raises(ServerUnusable, match="are not run on the server of APP_URL") as caught,
        scratch.scratch_server(server.url("postgres"), source="APP_URL", files=[]),
    ):
        pass
    assert "RUNNER_SCRATCH_URL" in (caught.value.remedy or "")


def test_the_nearest_version_with_the_extensions_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never an older one; of two that serve alike, the one that prints most alike."""
    have = {15: {"hstore"}, 16: {"vector"}, 18: {"vector"}}
    found = [cluster.Programs(version, Path(), frozenset(names)) for version, names in have.items()]
    monkeypatch.setattr(cluster, "_found", lambda: iter(found))
    asked = [(15, ()), (15, ("hstore",)), (15, ("vector",)), (17, ()), (17, ("hstore",)), (19, ())]
    chosen = [cluster.choose(version, names) for version, names in asked]
    assert [one.version if one else None for one in chosen] == [15, 15, 16, 18, 18, None]


def test_a_server_that_cannot_start_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says at once what its log says; a start has half a minute."""
    monkeypatch.setitem(cluster._SETTINGS, "shared_preload_libraries", "no_such_library")
    programs = cluster.choose(15, ())
    assert programs is not None
    began = time.monotonic()
    with (
        pytest.raises(ServerUnusable, match="does not start") as caught,
        cluster.running(programs, superuser="x"),
    ):
        pass
    assert time.monotonic() - began < cluster._SECONDS / 2
    assert "no_such_library" in "\n".join(caught.value.notes)


def test_a_program_with_many_open_files_has_a_private_server() -> None:
    """Numbers above a thousand are beyond select()."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    programs = cluster.choose(15, ())
    assert programs is not None
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        url = stack.enter_context(cluster.running(programs, superuser="x"))
        assert database.query(stack.enter_context(database.connect(url, source="x")), "select 1") == [(1,)]


@pytest.mark.parametrize("name", ["l" * 150, ".", "com,ma", 'quo"te', "b lank"])
def test_any_temporary_folder_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One too long for a socket, or with a comma, leaves it to the system's own; a relative one is here."""
    (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / name).chmod(0o1777)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", name if name == "." else str(tmp_path / name))
    programs = cluster.choose(15, ())
    assert programs is not None
    with cluster.running(programs, superuser="x") as url, database.connect(url, source="x") as connection:
        assert database.query(connection, "select 1") == [(1,)]


def test_no_temporary_folder_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that may write nowhere gets a sentence, not a traceback."""
    monkeypatch.setattr(tempfile, "mkdtemp", Mock(side_effect=FileNotFoundError(2, "No usable folder")))
    with (
        pytest.raises(ServerUnusable, match="none can be written") as caught,
        cluster.running(Mock(), superuser="postgres"),
    ):
        pass
    assert "TMPDIR" in (caught.value.remedy or "")
