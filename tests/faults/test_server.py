"""The server itself goes down, at once and without a word to anybody, and comes back."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import apply, config, database, planning
from runner.apply.event import Outcome, Started, Working
from runner.database import Access
from runner.errors import CommitUnknown, ConnectionLost, Interrupted, RunnerError, SqlFailed
from runner.model import Before
from tests import servers
from tests.faults.proxy import Fault, Proxy
from tests.faults.stage import PATIENCE, PROMPT, SLEEPY, Witness, files, finished, started, until
from tests.project import make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runner.apply.event import Event
    from tests.project import Project
    from tests.servers import Server


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """Return a server that only these tests use, and that keeps what was committed.

    What is not waited for stays in memory there: no vacuum that commits, no page that is written out, and no
    checkpoint comes by itself and takes it to the log.
    """
    with servers.running(servers.NEWEST) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as db:
            for setting in ("autovacuum = off", "bgwriter_lru_maxpages = 0", "checkpoint_timeout = '1d'"):
                db.execute(f"alter system set {setting}".encode())
        _crash(server)
        with psycopg.connect(server.url("postgres"), autocommit=True) as db:
            db.execute("alter role postgres set synchronous_commit = on")
        yield server


@pytest.fixture
def own_url(own: Server) -> str:
    """Return the URL of an empty database on that server."""
    with psycopg.connect(own.url("postgres"), autocommit=True) as db:
        db.execute("drop database if exists app with (force)")
        db.execute("create database app")
    return own.url("app")


def _crash(server: Server) -> None:
    """End all of the server's processes at once, and start it again: it recovers from its log."""
    data = str(Path(server.host) / "data")
    servers._run(server.version, "pg_ctl", "-w", "-D", data, "-m", "immediate", "restart")


def test_crashed_in_a_file(tmp_path: Path, own: Server, own_url: str) -> None:
    """An immediate restart in a file: exit code 5, nothing of the file remains, the next run converges."""
    app = make(tmp_path, app=files(3) | {"001_t1.sql": SLEEPY.format(n=1)})
    app.migrate(own_url, to=0)
    with started(app, own_url) as process:
        with psycopg.connect(own_url, autocommit=True) as db:
            Witness(db).caught_sleeping(process, "001")
        _crash(own)
        code, output = finished(process)
    assert code == 5, output
    assert "error CONNECTION_LOST" in output
    assert "001_t1.sql" in output
    assert "Traceback" not in output
    with psycopg.connect(own_url, autocommit=True) as db:
        witness = Witness(db)
        assert witness.agree() == ["000"]
        assert witness.lock_is_free()
        app.write("app", files(3))
        witness.converges(app, own_url)


def test_crashed_before_the_commit_arrived(tmp_path: Path, own: Server, own_url: str) -> None:
    """A crash may give a transaction's id to another one: that one's commit is not taken for the file's."""
    app = make(tmp_path, app=files(1) | {"001_nothing.sql": "select 1;"})
    app.migrate(own_url, to=0)
    with Proxy(f"{own.host}/.s.PGSQL.5432") as proxy:
        proxy.plant(Fault.HOLE, when=b"commit;")
        with started(app, proxy.url("app")) as process:
            assert proxy.struck.wait(20)
            _crash(own)
            with psycopg.connect(own_url, autocommit=True) as db:
                for _ in range(50):  # the ids that the crash set free
                    db.execute("comment on database app is 'still here'")
            proxy.cut_now()
            code, output = finished(process)
    assert code == 5, output
    assert "committed and recorded" not in output
    with psycopg.connect(own_url, autocommit=True) as db:
        assert db.execute("select array_agg(version) from public.schema_migrations").fetchone() == (["000"],)
    assert len(app.migrate(own_url)) == 1


# ------------------------------------------------------------------ commits that are not waited for

SLOW, BROKEN = SLEEPY.format(n=4), "create table public.t4 (id int); select 1 / 0;"


@contextmanager
def _unflushed(server: Server) -> Iterator[Callable[[], None]]:
    """Keep the server from writing its log but for a commit that waits; yield what crashes it then."""
    until(lambda: _writer(server))
    writer = _writer(server)
    os.kill(writer, signal.SIGSTOP)

    def crash() -> None:
        os.kill(writer, signal.SIGKILL)  # it takes all others with it
        until(lambda: _writer(server) not in (0, writer), what="the server")

    try:
        yield crash
    finally:
        if _writer(server) == writer:
            os.kill(writer, signal.SIGCONT)


def _writer(server: Server) -> int:
    """Return the process that writes the log now and then, 0 while the server is not there."""
    try:
        with psycopg.connect(server.url("postgres")) as db:
            found = db.execute("select pid from pg_stat_activity where backend_type = 'walwriter'").fetchone()
    except psycopg.OperationalError:
        return 0
    return found[0] if found else 0


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return files of which three go into each message; of the second one only the last commit waits."""
    monkeypatch.setattr("runner.apply.run._MOST", 3)
    monkeypatch.setattr("runner.apply.run._QUICK", 60_000)
    return make(tmp_path, app=files(7))


@pytest.fixture
def _unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody look after a file that takes long: on a busy machine a second is over at once."""
    monkeypatch.setattr("runner.apply.watch._PACE", 60.0)


def _told(app: Project, url: str, then: Callable[[Event], None]) -> tuple[list[str], RunnerError | None]:
    """Migrate, doing ``then`` behind each event; return the versions told, and the error."""
    told = []
    try:
        for event in app.events(url, lock_timeout=120):  # who may wait long is looked at late, if at all
            if isinstance(event, Outcome):
                told.append(event.migration.version)
            then(event)
    except RunnerError as error:
        return told, error
    return told, None


def _told_then_crashed(app: Project, server: Server, url: str) -> tuple[list[str], RunnerError | None]:
    """Migrate, and crash the server then; return the versions told, and the error."""
    with _unflushed(server) as crash:
        found = _told(app, url, lambda _: None)
        crash()
    return found


def _once_committed(url: str, do: Callable[[], None]) -> Callable[[Event], None]:
    """Return what does something once, as soon as the first commit that is not waited for is there."""

    def wait() -> None:
        until(lambda: _recorded(url)[-1:] == ["003"])
        do()

    def then(event: Event) -> None:
        if isinstance(event, Started) and event.migration.number == 3:
            threading.Thread(target=wait).start()

    return then


def _recorded(url: str) -> list[str]:
    with psycopg.connect(url, autocommit=True) as db:
        return Witness(db).agree()


def test_all_that_a_message_brought_is_told_and_durable(quick: Project, own: Server, own_url: str) -> None:
    """Its last commit is waited for, and no earlier one needs to be."""
    told, error = _told_then_crashed(quick, own, own_url)
    assert (told, error) == (_recorded(own_url), None)
    assert len(told) == 7


@pytest.mark.usefixtures("_unwatched")
def test_what_was_not_told_may_be_lost_in_a_crash(quick: Project, own: Server, own_url: str) -> None:
    """A commit that nothing waits for goes with the crash, objects and row alike; nobody was told of it."""
    quick.write("app", {"004_t4.sql": SLOW})
    with _unflushed(own) as crash:
        told, error = _told(quick, own_url, _once_committed(own_url, crash))
    assert isinstance(error, ConnectionLost)
    assert told == _recorded(own_url) == ["000", "001", "002"]


def test_a_file_that_takes_long_keeps_nothing_back(quick: Project, own: Server, own_url: str) -> None:
    """What is behind it is made durable meanwhile, and told; a crash takes nothing of it."""
    quick.write("app", {"004_t4.sql": SLOW})

    def then(event: Event) -> None:
        if isinstance(event, Started) and event.migration.number == 4:
            crash()

    with _unflushed(own) as crash:
        began = time.monotonic()
        told, error = _told(quick, own_url, then)
    assert isinstance(error, ConnectionLost)
    assert told == _recorded(own_url) == ["000", "001", "002", "003"]
    assert time.monotonic() - began < 10


def test_an_error_keeps_nothing_back(quick: Project, own: Server, own_url: str) -> None:
    """What was committed before it is told, and durable."""
    quick.write("app", {"004_t4.sql": BROKEN})
    told, error = _told_then_crashed(quick, own, own_url)
    assert isinstance(error, SqlFailed)
    assert "004_t4.sql" in error.message
    assert told == _recorded(own_url) == ["000", "001", "002", "003"]


@pytest.mark.usefixtures("_unwatched")
def test_the_servers_time_limit_keeps_nothing_back(quick: Project, own: Server, own_url: str) -> None:
    """It ends the session with the transaction: another one makes durable what was committed."""
    quick.write("app", {"004_t4.sql": SLOW})
    with psycopg.connect(own_url, autocommit=True) as db:
        db.execute("alter database app set transaction_timeout = '2s'")
    told, error = _told_then_crashed(quick, own, own_url)
    assert isinstance(error, SqlFailed)
    assert "transaction_timeout" in str(error.remedy)
    assert told == _recorded(own_url) == ["000", "001", "002", "003"]


def test_a_ctrl_c_keeps_nothing_back(quick: Project, own: Server, own_url: str) -> None:
    """What is committed is told, and durable; the file at hand is rolled back."""
    quick.write("app", {"004_t4.sql": SLOW})
    stop = threading.Event()
    with _unflushed(own) as crash:
        with database.heeding(database.interruption(stop)):
            told, error = _told(quick, own_url, _once_committed(own_url, stop.set))
        crash()
    assert isinstance(error, Interrupted)
    assert "004_t4.sql" in error.message
    assert told == _recorded(own_url) == ["000", "001", "002", "003"]


def test_a_lost_connection_keeps_nothing_back(quick: Project, own: Server, own_url: str) -> None:
    """What another session finds committed is told, and durable."""
    quick.write("app", {"004_t4.sql": SLOW})
    with _unflushed(own) as crash:
        with Proxy(f"{own.host}/.s.PGSQL.5432") as proxy:
            told, error = _told(quick, proxy.url("app"), _once_committed(own_url, proxy.cut_now))
        crash()
    assert isinstance(error, ConnectionLost)
    assert told == _recorded(own_url) == ["000", "001", "002", "003"]


@pytest.mark.usefixtures("_unwatched")
def test_a_ctrl_c_does_not_wait_for_a_standby_that_is_gone(quick: Project, own: Server, own_url: str) -> None:
    """Then nobody knows whether what is committed here is durable, and the run says so, soon."""
    quick.write("app", {"004_t4.sql": SLOW})
    stop, pressed = threading.Event(), []

    def press() -> None:
        _await_standby(own, "nobody")
        pressed.append(time.monotonic())
        stop.set()

    try:
        with database.heeding(database.interruption(stop)):
            told, error = _told(quick, own_url, _once_committed(own_url, press))
        took = time.monotonic() - pressed[0]
    finally:
        _await_standby(own, "")
    assert isinstance(error, CommitUnknown)
    assert told == ["000", "001", "002"]
    assert _recorded(own_url) == ["000", "001", "002", "003"]
    assert took < 1 + PROMPT


def test_a_ctrl_c_while_one_file_waits_for_a_standby_tells_of_no_commit(
    quick: Project, own: Server, own_url: str
) -> None:
    """It ends that wait as well, and the server goes on as if all were well."""
    stop = threading.Event()

    def press() -> None:
        _until_one_waits(own)
        stop.set()

    quick.migrate(own_url, to=0)
    _await_standby(own, "nobody")
    presser = threading.Thread(target=press)
    try:
        presser.start()
        with database.heeding(database.interruption(stop)), pytest.raises(CommitUnknown):
            quick.migrate(own_url, to=1)
    finally:
        _await_standby(own, "")
        presser.join()
    assert _recorded(own_url) == ["000", "001"]


def _until_one_waits(own: Server) -> None:
    """Return when a session waits for a standby, or when nobody can expect that any more."""
    waits = "select from pg_stat_activity where wait_event = 'SyncRep'"
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(own.url("postgres"), autocommit=True) as db:
        while not db.execute(waits).rowcount and time.monotonic() < deadline:
            time.sleep(0.01)


def _pressed(own: Server, stop: threading.Event) -> None:
    """Set ``stop`` a moment after a session began to wait for a standby."""
    _until_one_waits(own)
    time.sleep(2.5)  # until the wait was told of
    stop.set()


@contextmanager
def _lonely(own: Server) -> Iterator[threading.Event]:
    """Let commits wait for a standby that is not there; the event is set when one has waited for long."""
    stop = threading.Event()
    presser = threading.Thread(target=_pressed, args=(own, stop))
    _await_standby(own, "nobody")
    try:
        presser.start()
        with database.heeding(database.interruption(stop)):
            yield stop
    finally:
        _await_standby(own, "")
        presser.join()


def _hear(events: Iterable[Event], told: list[str]) -> None:
    """Note what the server is said to be doing."""
    for event in events:
        told += [str(event.activity)] if isinstance(event, Working) else []


@pytest.mark.parametrize("first", [True, False], ids=["ledger is made", "ledger is there"])
@pytest.mark.parametrize(
    "sql", ["-- runner: no-transaction\nselect 1;\n", "select 1;\n"], ids=["alone", "two"]
)
def test_the_wait_for_a_standby_is_told(
    tmp_path: Path, own: Server, own_url: str, sql: str, first: bool
) -> None:
    """Whatever waits for it, and however many files the message has; nobody is left without a word."""
    app = make(tmp_path, app={"000_a.sql": "select 0;", "001_b.sql": sql, "002_c.sql": "select 2;"})
    if first:
        app.write("app", {"000_a.sql": sql})
    else:
        app.migrate(own_url, to=0)
    told: list[str] = []
    with _lonely(own), pytest.raises((CommitUnknown, KeyboardInterrupt)):
        _hear(app.events(own_url), told)
    assert {"IPC SyncRep", "what is committed is not durable yet"} & {*told}, told


def test_ctrl_c_while_a_file_outside_any_transaction_waits_to_be_recorded(
    tmp_path: Path, own: Server, own_url: str
) -> None:
    """The record is there, but may get lost: nobody is told that nothing is applied."""
    wait = "select pg_sleep(4);\n"
    app = make(tmp_path, app={"000_a.sql": "select 0;", "001_b.sql": f"-- runner: no-transaction\n{wait}"})
    app.migrate(own_url, to=0)
    events, told = app.events(own_url), [""]
    while "PgSleep" not in told[-1]:
        _hear([next(events)], told)
    with _lonely(own), pytest.raises(CommitUnknown, match=re.escape("app/001_b.sql")):
        _hear(events, told)
    assert told[-1] == "IPC SyncRep"
    with psycopg.connect(own_url) as db:
        assert db.execute("select running from public.schema_migrations").fetchall() == [(False,), (False,)]


def test_another_server_that_lacks_what_was_committed(tmp_path: Path, own: Server, own_url: str) -> None:
    """It has taken over: that is said, and no file is called applied there or lost alone."""
    ends = "select pg_terminate_backend(pg_backend_pid());"
    app = make(tmp_path, app={"000_a.sql": "select 0;", "001_b.sql": ends})
    app.migrate(own_url, to=0)
    loaded = config.load(app.file)
    [*_, second] = planning.read(loaded, loaded.series)["app"]
    with database.connect(own_url, source="x") as connection:
        access = Access(connection, lambda: database.connect(own.url("postgres"), source="x"))
        with pytest.raises(ConnectionLost, match="has no record of app 000"):
            list(apply.apply(access, [second], Before(has_ledger=True, version="000")))


def _await_standby(server: Server, name: str) -> None:
    """Let commits wait for this standby, or for none: from the return of this function on, they do."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as db:
        db.execute(f"alter system set synchronous_standby_names = '{name}'".encode())
        db.execute("select pg_reload_conf()")
    until(lambda: _commits_wait(server) == bool(name), what="the new setting")


def _commits_wait(server: Server) -> bool:
    """Tell whether a commit waits for a standby: the server's processes hear of a setting one by one."""
    with (
        closing(psycopg.connect(server.url("postgres"))) as one,
        psycopg.connect(server.url("postgres"), autocommit=True) as other,
    ):
        one.pgconn.send_query(b"comment on database postgres is 'a commit'")
        waits = f"select from pg_stat_activity where wait_event = 'SyncRep' and pid = {one.info.backend_pid}"
        until(lambda: other.execute(waits.encode()).rowcount or _is_answered(one), what="its end")
        found = other.execute(waits.encode()).rowcount > 0
        other.execute("select pg_terminate_backend(%s, 5000)", (one.info.backend_pid,))
    return found


def _is_answered(db: psycopg.Connection) -> bool:
    db.pgconn.consume_input()
    return not db.pgconn.is_busy()
