"""A file outside any transaction is hit half-way: its row never says more than is so, and it converges."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.errors import ConnectionLost, RunnerError
from tests.faults.proxy import Fault, Proxy
from tests.faults.stage import PROMPT, Witness, finished, started, until
from tests.project import given_up, make

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.project import Project

ALONE = "-- runner: no-transaction\n"
BUILD = ALONE + "create index concurrently if not exists t0_id on public.t0 (id);\n"
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
LETTERS = "current_setting('client_encoding') || 'é'"
CURSORS = "select count(*) from pg_cursors where name = 'c'"
LOCKS = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"

# A statement that leaves something in its session, how the next file would see it, and what it must see.
LEFT = {
    "role": ("set role pg_monitor", "current_user", "postgres"),
    "search path": ("set search_path = ''", "current_setting('search_path')", '"$user", public'),
    "own setting": ("set app.tenant = '7'", "coalesce(current_setting('app.tenant', true), '')", ""),
    "strings": ("set standard_conforming_strings = off", r"'a\b'", r"a\b"),
    "encoding": ("set client_encoding = latin1", LETTERS, "UTF8é"),
    "temporary table": ("create temporary table x (id int)", "to_regclass('pg_temp.x') is null", "true"),
    "listen": ("listen news", "select count(*) from pg_listening_channels()", "0"),
    "prepared": ("prepare p as select 1", "select count(*) from pg_prepared_statements", "0"),
    "cursor": ("declare c cursor with hold for select 1", CURSORS, "0"),
    "lock": ("select pg_advisory_lock(7)", LOCKS, "1"),  # the runner's own
    "no lock": ("select pg_advisory_unlock_all()", LOCKS, "1"),
}  # fmt: skip


# What the runner sends for such a file, and what its row may say when the connection breaks there.
MESSAGES: dict[str, tuple[bytes, set[bool | None]]] = {
    "lock": (b"pg_try_advisory_lock", {None}),
    "begins": (b"on conflict", {None, True}),
    "statement": (b"index concurrently if not exists t0_id on public.t0 (id);\n\0", {True}),
    "look before": (b"string_agg(i.indexrelid", {None}),
    "look": (b"pg_stat_progress_create_index", {True}),
    "done": (b"set running = false", {True, False}),
}


@pytest.fixture
def line(proxy: Proxy, far_url: str) -> tuple[Proxy, str]:
    """Return the proxy together with its URL."""
    return proxy, far_url


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project whose second file builds an index concurrently."""
    return make(
        tmp_path, app={"000_t0.sql": "create table if not exists public.t0 (id int);", "001_i.sql": BUILD}
    )


def _rows(db: psycopg.Connection) -> list[tuple[str, bool]]:
    """Return what is recorded, and whether it is still running."""
    return db.execute("select version, running from public.schema_migrations order by 1").fetchall()


def _valid(db: psycopg.Connection) -> bool | None:
    """Return whether the index is valid; nothing where there is none."""
    row = db.execute(
        "select indisvalid from pg_index where indexrelid = to_regclass('public.t0_id')"
    ).fetchone()
    return row[0] if row else None


def _in_the_build(process: subprocess.Popen[str], db: psycopg.Connection) -> None:
    """Wait until the build waits for the transaction in its way."""
    until(lambda: _valid(db) is False or process.poll() is not None, what="an index being built")
    assert process.poll() is None, process.communicate()[0]


def _converges(app: Project, url: str, db: psycopg.Connection) -> None:
    """Check that dropping the leftover, as the error says, and running again completes the work."""
    if _valid(db) is False:
        with pytest.raises(RunnerError, match="invalid index") as left:
            app.migrate(url)
        assert "drop index public.t0_id;" in str(left.value.remedy)
        db.execute("drop index public.t0_id")
    app.migrate(url)
    assert (_rows(db), _valid(db)) == ([("000", False), ("001", False)], True)


@BOTH
def test_a_signal_cancels_the_build(app: Project, url: str, witness: Witness, number: int) -> None:
    """Cancelled on the server; the error says that it ran outside, and how to drop what it left."""
    app.migrate(url, to=0)
    with psycopg.connect(url) as blocker, started(app, url) as process:
        blocker.execute("insert into public.t0 values (1)")
        _in_the_build(process, witness.db)
        began = time.monotonic()
        process.send_signal(number)
        code, output = finished(process)
        assert time.monotonic() - began < PROMPT
    assert code == 1, output
    assert "error INTERRUPTED" in output
    assert "rolled back" not in output
    assert "drop index public.t0_id;" in output
    witness.lock_gets_free()
    assert _rows(witness.db) == [("000", False), ("001", True)]
    _converges(app, url, witness.db)


def test_a_killed_build_frees_its_lock(app: Project, url: str, witness: Witness) -> None:
    """The server notices that nobody waits for the build, though what is in its way stays there."""
    app.migrate(url, to=0)
    with psycopg.connect(url) as blocker, started(app, url) as process:
        blocker.execute("insert into public.t0 values (1)")
        _in_the_build(process, witness.db)
        process.kill()
        process.wait()
        print(f"lock free after {witness.lock_gets_free():.2f} s")  # noqa: T201 - pytest -rP shows it
    assert _rows(witness.db) == [("000", False), ("001", True)]
    _converges(app, url, witness.db)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.LOSE_ANSWER], ids=lambda f: f.name.lower())
@pytest.mark.parametrize("message", MESSAGES)
def test_the_connection_breaks(
    app: Project, line: tuple[Proxy, str], witness: Witness, fault: Fault, message: str
) -> None:
    """Cut at each of its messages: never called rolled back, pending while its row says running."""
    (proxy, far_url), (when, states) = line, MESSAGES[message]
    app.migrate(far_url, to=0)
    proxy.plant(fault, when=when)
    with pytest.raises(ConnectionLost) as lost:
        app.migrate(far_url)
    assert proxy.struck.is_set()
    assert "001_i.sql" in lost.value.message
    assert "rolls it back" not in str(lost.value.remedy)
    witness.lock_gets_free()
    assert dict(_rows(witness.db)).get("001") in states
    _converges(app, far_url, witness.db)


def test_a_record_whose_answer_is_lost_is_told(
    app: Project, line: tuple[Proxy, str], witness: Witness
) -> None:
    """It is committed: another connection sees that, and the file is not called lost."""
    (proxy, far_url), when = line, MESSAGES["done"][0]
    app.migrate(far_url, to=0)
    proxy.plant(Fault.LOSE_ANSWER, when=when)
    with started(app, far_url) as process:
        code, output = finished(process)
    assert code == 5
    assert "behind app/001_i.sql, which is committed and recorded" in output
    assert "1 applied, app is at 001_i." in output
    assert _rows(witness.db) == [("000", False), ("001", False)]


@pytest.mark.parametrize("left", LEFT)
def test_the_next_file_sees_nothing_of_its_session(
    tmp_path: Path, url: str, witness: Witness, left: str
) -> None:
    """Settings, role, temporary table, lock … of the one statement are gone before the next file."""
    statement, look, expected = LEFT[left]
    after = f"create table public.seen as select ({look})::text as v;"
    make(tmp_path, app={"000_left.sql": f"{ALONE}{statement};\n", "001_look.sql": after}).migrate(url)
    assert witness.db.execute("select v from public.seen").fetchone() == (expected,)
    assert _rows(witness.db) == [("000", False), ("001", False)]


def test_odd_settings_of_the_session_do_not_change_its_meaning(
    tmp_path: Path, url: str, witness: Witness
) -> None:
    """A backslash in a string is a backslash, and a letter a letter, whatever PGOPTIONS says."""
    text = ALONE + r"create table public.seen as select 'a\é' as v;"
    odd = f"{url}&options=-cstandard_conforming_strings%3Doff%20-cclient_encoding%3Dlatin1"
    make(tmp_path, app={"000_x.sql": text}).migrate(odd)
    assert witness.db.execute("select v from public.seen").fetchone() == (r"a\é",)


@pytest.mark.parametrize(
    "second", ["create table if not exists public.t1 ();", BUILD], ids=["inside", "outside"]
)
def test_the_record_waits_for_a_lock_no_longer_than_the_timeout(
    app: Project, url: str, witness: Witness, second: str
) -> None:
    """Somebody holds the ledger: retried, then given up by name, and nothing is recorded."""
    app.write("app", {"001_i.sql": second})
    app.migrate(url, to=0)
    with psycopg.connect(url) as blocker:
        blocker.execute("lock table public.schema_migrations in share mode")
        pid = blocker.info.backend_pid
        _, error = given_up(app, url, 0.6, by=None if second == BUILD else pid)
        assert "001_i.sql waited too long for a" in error.message
        assert second == BUILD or f"pg_terminate_backend({pid})" in str(error.notes)
    witness.lock_gets_free()
    assert _rows(witness.db) == [("000", False)]
    app.migrate(url)
    assert _rows(witness.db) == [("000", False), ("001", False)]


def test_a_build_that_is_done_waits_no_longer_to_be_recorded(
    app: Project, url: str, witness: Witness
) -> None:
    """Somebody locks the ledger during the build: tried again, and recorded when the ledger is free."""
    app.migrate(url, to=0)
    with psycopg.connect(url) as holder, started(app, url, "--lock-timeout", "0.3") as process:
        with psycopg.connect(url) as blocker:
            blocker.execute("insert into public.t0 values (1)")
            _in_the_build(process, witness.db)
            holder.execute("lock table public.schema_migrations in share mode")
        until(lambda: _valid(witness.db))
        assert process.stdout
        while "waited too long for a" not in (said := process.stdout.readline()):
            assert said, "it does not say that it waits"
        holder.rollback()
        assert finished(process)[0] == 0
    assert _rows(witness.db) == [("000", False), ("001", False)]
