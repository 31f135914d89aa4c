"""Apply real files to real servers, on every supported version."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import Mock

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from runner import __version__, apply, config, planning
from runner.apply.event import Outcome, Retrying, Started, Waiting
from runner.config import Target
from runner.database import Access
from runner.errors import (
    CannotConnect,
    ChecksumMismatch,
    LedgerChanged,
    LockHeld,
    SqlFailed,
    TransactionEnded,
)
from runner.files.checksum import checksum
from runner.planning import compare
from tests.project import TWO, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

LOCK = "select pg_advisory_lock(hashtextextended('public.schema_migrations', 0))"
UNLOCK = "select pg_advisory_unlock(hashtextextended('public.schema_migrations', 0))"


def tables(db: psycopg.Connection) -> list[str]:
    """Return the tables of schema public."""
    rows = db.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    return sorted(name for (name,) in rows)


def recorded(db: psycopg.Connection) -> list[str]:
    """Return the recorded versions."""
    return [v for (v,) in db.execute("select version from public.schema_migrations order by 1")]


def test_each_file_is_announced_and_then_committed(tmp_path: Path, each_url: str) -> None:
    """Every file yields Started and then Outcome, in order."""
    events = list(make(tmp_path, app=TWO).events(each_url))
    assert [(type(e), e.migration.label) for e in events] == [
        (Started, "000_one"),
        (Outcome, "000_one"),
        (Started, "001_two"),
        (Outcome, "001_two"),
    ]


def test_the_ledger_row_says_what_was_applied(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """A row holds series, version, name, checksum, the text as sent, who, when, how long and with what."""
    text = "create table public.one (id int);\r\n-- é  \r\n\r\n"
    make(tmp_path, app={"000_one.sql": "\ufeff" + text}).migrate(each_url)
    row = db.execute(
        "select series, version, name, checksum, sql, applied_by, runner_version, execution_ms >= 0,"
        " applied_at between now() - interval '1 minute' and now() from public.schema_migrations"
    ).fetchone()
    assert row == ("app", "000", "one", checksum(text), text, "postgres", __version__, True, True)


def test_a_second_run_applies_nothing(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """What is recorded is not applied again."""
    app = make(tmp_path, app=TWO)
    assert len(app.migrate(each_url)) == 2
    before = db.execute("select xmin::text, * from public.schema_migrations").fetchall()
    assert app.migrate(each_url) == []
    assert db.execute("select xmin::text, * from public.schema_migrations").fetchall() == before


def test_a_failing_file_leaves_nothing_and_those_before_it_stay(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Work and row of the failing file are rolled back; earlier files are committed."""
    app = make(tmp_path, app=TWO | {"001_two.sql": "create table public.two (id int); select 1/0;"})
    with pytest.raises(SqlFailed):
        app.migrate(each_url)
    assert tables(db) == ["one", "schema_migrations"]
    assert recorded(db) == ["000"]


def test_a_failing_first_file_leaves_no_ledger(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """The ledger is made in the first file's transaction, so an empty database stays empty."""
    with pytest.raises(SqlFailed):
        make(tmp_path, app={"000_one.sql": "create table public.one (id int); select 1/0;"}).migrate(each_url)
    assert tables(db) == []


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_an_interrupted_run_converges(
    tmp_path: Path, each_url: str, db: psycopg.Connection, stop: int
) -> None:
    """A run that ends after any file is completed by the next one."""
    files = {f"00{i}_t{i}.sql": f"create table public.t{i} (id int);" for i in range(4)}
    app = make(tmp_path, app=files)
    events = app.events(each_url)
    for event in events:
        if isinstance(event, Outcome) and event.migration.number == stop:
            break
    events.close()
    done = recorded(db)
    assert done == [f"00{i}" for i in range(len(done))]
    assert len(done) > stop
    assert len(app.migrate(each_url)) == 4 - len(done)
    assert tables(db) == ["schema_migrations", "t0", "t1", "t2", "t3"]


def test_to_stops_after_its_file(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """`to` is the last file applied."""
    make(tmp_path, app=TWO).migrate(each_url, to=0)
    assert recorded(db) == ["000"]


LEFT_BEHIND = """
    create role tester_{n} nologin;
    grant tester_{n} to current_user;
    create table public.one (id int);
    set search_path = pg_temp;
    set lock_timeout = '1h';
    set application_name = 'mine';
    set session_replication_role = replica;
    set role tester_{n};
"""


def test_a_file_leaves_no_setting_to_the_next(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """Role, search_path and other settings of one file are gone when the next one runs."""
    role = each_url.partition("test_")[2].partition("?")[0]
    seen = "create table public.seen as select current_user::text, current_setting('search_path') as path,"
    seen += " current_setting('session_replication_role') as mode, current_setting('lock_timeout') as wait;"
    make(tmp_path, app={"000_a.sql": LEFT_BEHIND.format(n=role), "001_b.sql": seen}).migrate(each_url)
    try:
        assert db.execute("select * from public.seen").fetchone() == (
            "postgres",
            '"$user", public',
            "origin",
            "5s",
        )
    finally:
        db.execute(f"drop role tester_{role}".encode())


def test_application_name_shows_the_file(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """pg_stat_activity says which file is running."""
    look = "create table public.seen as select current_setting('application_name') as name;"
    make(tmp_path, app={"000_look.sql": look}).migrate(each_url)
    assert db.execute("select * from public.seen").fetchone() == ("runner:app/000_look.sql",)


def test_a_file_runs_with_the_settings_of_the_runner(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Whatever the database says, so that two servers do the same; and a dead client is noticed soon."""
    db.execute(f"alter database {db.info.dbname} set lock_timeout = '3h'".encode())
    look = """
        create table public.seen_{} as
        select s.name, current_setting(s.name) as value from pg_settings as s where s.source = 'session'
    """
    make(tmp_path, app={f"00{n}_look.sql": look.format(n) for n in (0, 1)}).migrate(each_url)
    for number in (0, 1):
        rows = db.execute(SQL("select name, value from public.{}").format(Identifier(f"seen_{number}")))
        assert dict(rows.fetchall()) == {
            "application_name": f"runner:app/00{number}_look.sql",
            "client_encoding": "UTF8",
            "client_connection_check_interval": "1s",
            "idle_in_transaction_session_timeout": "1min",
            "lock_timeout": "5s",
            "standard_conforming_strings": "on",
            "row_security": "off",
            "transaction_deferrable": "off",
            "transaction_isolation": "read committed",
            "transaction_read_only": "off",
        }


def test_a_file_that_ends_its_transaction_unseen_is_not_recorded(
    tmp_path: Path, each_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the scanner ever miss a commit, the server-side check finds the transaction gone."""
    monkeypatch.setattr("runner.planning.content._check", Mock())
    for number, control in enumerate(
        (
            "commit;",
            "commit; begin; create table public.three (id int);",
            "rollback;",
            "commit; begin; reset all;",
        )
    ):
        app = make(tmp_path / str(number), app={"000_one.sql": f"select 1; {control}"})
        with pytest.raises(TransactionEnded, match="not recorded"):
            app.migrate(each_url)
    assert recorded(db) == []
    assert tables(db) == ["schema_migrations"], "the first file committed the ledger, still empty"


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "pooled"])
def test_a_file_may_reset_all_settings(
    tmp_path: Path, each_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, *, is_direct: bool
) -> None:
    """Those by which the runner knows its transaction, too: the lock tells that it is still the same."""
    found = lambda *known: Access(*known)._replace(is_direct=is_direct)  # noqa: E731 - one expression
    monkeypatch.setattr("runner.planning.site.Access", found)
    text = "set timezone = 'Asia/Tokyo'; create table public.t{} (id int); reset all; select 1;"
    hidden = "do $$ begin create table public.t{} (id int); execute 'ReSet  all'; end $$;"
    texts = {f"00{n}_t.sql": (hidden if n == 2 else text).format(n) for n in range(4)}
    make(tmp_path, app=texts).migrate(each_url)
    assert recorded(db) == ["000", "001", "002", "003"]
    [(since, ms)] = db.execute(
        "select bool_and(applied_at between now() - interval '1 minute' and clock_timestamp()),"
        " min(execution_ms) from public.schema_migrations"
    )
    assert since
    assert ms > 0


def test_a_changed_transaction_is_found_by_its_id(
    tmp_path: Path, each_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`commit and chain` leaves a transaction open, but another one."""
    monkeypatch.setattr("runner.planning.content._check", Mock())
    app = make(tmp_path, app={"000_one.sql": "create table public.one (id int); commit and chain;"})
    with pytest.raises(TransactionEnded):
        app.migrate(each_url)
    assert recorded(db) == []


def test_an_error_at_commit_is_the_files_error(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """A deferred constraint fails when the file is committed: nothing remains."""
    text = """create table public.one (id int unique deferrable initially deferred);
              insert into public.one values (1), (1);"""
    with pytest.raises(
        SqlFailed, match=r"000_one.sql cannot be recorded and committed: duplicate key"
    ) as caught:
        make(tmp_path, app={"000_one.sql": text}).migrate(each_url)
    assert caught.value.sqlstate == "23505"
    assert tables(db) == []


def test_a_percent_sign_and_a_colon_are_text(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """Nothing in a file is a placeholder of the driver."""
    text = "create table public.one as select '100% %s %(x)s :y {z}'::text as t;"
    make(tmp_path, app={"000_one.sql": text}).migrate(each_url)
    assert db.execute("select t from public.one").fetchone() == ("100% %s %(x)s :y {z}",)


# ------------------------------------------------------------------ other runners


def test_a_held_lock_is_waited_for_and_named(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """While another session holds the lock the runner waits, says who, and goes on when it is free."""
    db.execute(LOCK)
    events = make(tmp_path, app=TWO).events(each_url)
    assert isinstance(next(events), Started)
    waiting = next(events)
    assert isinstance(waiting, Waiting)
    assert f"pid {db.info.backend_pid}" in waiting.holders[0]
    idle = (
        "select count(*) from pg_stat_activity where datname = current_database() and state ~ 'transaction'"
    )
    assert db.execute(idle).fetchone() == (0,), "it must not wait inside a transaction"
    db.execute(UNLOCK)
    assert [type(event) for event in events] == [Outcome, Started, Outcome]


def test_a_lock_held_too_long_is_given_up(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """After `wait_lock` seconds the error names the holder, and nothing was changed."""
    db.execute(LOCK)
    with pytest.raises(LockHeld, match="gave up after 0 s") as caught:
        make(tmp_path, app=TWO).migrate(each_url, wait_lock=0)
    assert f"pid {db.info.backend_pid}" in caught.value.notes[0]
    assert tables(db) == []


def test_what_another_runner_applied_is_not_applied_again(tmp_path: Path, each_url: str) -> None:
    """A file recorded between the plan and the lock yields an outcome without a time."""
    app = make(tmp_path, app=TWO)
    slow, fast = app.events(each_url), app.migrate
    assert isinstance(next(slow), Started)
    assert [outcome.ms is not None for outcome in fast(each_url)] == [True, True]
    assert [e.ms for e in slow if isinstance(e, Outcome)] == [None, None]


def test_other_content_of_another_runner_stops_this_one(tmp_path: Path, each_url: str) -> None:
    """Two checkouts that differ cannot both migrate one database."""
    slow = make(tmp_path / "a", app=TWO).events(each_url)
    next(slow)
    make(tmp_path / "b", app=TWO | {"000_one.sql": "create table public.uno (id int);"}).migrate(each_url)
    with pytest.raises(ChecksumMismatch, match=r"Another runner has just applied app/000_one.sql"):
        list(slow)


def test_a_rollback_in_between_stops_the_run(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """When the version before the next file is rolled back meanwhile, the plan no longer holds."""
    app = make(tmp_path, app=TWO)
    app.migrate(each_url, to=0)
    events = app.events(each_url)
    next(events)
    db.execute("delete from public.schema_migrations")
    with pytest.raises(LedgerChanged, match=r"000 is no longer recorded"):
        list(events)
    assert tables(db) == ["one", "schema_migrations"]


def test_two_runners_at_once_apply_everything_exactly_once(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Two processes on one empty database: no error, every file once."""
    # Not idempotent on purpose: a file that ran twice would fail.
    files = {f"{i:03}_t{i}.sql": f"create table public.t{i} (id int);" for i in range(12)}
    app = make(tmp_path, app=files)
    both = [app.process("migrate", APP_URL=each_url) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert recorded(db) == [f"{i:03}" for i in range(12)]
    assert sum(output.count(" ms\n") for output in outputs) == 12, outputs


def test_a_server_that_cannot_look_for_its_client_is_not_asked_to(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Windows refuses the setting; the file runs without it."""
    look = "create table public.seen as select current_setting('client_connection_check_interval') as value;"
    project = config.load(make(tmp_path, app={"000_look.sql": look}).file)
    files = planning.read(project, project.series)
    with planning.look(files, [Target(project.series[0], each_url, "APP_URL")]) as [site]:
        access = site.access._replace(notices_loss=False)
        assert site.access.notices_loss
        pending = [step.file for step in compare.pending(site.steps)]
        list(apply.apply(access, pending, site.before))
    assert db.execute("select value from public.seen").fetchone() == ("0",)


# A session that is closed goes by itself, some time after its client has.
SESSIONS = """
do $$
begin
    create table seen (n bigint);
    for n in 1..500 loop
        perform pg_stat_clear_snapshot();
        delete from seen;
        insert into seen
        select count(*) from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend';
        exit when (select s.n <= 2 from seen as s);
        perform pg_sleep(0.01);
    end loop;
end $$;
"""


def test_a_run_holds_no_session_but_its_last(tmp_path: Path, each_url: str) -> None:
    """However many files set something for new ones: the caller's, and the one at work."""
    alter = "alter role current_user set work_mem = '5MB'; alter role current_user reset work_mem;"
    texts = {f"00{n}_set.sql": alter for n in range(6)} | {"006_seen.sql": SESSIONS}
    make(tmp_path, app=texts).migrate(each_url)
    with psycopg.connect(each_url) as connection:
        assert connection.execute("select n from seen").fetchone() == (2,)


PATH = {
    "000_a.sql": "alter role current_user set search_path = z, public;",
    "001_b.sql": "create table if not exists t (id int);",
}


@pytest.fixture
def single(each_url: str) -> Iterator[str]:
    """Return the URL of a role that may have one session at a time, and makes what it likes in schema z."""
    with psycopg.connect(each_url, autocommit=True) as admin:
        admin.execute("create role t_single login connection limit 1")
        try:
            admin.execute("grant all on schema public to t_single; create schema z authorization t_single")
            yield each_url.replace("postgres@", "t_single@")
        finally:
            admin.execute("drop owned by t_single; drop role t_single")


def test_a_role_with_one_connection_finds_what_a_file_has_set(
    tmp_path: Path, each_url: str, single: str
) -> None:
    """The old session goes first, instead of staying, with its old search_path, for the files behind it."""
    make(tmp_path, app=PATH).migrate(single)
    with psycopg.connect(each_url) as connection:
        assert connection.execute("select to_regclass('z.t') is not null").fetchone() == (True,)


def test_a_session_that_is_refused_is_told_and_the_next_run_goes_on(
    tmp_path: Path, each_url: str, single: str
) -> None:
    """What is committed stays; the file behind it is not begun with the settings of the old session."""
    app = make(tmp_path, app=PATH)
    with psycopg.connect(each_url, autocommit=True) as admin:
        events = app.events(single)
        assert [type(one) for one in (next(events), next(events))] == [Started, Outcome]
        admin.execute("alter role t_single connection limit 0")
        with pytest.raises(CannotConnect):
            list(events)
        assert admin.execute("select version from public.schema_migrations").fetchall() == [("000",)]
        admin.execute("alter role t_single connection limit 1")
        app.migrate(single)
        assert admin.execute("select to_regclass('z.t') is not null").fetchone() == (True,)


def test_a_retry_that_gets_no_new_session_goes_on_in_its_own(
    tmp_path: Path, each_url: str, single: str
) -> None:
    """As where a password was valid for minutes, which a file has waited for its lock."""
    app = make(tmp_path, app={"000_a.sql": "create table z.t (id int);", "001_b.sql": "drop table z.t;"})
    app.migrate(single, to=0)
    with psycopg.connect(each_url) as blocker:
        blocker.execute("lock table z.t")
        events = app.events(single, lock_timeout=0.3)
        while not isinstance(next(events), Retrying):
            pass
        blocker.execute("alter role t_single connection limit 0")
        blocker.commit()
        assert [type(one) for one in events] == [Outcome]


SETS = {
    "of the database": "do $$ begin execute format('alter database %I set {}', current_database()); end $$;",
    "of the role": "do $$ begin execute format('ALTER  ROLE\n%I set {}', current_user); end $$;",
    "behind a semicolon": "alter role current_user -- as all do; later files count on it\n    set {};",
    "put together": "do $$ declare who text := format('alter role %I', current_user);"
    " begin execute who || ' set {}'; end $$;",
    "outside": "-- runner: no-transaction\nalter role current_user in database app set {};",
    "behind an escape": "do $$ begin execute"
    " format(E'-- for later files\\nalter database %I set {}', current_database()); end $$;",
    "behind comments": "alter /* as all do */ -- and /* later\nrole current_user set {};",
    "word by word": "do $$ begin execute format('alter %s %I set {}', 'role', current_user); end $$;",
}
FOUND = "create schema if not exists z;\ncreate table if not exists seen as select date '1.2.2024' as d;"


@pytest.mark.parametrize("sets", SETS.values(), ids=SETS)
def test_a_file_finds_what_one_before_it_has_set(
    tmp_path: Path, each_server: Server, each_url: str, sets: str
) -> None:
    """As with psql, which begins a session for each file, and as if they had been applied in two runs."""
    database = str(psycopg.conninfo.conninfo_to_dict(each_url)["dbname"])
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as admin:
        admin.execute("create role t_sets login superuser")
        try:
            url = each_url.replace("postgres@", "t_sets@")
            first = sets.format("search_path = z, public").replace("database app", f'database "{database}"')
            second = sets.format("datestyle = dmy").replace("database app", f'database "{database}"')
            texts = {"000_z.sql": "create schema if not exists z;", "001_a.sql": first, "002_b.sql": second}
            make(tmp_path, app=texts | {"003_seen.sql": FOUND}).migrate(url)
            with psycopg.connect(each_url) as connection:
                assert connection.execute("select d::text from z.seen").fetchone() == ("2024-02-01",)
        finally:
            admin.execute(f'drop database "{database}" with (force)'.encode())
            admin.execute(f'create database "{database}"'.encode())
            admin.execute("drop role t_sets")
