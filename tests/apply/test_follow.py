"""What is told of files whose commits were not waited for, one by one."""

from __future__ import annotations

import threading
import time
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

import psycopg
import pytest

from runner import database, ledger
from runner.apply import envelope, fate, follow
from runner.apply.course import Course
from runner.apply.event import Noticed, Outcome, Started, Working
from runner.database import Access
from runner.errors import CannotConnect, ConnectionLost, LockTimeout, RunnerError, SqlFailed
from runner.model import Before
from tests.locks.conftest import migration
from tests.project import make, tables, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.apply.run import Run
    from runner.apply.watch import Watch
    from runner.model import Applied
    from tests.project import Project

LOSE = """
    select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'runner:app/013%'
"""

# A file that waits, a minute at most, for a lock: somebody holds it until he has seen the file at work.
GATED = """
    do $$ begin
        for n in 1..1200 loop
            exit when pg_try_advisory_xact_lock({});
            perform pg_sleep(0.05);
        end loop;
        raise notice 'here';
    end $$;
"""


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let three files go into each message; return of which commits each message waits, a letter each."""
    monkeypatch.setattr("runner.apply.run._MOST", 3)
    monkeypatch.setattr("runner.apply.run._QUICK", 1000)  # a busy machine takes its time
    found: list[str] = []
    write = envelope.message

    def noted(*given: Any, **options: Any) -> tuple[bytes, list[int]]:  # noqa: ANN401 - passed on
        text, starts = write(*given, **options)
        parts = text.split(b"commit;")[:-1]
        found.append("".join("-" if b"synchronous_commit = off" in part else "w" for part in parts))
        return text, starts

    monkeypatch.setattr("runner.apply.envelope.message", noted)
    return found


def _lose(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(LOSE)


def _until_told(app: Project, url: str, last: int, bring: Callable[[], None]) -> Iterator[int]:
    """Yield which files are told as committed; bring it to an end behind the last one."""
    for event in app.events(url):
        if isinstance(event, Outcome):
            yield event.migration.number
            if event.migration.number == last:
                bring()


def _refuse() -> NoReturn:
    raise CannotConnect("There is no room.", remedy="Come later.")


def test_behind_quick_files_only_the_last_commit_of_a_message_is_waited_for(
    tmp_path: Path, url: str, waited: list[str]
) -> None:
    """Where there is a history, its next message shows how long files take here."""
    app = make(tmp_path, app=tables(8))
    app.migrate(url, to=0)
    waited.clear()
    assert told(list(app.events(url))) == [*range(1, 8)]
    assert waited == ["www", "--w", "w"]


def test_a_history_that_begins_is_quick(tmp_path: Path, url: str, waited: list[str]) -> None:
    """Its files find an empty database, and nobody waits for each of their commits."""
    app = make(tmp_path, app=tables(5))
    assert told(list(app.events(url))) == [*range(5)]
    assert waited == ["--w", "-w"]


def test_behind_files_that_take_their_time_each_commit_is_waited_for(
    tmp_path: Path, url: str, waited: list[str]
) -> None:
    """One of them is enough; as soon as all are quick, it is over."""
    app = make(tmp_path, app=tables(9, t1="select pg_sleep(1.01);"))
    assert told(list(app.events(url))) == [*range(9)]
    assert waited == ["--w", "www", "--w"]


def test_to_tell_of_what_is_committed_takes_no_right_but_to_read(
    tmp_path: Path, plain_url: str, each_url: str
) -> None:
    """An owner may have taken from himself the right to update, also of all tables to come."""
    app = make(tmp_path, app=tables(25, t20="select 1 / 0;"))
    seen: list[int] = []
    with psycopg.connect(each_url, autocommit=True) as admin:
        admin.execute(
            'alter default privileges for role "Plain-role" revoke update on tables from "Plain-role"'
        )
    with pytest.raises(SqlFailed, match=r"020_t20\.sql"):
        seen.extend(event.migration.number for event in app.events(plain_url) if isinstance(event, Outcome))
    assert seen == [*range(20)]


def test_what_is_made_durable_is_in_the_log(tmp_path: Path, each_url: str) -> None:
    """All of it, and on the disk: no commit before has waited for that."""
    make(tmp_path, app=tables(1)).migrate(each_url)
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute(f"alter database {db.info.dbname} set synchronous_commit = on".encode())
        with database.connect(each_url, source="x") as connection:
            ledger.read(connection, series="app")  # so that it looks no more into the catalogs
            db.execute("insert into public.t0 values (1)")
            [(written,)] = db.execute("select pg_current_wal_insert_lsn()")
            assert ledger.make_durable(connection, series="app", version="000")
            assert db.execute("select pg_current_wal_flush_lsn() >= %s", [written]).fetchone() == (True,)
            assert not ledger.make_durable(connection, series="app", version="001")


def test_what_a_crash_has_taken_before_it_was_durable_is_not_told(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says of it that it is committed, and comes back without it."""

    def crash(connection: database.Connection, **_: str) -> bool:
        database.run(connection, "delete from public.schema_migrations")
        return False

    monkeypatch.setattr("runner.ledger.make_durable", crash)
    events: list[object] = []
    with pytest.raises(ConnectionLost):
        events.extend(make(tmp_path, app=tables(3, t2="select 1 / 0;")).events(url))
    assert [event for event in events if isinstance(event, Outcome)] == []


@pytest.mark.parametrize("is_open", [True, False])
def test_behind_a_lost_connection_what_is_recorded_is_durable(
    tmp_path: Path, each_url: str, monkeypatch: pytest.MonkeyPatch, *, is_open: bool
) -> None:
    """It is waited for, on a server that takes changes; what is merely begun is not recorded."""
    make(tmp_path, app=tables(3)).migrate(each_url)
    connect = partial(database.connect, each_url, source="x")
    modes: list[tuple[str]] = []
    waits: list[str] = []
    read = ledger.read
    with connect() as connection:
        database.run(connection, "update public.schema_migrations set running = true where version = '001'")
        run = SimpleNamespace(
            at_hand=migration("select 1"), before=Before(has_ledger=True), access=Access(connection, connect)
        )

        def noted(connection: database.Connection, **_: str) -> tuple[Applied, ...] | None:
            modes.extend(database.query(connection, "show transaction_read_only"))
            return read(connection, series="app")

        monkeypatch.setattr("runner.ledger.read", noted)
        monkeypatch.setattr("runner.ledger.make_durable", lambda *_, series, **__: waits.append(series))
        rows = fate.recorded(cast("Run", run), OSError(), pid=0, is_open=is_open)
    assert (sorted(rows), len(waits), modes) == (["000", "002"], is_open, [("off",)])


def test_all_is_told_in_its_order(tmp_path: Path, url: str, waited: list[str]) -> None:
    """That a file began, that it is committed, and what the server said of it."""
    notice = "do $$ begin raise notice 'here'; end $$;"
    app = make(tmp_path, app=tables(7, t4=notice))
    kinds = [type(event) for event in app.events(url)]
    assert kinds == [Started, Outcome] * 5 + [Noticed] + [Started, Outcome] * 2
    assert waited == ["--w", "--w", "w"]


@pytest.mark.usefixtures("waited")
def test_files_one_behind_the_other_are_told_before_the_message_is_done(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is quick, together they are not: what is committed is made durable meanwhile."""
    monkeypatch.setattr("runner.apply.run._MOST", 12)
    for pace in (0.2, 1.5):  # a busy machine may look too late, which is tried again with more time
        monkeypatch.setattr("runner.apply.watch._PACE", pace)
        text = f"create table public.t{{}} (id int); select pg_sleep({0.45 * pace});"
        app = make(tmp_path / str(pace), app=tables(24, **{f"t{n}": text.format(n) for n in range(12, 24)}))
        times = {
            event.migration.number: time.monotonic()
            for event in app.events(url)
            if isinstance(event, Outcome)
        }
        if is_early := times[23] - times[12] > 1.5 * pace:
            break
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("drop schema public cascade; create schema public")
    assert is_early


@pytest.mark.usefixtures("waited")
def test_without_a_second_connection_all_is_told_at_the_end(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is told of the file at hand before those that came before it."""
    monkeypatch.setattr(Access, "reconnect", staticmethod(_refuse))
    app = make(tmp_path, app=tables(6, t4="select pg_sleep(1.6);"))
    events = list(app.events(url))
    assert [type(event) for event in events if not isinstance(event, Working)] == [Started, Outcome] * 6
    for before, event in pairwise(events):
        assert not isinstance(event, Working) or event.migration is before.migration


@pytest.mark.parametrize("longer", ["", "a_name_of_which_the_server_shows_sixty_three_letters_"])
def test_a_slow_file_keeps_back_nothing_that_the_server_has_not_said(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, longer: str
) -> None:
    """It is seen at that file: what comes before is made durable, and told with the time the ledger has."""
    monkeypatch.setattr("runner.apply.run._MOST", 8)
    files = tables(16, t13=GATED.format(1), t12="select pg_sleep(0.02);")
    app = make(tmp_path, app={name.replace("_t", f"_{longer}t"): text for name, text in files.items()})
    times: dict[int, int | None] = {}
    is_open = False
    with psycopg.connect(url, autocommit=True) as gate:
        gate.execute("select pg_advisory_lock(1)")
        for event in app.events(url):
            if isinstance(event, Outcome):
                times[event.migration.number] = event.ms
            if isinstance(event, Working) and event.migration.number == 13 and list(times) == [*range(13)]:
                gate.execute("select pg_advisory_unlock_all()")
                is_open = True
    assert is_open, "nothing was told while it was at work"
    assert list(times) == [*range(16)]
    assert (times[12] or 0) >= 20


def test_a_slow_file_that_says_something_is_told_of_on(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its notice comes what the server had kept to itself, which holds nothing up any more."""
    monkeypatch.setattr("runner.apply.run._MOST", 8)
    app = make(tmp_path, app=tables(16, t13=GATED.format(1) + GATED.format(2)))
    times: list[float] = []
    is_heard = False  # to begin
    with psycopg.connect(url, autocommit=True) as gates:
        gates.execute("select pg_advisory_lock(1), pg_advisory_lock(2)")
        for event in app.events(url):
            if isinstance(event, Working) and event.migration.number == 13:
                times.append(event.seconds)
                is_heard = any(later < before for before, later in pairwise(times))
                gates.execute("select pg_advisory_unlock(%s)", [1 + is_heard])
    assert is_heard, times


@pytest.mark.parametrize("end", ["lost", "Ctrl-C"])
def test_what_was_told_before_it_was_heard_is_told_once(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Also when the file at hand comes to a bad end; the error names that file."""
    monkeypatch.setattr("runner.apply.run._MOST", 8)
    app = make(tmp_path, app=tables(16, t13="select pg_sleep(60);"))
    seen: list[int] = []
    stop = threading.Event()
    bring = {"Ctrl-C": stop.set, "lost": lambda: _lose(url)}[end]
    with database.heeding(database.interruption(stop)), pytest.raises(RunnerError, match=r"013_t13\.sql"):
        seen.extend(_until_told(app, url, 12, bring))
    assert seen == [*range(13)]
    app.write("app", {"013_t13.sql": "select 1;"})
    assert told(list(app.events(url))) == [13, 14, 15]


def test_where_the_server_was_seen_a_notice_comes_behind_its_file(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That file waits for the server to say that it is committed."""
    monkeypatch.setattr("runner.apply.run._MOST", 8)
    notice = "do $$ begin raise notice 'here'; end $$;"
    app = make(tmp_path, app=tables(16, t11=notice, t13="select pg_sleep(1.6);"))
    kinds = [
        (type(event), event.migration.number) for event in app.events(url) if not isinstance(event, Working)
    ]
    place = kinds.index((Noticed, 11))
    assert kinds[place - 1 : place + 2] == [(Outcome, 11), (Noticed, 11), (Started, 12)]


def test_who_blocks_a_file_is_known_though_the_server_did_not_say_that_it_began(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is told with the commits before it."""
    monkeypatch.setattr("runner.apply.run._MOST", 8)
    monkeypatch.setattr("runner.apply.run.RETRIES", 0)
    app = make(
        tmp_path, app=tables(16, t0="create table public.busy ();", t13="alter table public.busy add id int;")
    )
    app.migrate(url, to=0)
    with psycopg.connect(url) as holder:
        holder.execute("lock table public.busy")
        with pytest.raises(LockTimeout) as caught:
            list(app.events(url, lock_timeout=4))  # looked at three times
        pid = holder.info.backend_pid
    assert "013_t13.sql waited too long for an access exclusive lock on public.busy" in caught.value.message
    assert f"blocked by pid {pid}" in caught.value.notes[0]


def test_many_files_are_taken_for_quick_at_once(
    tmp_path: Path, url: str, waited: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many are mostly a new database; a slow one among them is told of as any other."""
    monkeypatch.setattr("runner.apply.run._MOST", 20)
    app = make(tmp_path, app=tables(21))
    assert told(list(app.events(url))) == [*range(21)]
    assert waited == ["-" * 19 + "w", "w"]


def test_no_more_is_told_than_is_durable() -> None:
    """What was committed since is told later."""
    some = [migration("select 1;", number) for number in range(4)]
    way = Course(some, [0] * 4)
    for _ in range(3):
        way.go_on()
    run = SimpleNamespace(done=lambda ms: ("done", ms), start=lambda: iter(()))
    watch = SimpleNamespace(durable=some[1], look=lambda *, committed: iter([committed]))
    events: list[Any] = list(follow._look(cast("Run", run), way, cast("Watch", watch)))
    assert events == [("done", 0), ("done", 0), some[2]]
    assert (way.untold, len(way.committed)) == (some[2:], 1)
