"""Who holds the lock, and what a runner does about it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner import database
from runner.apply import blockers
from runner.apply.event import Outcome, Retrying
from runner.errors import CannotConnect, LockTimeout
from tests.project import make

if TYPE_CHECKING:
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


def test_a_blocked_session_is_told_by_whom(url: str, app: Project) -> None:
    """Pid, user, application, state, age, query, and the statement that ends it."""
    assert app
    with (
        psycopg.connect(url, application_name="report") as holder,
        database.connect(url, source="x") as waiting,
        database.connect(url, source="x") as observer,
    ):
        holder.execute("lock table public.busy")
        thread = threading.Thread(target=lambda: database.send(waiting, "lock table public.busy"))
        database.run(waiting, "begin")
        thread.start()
        while not (seen := blockers.of(observer, waiting.info.backend_pid)):
            assert thread.is_alive()
        holder.rollback()
        thread.join()
    pid = holder_pid(seen[0])
    assert f"select pg_terminate_backend({pid});" in seen[0]
    assert "user postgres, application report, client local, idle in transaction for 00:00:0" in seen[0]
    assert "query: lock table public.busy" in seen[0]


def holder_pid(line: str) -> int:
    """Return the process id in a line about a blocker."""
    return int(line.split("pid ")[1].split(":", maxsplit=1)[0])


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
        with pytest.raises(LockTimeout, match=r"001_alter.sql waited too long for a lock") as caught:
            list(app.events(url, lock_timeout=0.5))
        assert f"blocked by pid {holder.info.backend_pid}" in caught.value.notes[0]
        assert caught.value.exit_code == 5


def test_nobody_is_asked_about_a_quick_file() -> None:
    """The second connection is opened only when the answer takes a while."""

    def connect() -> Connection:
        raise AssertionError

    with blockers.Watch(connect, pid=1) as watch:
        watch.look()
    assert watch.seen == ()


def test_without_a_second_connection_the_error_comes_without_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots may be full: that must not hide the real error, and is tried once."""
    tried = []

    def connect() -> Connection:
        tried.append(1)
        raise CannotConnect("full")

    monkeypatch.setattr(blockers, "_PATIENCE", 0)
    with blockers.Watch(connect, pid=1) as watch:
        watch.look()
        watch.look()
    assert (watch.seen, tried) == ((), [1])


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
