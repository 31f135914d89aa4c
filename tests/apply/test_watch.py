"""What a file that takes long is said to do, who holds the lock it waits for, and what is done about it."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import Mock

import psycopg
import pytest
from click.testing import CliRunner

from runner.apply import watch
from runner.apply.event import Activity, Outcome, Retrying, Started, Waiting, Working
from runner.errors import CannotConnect, Interrupted, LockTimeout
from runner.model import Migration
from tests.faults.stage import until
from tests.project import few_threads, given_up, make

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.database import Connection
    from tests.project import Project

FILES = {"000_busy.sql": "create table if not exists public.busy ();",
         "001_alter.sql": "alter table public.busy add column if not exists id int;"}  # fmt: skip


@pytest.fixture
def app(tmp_path: Path, url: str) -> Project:
    """Return a project whose second file alters a table that is there."""
    app = make(tmp_path, app=FILES)
    app.migrate(url, to=0)
    return app


def test_a_lock_that_is_freed_in_time_only_delays(url: str, app: Project) -> None:
    """Held for longer than lock_timeout, then freed: the whole file is repeated and applied once."""
    with psycopg.connect(url) as holder:
        holder.execute("lock table public.busy")
        seen: list[object] = []
        for event in app.events(url, lock_timeout=0.5):
            seen.append(type(event))
            if isinstance(event, Retrying):
                assert isinstance(event.reason, LockTimeout)
                holder.rollback()
    assert seen[1:] == [Retrying, Outcome]


def test_a_lock_held_for_ever_is_given_up_with_its_holder(url: str, app: Project) -> None:
    """After five repetitions the error names who blocks; readers were never kept waiting for longer."""
    with psycopg.connect(url, application_name="report") as holder:
        holder.execute("lock table public.busy")
        _, error = given_up(app, url, 0.5, by=holder.info.backend_pid)
        assert "001_alter.sql waited too long for an access" in error.message
        assert f"blocked by pid {holder.info.backend_pid}" in error.notes[0]
        assert error.exit_code == 5


def test_the_limits_are_options_and_variables(url: str, app: Project) -> None:
    """--lock-timeout and RUNNER_LOCK_TIMEOUT reach the server, and so does --statement-timeout."""
    runner = CliRunner()
    look = "current_setting('lock_timeout') a, current_setting('statement_timeout') b"
    app.write("app", {"002_look.sql": f"create table public.seen as select {look};"})
    result = app.run(runner, "migrate", "--statement-timeout", "90", APP_URL=url, RUNNER_LOCK_TIMEOUT="2.5")
    assert result.exit_code == 0, result.output
    with psycopg.connect(url) as db:
        assert db.execute("select * from public.seen").fetchone() == ("2500ms", "90s")


def test_a_server_that_starts_late_is_waited_for(app: Project) -> None:
    """--wait tries again until it is over, and says then what was wrong."""
    result = app.run(CliRunner(), "migrate", "--wait", "1", APP_URL="postgresql://127.0.0.1:1/x")
    assert (result.exit_code, "CANNOT_CONNECT" in result.stderr) == (5, True)


def test_a_blocked_file_is_told_of_while_it_waits(url: str, app: Project) -> None:
    """Which lock, on what, and who holds it, long before the timeout."""
    with psycopg.connect(url, application_name="api") as holder:
        holder.execute("lock table public.busy")
        for event in app.events(url, lock_timeout=60):
            if isinstance(event, Working) and event.activity.blockers:
                break
        assert isinstance(event, Working)
        wanted = "waits for an access exclusive lock on public.busy held by pid"
        assert f"{wanted} {holder.info.backend_pid} (postgres, api, idle in" in str(event.activity)
        assert event.migration.version == "001"
        assert event.seconds >= 1


@pytest.mark.parametrize("timeout", [0.1, 0.2, 0.3, 0.8])
def test_a_short_lock_timeout_names_table_lock_and_holder(
    url: str, app: Project, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could say afterwards, so it is looked at half of it."""
    monkeypatch.setattr("runner.apply.run.RETRIES", 0)
    with psycopg.connect(url, application_name="report") as holder:
        holder.execute("lock table public.busy")
        pid = holder.info.backend_pid
        _, error = given_up(app, url, timeout, by=pid)
    assert "waited too long for an access exclusive lock on public.busy." in error.message
    assert f"blocked by pid {pid}: user postgres" in error.notes[0]


@pytest.mark.parametrize(
    "setting",
    [
        "set local lock_timeout = '250ms'",
        "SET LOCAL LOCK_TIMEOUT TO 200",
        "set lock_timeout = '0.3 s'",
        "set local lock_timeout='5s'; select set_config('lock_timeout', '150ms', true)",
    ],
)
def test_a_lock_timeout_of_the_file_names_the_holder_as_well(
    url: str, app: Project, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is shorter than the limit of the run is looked at sooner."""
    monkeypatch.setattr("runner.apply.run.RETRIES", 0)
    app.write("app", {"001_alter.sql": f"{setting}; {FILES['001_alter.sql']}"})
    with psycopg.connect(url, application_name="report") as holder:
        holder.execute("lock table public.busy")
        pid = holder.info.backend_pid
        _, error = given_up(app, url, 5, by=pid)
    assert "waited too long for an access exclusive lock on public.busy." in error.message
    assert f"blocked by pid {pid}: user postgres" in error.notes[0]


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("set lock_timeout = 0", 1.0),
        ("set lock_timeout = '10min'", 1.0),
        ("set lock_timeout = '10 min'", 1.0),
        ("set lock_timeout = '500us'", 0.02),
        ("select 1", 1.0),
    ],
)
def test_a_file_without_a_short_lock_timeout_is_looked_at_as_ever(text: str, pace: float) -> None:
    """None, or one of minutes, is no haste; nor is it looked at all the time."""
    assert watch.Watch(Mock(), pid=1, lock_timeout=5, texts=[text])._pace == pace


# Each row takes a millisecond: as long a build as that of a million, and it leaves the processor to others.
SLOW = """
    create function public.slow(t int) returns int language plpgsql immutable as
        $$ begin perform pg_sleep(0.001); return t; end $$;
    create table public.big as select g as t, repeat('x', 900) as filler from generate_series(1, 10000) g;
"""
BUILD = "if not exists i on public.big (public.slow(t));"
BUILDS = {
    "plain": f"create index {BUILD}",
    "concurrent": f"-- runner: no-transaction\ncreate index concurrently {BUILD}",
}


@pytest.mark.parametrize("how", BUILDS)
def test_a_long_index_build_tells_its_progress(tmp_path: Path, each_url: str, how: str) -> None:
    """The phase and percent, of a build in a transaction and one outside."""
    app = make(tmp_path, app={"000_big.sql": SLOW, "001_i.sql": BUILDS[how]})
    app.migrate(each_url, to=0)
    concurrently = " concurrently" if how == "concurrent" else ""
    wanted = f"create index{concurrently} on public.big: building index: "
    told = [""]
    with closing(app.events(each_url)) as events:
        while wanted not in told[-1]:
            one = next(event for event in events if isinstance(event, Working | Outcome))
            assert isinstance(one, Working), told
            assert one.migration.version == "001"
            told.append(str(one.activity))


def test_a_blocked_concurrent_build_tells_whom_it_waits_for(tmp_path: Path, each_url: str) -> None:
    """It waits for every transaction that may use the table, as long as that takes."""
    text = "-- runner: no-transaction\ncreate index concurrently if not exists i on public.busy ((1));"
    app = make(tmp_path, app={"000_busy.sql": FILES["000_busy.sql"], "001_i.sql": text})
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url, application_name="api") as holder:
        holder.execute("insert into public.busy default values")
        pid, seen = holder.info.backend_pid, []
        for event in app.events(each_url):
            if isinstance(event, Working) and event.activity.blockers:
                seen.append(str(event.activity))
                holder.rollback()
    assert "create index concurrently on public.busy: waiting for writers before build" in seen[0]
    assert f"waits for the end of a transaction of pid {pid} (postgres, api, " in seen[0]


def test_a_runner_behind_a_runner_says_where_the_other_one_is(tmp_path: Path, each_url: str) -> None:
    """Who, at which file, since when: at once, and then again and again."""
    files = {"000_slow.sql": "select pg_sleep(60);"}
    app = make(tmp_path, app=files)
    with psycopg.connect(each_url, autocommit=True) as db:
        first = app.process("migrate", APP_URL=each_url)
        at_work = (
            "select pid from pg_stat_activity where application_name ~ '000_s' and wait_event = 'PgSleep'"
        )
        until(lambda: db.execute(at_work).rowcount or first.poll() is not None, what="the first at work")
        found = db.execute(at_work).fetchone()
        assert found, first.communicate()[0]
        events = app.events(each_url, wait_lock=60)
        waiting = next(one for one in events if isinstance(one, Waiting))
        assert f"held by pid {found[0]}, user postgres, at app/000_slow.sql for 00:00:0" in waiting.holders[0]
        told = next(one for one in events if isinstance(one, Working))
        wanted = (
            f"waits for the lock of the runners held by pid {found[0]} (postgres, at app/000_slow.sql for "
        )
        assert str(told.activity).startswith(wanted)
        db.execute("select pg_cancel_backend(%s)", found)
        first.communicate()
        events.close()


def test_a_quick_file_opens_no_connection_and_no_thread(
    url: str, app: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is done before a second is over; here it lasts longer, as the file may on a busy machine."""
    monkeypatch.setattr(watch, "_PACE", watch._PACE * 10)
    monkeypatch.setattr(threading.Thread, "start", Mock(side_effect=AssertionError))
    assert [type(one) for one in app.events(url)] == [Started, Outcome]


def _never() -> Connection:
    """Take longer than anybody waits."""
    time.sleep(60)
    raise CannotConnect("gone")


@pytest.mark.parametrize("connect", [Mock(side_effect=CannotConnect("full")), _never])
def test_a_server_without_a_free_connection_costs_only_the_facts(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[[], Connection]
) -> None:
    """Refused or never answered: it is still told that the file is at work, and nothing waits."""
    monkeypatch.setattr(watch, "_PACE", 0.05)
    migration = Migration("app", "000", "one", "app/000_one.sql", "select 1;", "sha256:0")
    began = time.monotonic()
    with watch.Watch(connect, pid=1) as watching:
        watching.begin(migration)
        time.sleep(0.1)
        [told] = watching.look()
        time.sleep(0.1)
        [told] = watching.look()
    assert (told.activity, watching.lines) == (Activity(), ())
    assert time.monotonic() - began < 10


def test_where_no_thread_can_be_started_the_time_is_told(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container with a limit of processes: the file is applied, and told of without facts."""
    few_threads(monkeypatch, 0)
    app = make(tmp_path, app={"000_slow.sql": "select pg_sleep(2);"})
    events = list(app.events(url))
    assert isinstance(events[-1], Outcome)
    assert {one.activity for one in events if isinstance(one, Working)} == {Activity()}


def test_ctrl_c_ends_what_is_told_of(url: str, tmp_path: Path) -> None:
    """Whoever raises where he is told ends the file, and closing the events does."""
    app = make(tmp_path, app={"000_slow.sql": "select pg_sleep(60);"})
    events = app.events(url)
    next(one for one in events if isinstance(one, Working))
    with pytest.raises(Interrupted):
        events.throw(KeyboardInterrupt())
    with psycopg.connect(url) as db:
        running = "select from pg_stat_activity where application_name ~ '000_slow' and state = 'active'"
        assert not db.execute(running).rowcount
