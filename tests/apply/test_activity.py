"""What the server says of a session at work, and how that reads."""

from __future__ import annotations

import re
import threading
import time
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database, ledger
from runner.apply import activity, blockers
from runner.apply.event import Activity, age, application
from runner.errors import LockHeld
from runner.ledger import holders
from tests.faults import bad
from tests.locks.conftest import migration
from tests.project import TWO, make
from tests.servers import NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.database import Connection

SECONDS = 20  # a busy machine takes its time


def until(found: Callable[[], Activity], is_it: Callable[[Activity], bool]) -> Activity:
    """Return what is found as soon as it is so."""
    deadline = time.monotonic() + SECONDS
    while not is_it(one := found()):
        assert time.monotonic() < deadline, one
        time.sleep(0.02)
    return one


@contextmanager
def sending(url: str, text: str) -> Iterator[int]:
    """Send a message on a connection of its own; yield its pid, and cancel it at the end."""
    with database.connect(url, source="x", application="runner:app/001_x.sql") as connection:
        thread = threading.Thread(target=database.send, args=(connection, text))
        thread.start()
        try:
            yield connection.info.backend_pid
        finally:
            connection.cancel_safe()
            thread.join()
            database.roll_back(connection)


@pytest.fixture
def observer(each_url: str) -> Iterator[Connection]:
    """Return another connection, to a database with a table."""
    with database.connect(each_url, source="x") as connection:
        database.run(connection, "create table public.busy (id int); insert into public.busy values (1)")
        yield connection


def of(observer: Connection, pid: int) -> Callable[[], Activity]:
    """Return what asks for the activity of a session."""
    return lambda: activity.of(observer, pid, applications=["runner:nobody"])[1]


END = "the end of a transaction"
WAITS = [
    (
        "lock table public.busy",
        "alter table public.busy add n int",
        "an access exclusive lock on public.busy",
    ),
    (
        "lock table public.busy in share mode",
        "delete from public.busy",
        "a row exclusive lock on public.busy",
    ),
    ("update public.busy set id = 2", "update public.busy set id = 3", END),
    ("delete from public.busy", "create index concurrently i on public.busy (id)", END),
    ("select pg_advisory_lock(7)", "select pg_advisory_lock(7)", "an advisory lock"),
    ("alter role postgres set work_mem = 65", "alter role postgres set work_mem = 66", END),
]


@pytest.mark.parametrize(("first", "second", "wants"), WAITS)
def test_the_wanted_lock_and_its_holder_are_named(
    each_url: str, observer: Connection, first: str, second: str, wants: str
) -> None:
    """Pid, user, application, state, age, query, and the statement that ends it."""
    with psycopg.connect(each_url, application_name="report") as holder:
        holder.execute(first.encode())
        with sending(each_url, second) as pid:
            found = until(of(observer, pid), lambda one: bool(one.blockers))
            assert found.wants == wants
            [blocker] = found.blockers
            assert blocker[:5] == (
                holder.info.backend_pid, "postgres", "report", "local", "idle in transaction",
            )  # fmt: skip
            assert f"waits for {wants} " in str(found)
            assert f"pid {blocker.pid} (postgres, report, idle in transaction for " in str(found)
            line = blockers.blocked(blocker)
            assert line.startswith(
                f"blocked by pid {blocker.pid}: user postgres, application report, client local, "
            )
            assert f"idle in transaction for 00:00:0{blocker.seconds}, query: " in line
            assert line.endswith(f"-- to end it: select pg_terminate_backend({blocker.pid});")
        holder.rollback()


def test_texts_in_the_query_of_another_are_hidden(each_url: str, observer: Connection) -> None:
    """They may be of rows."""
    with psycopg.connect(each_url) as holder:
        holder.execute("lock table public.busy; select 'secret'")
        with sending(each_url, "begin; lock table public.busy") as pid:
            [blocker] = until(of(observer, pid), lambda one: bool(one.blockers)).blockers
            assert blocker.query == "lock table public.busy; select '…'"
        holder.rollback()


# Twenty thousand rows, for which a session with a pause of a millisecond needs half a minute.
ROWS = """
    insert into public.busy select generate_series(1, 20000);
    create function public.slow(id int) returns int language plpgsql immutable as
        'begin perform pg_sleep(current_setting(''app.pause'')::float8); return id; end';
    set app.pause = 0;
    create index by_id on public.busy (id);
    create index slowly on public.busy (public.slow(id))
"""
TASKS = [
    ("create index on public.busy (public.slow(id))", "create index on public.busy: building index: "),
    ("vacuum full public.busy", "vacuum full on public.busy: "),
    ("cluster public.busy using by_id", "cluster on public.busy: "),
]


def _is_at(phase: str, one: Activity) -> bool:
    return str(one.phase).startswith(phase)


def test_progress_is_read_with_its_percentage(each_url: str, observer: Connection) -> None:
    """Of builds and rewrites, which are slowed down and cancelled as soon as all was seen."""
    database.run(observer, ROWS)
    for task, phase in TASKS:
        with sending(f"{each_url}&options=-c%20app.pause%3D0.001", task) as pid:
            found = until(of(observer, pid), partial(_is_at, phase))  # a build initializes for a moment
            assert str(found.phase).startswith(phase)
            if "using" not in task:  # along an index nobody counts
                found = until(of(observer, pid), lambda one: bool(one.percent))
                assert 0 < (found.percent or 0) <= 100
                assert f", {found.percent}%" in str(found)


def test_what_a_session_waits_for_without_a_lock_is_told(each_url: str, observer: Connection) -> None:
    """In PostgreSQL's own words."""
    with sending(each_url, "select pg_sleep(60)") as pid:
        until(of(observer, pid), lambda one: str(one) == "Timeout PgSleep")


def test_behind_a_pooler_the_name_of_the_session_counts(each_url: str, observer: Connection) -> None:
    """The pid that the client knows is none of the server's."""
    with sending(each_url, "select pg_sleep(60)"):
        find = lambda: activity.of(observer, -1, applications=["runner:app/001_x.sql"])[1]  # noqa: E731 - asked over and over
        until(find, lambda one: one.wait == "Timeout PgSleep")
    assert activity.of(observer, -1, applications=["runner:nobody"]) == (None, Activity())


def test_a_long_name_is_asked_for_as_the_server_shows_it(each_url: str, observer: Connection) -> None:
    """It shows sixty-three bytes of a name, and says so in a notice to whoever gives it more."""
    file = migration("select 1;", 1)._replace(path=f"app/001_{'long_' * 12}.sql")
    with database.connect(each_url, source="x", application=f"runner:{file.path}"):
        assert activity.of(observer, -1, applications=[application(file)])[0] == application(file)


def test_a_role_without_rights_says_nothing_false(each_url: str, observer: Connection) -> None:
    """It sees who holds the lock, not what he does."""
    database.run(observer, "create role looker login; grant select on public.busy to looker")
    try:
        with psycopg.connect(each_url) as holder, psycopg.connect(each_url, user="looker") as looker:
            holder.execute("lock table public.busy")
            looker.autocommit = True
            with sending(each_url, "begin; lock table public.busy") as pid:
                found = until(of(looker, pid), lambda one: bool(one.blockers))
            who = f"pid {holder.info.backend_pid} (postgres)"
            assert str(found) == f"waits for an access exclusive lock on public.busy held by {who}"
            assert "state hidden from this role -- to end it" in blockers.blocked(found.blockers[0])
            assert "None" not in blockers.blocked(found.blockers[0])
            holder.rollback()
    finally:
        database.run(observer, "drop owned by looker; drop role looker")


@pytest.mark.parametrize(("rights", "who"), [("", "looker"), ("in role pg_read_all_stats", "postgres")])
def test_what_the_login_or_the_role_it_works_as_may_see_is_told(
    each_url: str, observer: Connection, rights: str, who: str
) -> None:
    """Neither inherits what the other may; the session works on as before."""
    roles = f"create role worker {rights}; create role looker login noinherit in role worker;"
    database.run(observer, f"{roles} grant all on public.busy to looker")
    try:
        with (
            psycopg.connect(each_url, user=who) as holder,
            psycopg.connect(each_url, user="looker", options="-c role=worker", autocommit=True) as looker,
        ):
            holder.execute("lock table public.busy")
            with sending(each_url, "begin; lock table public.busy") as pid:
                found = until(of(looker, pid), lambda one: bool(one.blockers))
            assert found.blockers[0][:5] == (holder.info.backend_pid, who, "", "local", "idle in transaction")
            assert looker.execute("select current_user").fetchone() == ("worker",)
            holder.rollback()
    finally:
        database.run(observer, "drop owned by looker; drop role looker; drop role worker")


@pytest.mark.parametrize(
    ("rights", "who", "how"),
    [
        ("", "looker", "to end it"),
        ("", "worker", "to end it, as an administrator"),
        ("in role worker", "worker", "to end it"),
        ("in role worker noinherit", "worker", "to end it, as an administrator"),
        ("in role pg_signal_backend", "worker", "to end it"),
        ("in role pg_signal_backend", "postgres", "to end it, as an administrator"),
        ("superuser", "postgres", "to end it"),
    ],
)
def test_who_may_not_end_a_session_is_told_who_can(
    each_url: str, observer: Connection, rights: str, who: str, how: str
) -> None:
    """The server takes the printed statement from the login, or refuses it, as the line says."""
    roles = f"create role worker login; create role looker login {rights};"
    database.run(observer, f"{roles} grant all on public.busy to worker, looker")
    try:
        with (
            closing(psycopg.connect(each_url, user=who)) as holder,
            psycopg.connect(each_url, user="looker", autocommit=True) as looker,
        ):
            holder.execute("lock table public.busy")
            with sending(each_url, "begin; lock table public.busy") as pid:
                [blocker] = until(of(looker, pid), lambda one: bool(one.blockers)).blockers
                [note] = holders.kept(looker, table="public.busy").notes
            for line in (blockers.blocked(blocker), note):
                assert line.endswith(f" -- {how}: select pg_terminate_backend({blocker.pid});")
            if how == "to end it":
                assert looker.execute(line.rpartition(": ")[2].encode()).fetchone() == (True,)
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    looker.execute(line.rpartition(": ")[2].encode())
    finally:
        database.run(observer, "drop owned by looker, worker; drop role looker, worker")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119.6, "120 s"), (180, "3 min"), (7200, "2 h"), (3 * 86400, "3 days")]
)
def test_ages_are_short(seconds: float, text: str) -> None:
    """In the largest unit that says something."""
    assert age(seconds) == text


def test_a_prepared_transaction_is_named() -> None:
    """It is no session; its name ends it."""
    with bad.started(NEWEST, "max_prepared_transactions=2") as server:
        url = server.url("postgres")
        with database.connect(url, source="x") as db:
            database.run(db, "create table public.busy (id int)")
            database.run(db, "begin; lock table public.busy; prepare transaction 'two-phase'")
            with sending(url, "begin; lock table public.busy") as pid:
                found = until(of(db, pid), lambda one: bool(one.blockers))
            assert re.search(
                r"held by the prepared transaction two-phase \(postgres for \d+ s\)$", str(found)
            )
            assert blockers.blocked(found.blockers[0]).endswith("to end it: rollback prepared 'two-phase';")
            database.run(db, "create role looker login")
            with psycopg.connect(url, user="looker", autocommit=True) as looker:
                [note] = holders.kept(looker, table="public.busy").notes
                with sending(url, "begin; lock table public.busy") as pid:
                    [blocker] = until(of(looker, pid), lambda one: bool(one.blockers)).blockers
                for line in (blockers.blocked(blocker), note):
                    assert line.endswith(" -- to end it, as an administrator: rollback prepared 'two-phase';")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    looker.execute("rollback prepared 'two-phase'")
            database.run(db, "rollback prepared 'two-phase'")


def test_a_prepared_transaction_that_holds_the_lock_of_the_runners_is_named(tmp_path: Path) -> None:
    """It never has finished by itself: who waits, looks, or records without running is told how to end it."""
    app = make(tmp_path, app=TWO)
    with bad.started(NEWEST, "max_prepared_transactions=2") as server:
        url = server.url("postgres")
        with database.connect(url, source="x") as db:
            key = "hashtextextended('public.schema_migrations', 0)"
            database.run(db, f"begin; select pg_advisory_xact_lock({key}); prepare transaction 'it''s'")
            [(session, doing)] = activity.holders(db)
            assert str(session).startswith("the prepared transaction it's (postgres for ")
            assert not session.may_be_at("000_one")
            with pytest.raises(LockHeld) as caught:
                list(app.events(url, wait_lock=0))
            with pytest.raises(LockHeld) as refused:
                ledger.baseline(db, ())
            for error in (caught.value, refused.value):
                assert error.message.startswith(
                    "A prepared transaction holds the lock of the runners on this"
                )
                assert (
                    error.remedy == "It stays until somebody ends it: ask whose it is, end it, and run again."
                )
                assert error.notes[0].startswith("held by the prepared transaction it's")
                assert error.notes[0].endswith(" -- to end it: rollback prepared 'it''s';")
            assert blockers.held(session, doing) in caught.value.notes
            database.run(db, "create role looker login")
            with psycopg.connect(url, user="looker", autocommit=True) as looker:
                [(session, doing)] = activity.holders(looker)
                assert " -- to end it, as an administrator: rollback" in blockers.held(session, doing)
                with pytest.raises(LockHeld) as refused:
                    ledger.baseline(looker, ())
            assert " -- to end it, as an administrator: rollback" in refused.value.notes[0]
            database.run(db, caught.value.notes[0].partition("to end it: ")[2])
            assert len(app.migrate(url)) == len(TWO)


MANY = "insert into public.busy select generate_series(1, 20000);"
SLOWLY = """
    create function public.slowly() returns trigger language plpgsql as
        'begin perform pg_sleep(0.05); return new; end';
    create trigger slowly before insert on public.busy for each row execute function public.slowly()
"""
PROGRESS = {
    "vacuum public.busy": (MANY, "vacuum on public.busy: scanning heap, [1-9]\\d?%"),
    "analyze public.busy": (MANY, "analyze on public.busy: acquiring sample rows, [1-9]\\d?%"),
    "copy public.busy from program 'seq 1000'": (SLOWLY, "copy from on public.busy: [1-9]\\d* rows"),
}


@pytest.mark.parametrize("text", PROGRESS)
def test_progress_is_told_of_whatever_the_server_counts(observer: Connection, text: str) -> None:
    """Table, phase and percent of vacuum and analyze, slowed down by their cost, and the rows of a copy."""
    before, said = PROGRESS[text]
    database.run(observer, before)
    url = f"{observer.info.dsn} options='-c vacuum_cost_delay=100 -c vacuum_cost_limit=1'"
    with sending(url, text) as pid:
        found = until(of(observer, pid), lambda one: re.search(said, str(one)) is not None)
    assert found.blockers == ()
