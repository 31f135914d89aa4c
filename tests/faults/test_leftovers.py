"""What a session brings along and what a file leaves in it: no file sees either, and the record is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.apply.event import Outcome
from tests.faults import bad, stage

if TYPE_CHECKING:
    from pathlib import Path


KEY = "hashtextextended('public.schema_migrations', 0)"
TABLE = "create table public.t001 (id int); -- é 漢 '" + "\n"
NEXT = "create table public.t002 as select ({look})::text as v;"
X_EXISTS = "to_regclass('pg_temp.x') is not null"
Y_EXISTS = "to_regproc('pg_temp.y') is not null"
LETTERS = "'é漢' || current_setting('client_encoding')"
LOCKS = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
OPTION = "nullif(current_setting('app.tenant', true), '') is null"
UNBOUND = "current_setting('lock_timeout') <> '0' and current_setting('statement_timeout') = '0'"
ISOLATION = "set session characteristics as transaction isolation level serializable;"
FUNCTION = "create function pg_temp.y() returns int language sql as 'select 1';"
SEQUENCE = """create sequence public.s; select nextval('public.s');
    create function public.seen() returns text language plpgsql as
        $$ begin return lastval(); exception when others then return 'nothing'; end $$;"""
DEFERRED = """create temporary table x (id int unique deferrable initially deferred);
    insert into x values (1); update x set id = 2; update x set id = 1;"""

# What file 001 leaves behind, how file 002 would see it, and what it must see instead.
LEFT = {
    "role": ("set role pg_monitor;", "current_user", "postgres"),
    "session authorization": ("set session authorization pg_monitor;", "session_user", "postgres"),
    "search path": ("set search_path = '';", "current_setting('search_path')", '"$user", public'),
    "replication role": (
        "set session_replication_role = replica;", "current_setting('session_replication_role')", "origin"
    ),
    "read only": ("set default_transaction_read_only = on;", "current_setting('transaction_read_only')",
                  "off"),
    "isolation": (ISOLATION, "current_setting('transaction_isolation')", "read committed"),
    "timeouts": ("set lock_timeout = 0; set statement_timeout = '1h';", UNBOUND, "true"),
    "own setting": ("set app.tenant = '7';", OPTION, "true"),
    "strings": ("set standard_conforming_strings = off; set backslash_quote = off;", r"'a\b'", r"a\b"),
    "encoding latin1": ("set client_encoding = latin1;", LETTERS, "é漢UTF8"),
    "encoding sjis": ("set client_encoding = sjis;", LETTERS, "é漢UTF8"),
    "temporary table": ("create temporary table x (id int);", X_EXISTS, "false"),
    "temporary function": (FUNCTION, Y_EXISTS, "false"),
    "temporary shadow": (
        "create temporary table t000 as select 7;", "select count(*) from t000", "0"
    ),
    "temporary ledger": (
        "create temporary table schema_migrations ();", "select count(*) > 1 from schema_migrations", "true"
    ),
    "deferred on temporary": (DEFERRED, X_EXISTS, "false"),
    "listen": ("listen news;", "select count(*) from pg_listening_channels()", "0"),
    "prepared statement": ("prepare p as select 1;", "select count(*) from pg_prepared_statements", "0"),
    "cursor with hold": (
        "declare c cursor with hold for select 1;", "select count(*) from pg_cursors where name = 'c'", "0"
    ),
    "advisory lock": (
        "select pg_advisory_lock(7); select pg_advisory_lock_shared(8, 9);", LOCKS, "1"  # the runner's
    ),
    "sequence": (SEQUENCE, "public.seen()", "nothing"),
}  # fmt: skip

# What somebody put into PGOPTIONS, or into the settings of the database.
ODD = {
    "search path": {"search_path": "nowhere"},
    "isolation": {"default_transaction_isolation": "serializable", "default_transaction_deferrable": "on"},
    "strings": {"standard_conforming_strings": "off", "backslash_quote": "off"},
    "encoding": {"client_encoding": "latin1"},
    "formats": {"datestyle": "german", "bytea_output": "escape", "client_min_messages": "debug1"},
    "meaning": {"transform_null_equals": "on", "session_replication_role": "replica"},
}

QUOTES = r"""create table public.t001 as select 'é'::text || E'\\' || $$\'$$ || 'a\n' as v; -- é""" + "\n"

LATE = ("temporary table", "temporary shadow", "temporary ledger", "role", "session authorization")
TWICE = ("encoding sjis", "deferred on temporary", "temporary ledger")  # say the same as another


@pytest.fixture
def url(database: str) -> str:
    """Return the URL of an empty database."""
    return bad.emptied(database)


@pytest.mark.parametrize("name", LEFT)
def test_the_next_file_sees_nothing_of_it(tmp_path: Path, url: str, name: str) -> None:
    """Both files are applied, the second as in a new session; the ledger holds each text as written."""
    left, look, expected = LEFT[name]
    first, second = TABLE + left, NEXT.format(look=look)
    result = bad.run(bad.project(tmp_path, first, second), "migrate", url)
    assert result.exit_code == 0, result.output
    bad.check(url, "000", "001", "002")
    assert bad.query(url, "select v from public.t002") == [(expected,)]
    assert [bad.text(url, "001"), bad.text(url, "002")] == [first, second]
    assert bad.query(url, "select distinct applied_by from schema_migrations") == [("postgres",)]


def test_on_every_server_nothing_of_all_that_is_left(tmp_path: Path, each_url: str) -> None:
    """What the statements for it accept differs between versions; the result does not."""
    names = [name for name in LEFT if name not in TWICE]
    first = TABLE + "".join(LEFT[name][0] for name in sorted(names, key=lambda name: name in LATE))
    looks = " || '/' || ".join(f"({LEFT[name][1]})::text" for name in names)
    result = bad.run(bad.project(tmp_path, first, NEXT.format(look=looks)), "migrate", each_url)
    assert result.exit_code == 0, result.output
    bad.check(each_url, "000", "001", "002")
    assert bad.query(each_url, "select v from public.t002") == [("/".join(LEFT[name][2] for name in names),)]
    assert bad.text(each_url) == first


@pytest.mark.parametrize("lock", ["pg_advisory_lock", "pg_advisory_lock_shared"])
def test_a_file_that_takes_the_runners_lock_does_not_keep_it(tmp_path: Path, url: str, lock: str) -> None:
    """Behind the last file the lock is free for whoever waits, however often the file took it."""
    app = bad.project(tmp_path, TABLE + 3 * f"select {lock}({KEY});", "create table public.t002 (id int);")
    for event in app.events(url):
        if isinstance(event, Outcome):
            # Of the transaction: a session's own would be held until the server has seen the session's end.
            free = bad.query(url, f"select pg_try_advisory_xact_lock({KEY})")
    assert free == [(True,)]
    bad.check(url, "000", "001", "002")


@pytest.mark.parametrize("how", ["pg_advisory_unlock_all()", f"pg_advisory_unlock({KEY})"])
def test_a_file_cannot_give_the_runners_lock_away(tmp_path: Path, url: str, how: str) -> None:
    """The lock belongs to the transaction: while the file goes on, nobody else gets it."""
    app = bad.project(tmp_path, f"{TABLE}select {how}; select pg_sleep(2);")
    with stage.started(app, url) as process:
        bad.wait(url, "wait_event = 'PgSleep'")
        assert bad.query(url, f"select pg_try_advisory_lock({KEY})") == [(False,)]
        assert stage.finished(process)[0] == 0
    bad.check(url, "000", "001")


def test_deferred_triggers_run_as_the_file_left_its_session(tmp_path: Path, each_url: str) -> None:
    """As with psql, they see the role the file has set, not the runner's."""
    text = """create table public.t001 (id int, who text default current_user);
        grant all on public.t001 to pg_monitor; grant usage on schema public to pg_monitor;
        create function public.note() returns trigger language plpgsql as
            $$ begin insert into public.t001 values (2); return null; end $$;
        create constraint trigger later after insert on public.t001 deferrable initially deferred
            for each row when (new.id = 1) execute function public.note();
        set role pg_monitor;
        insert into public.t001 values (1);"""
    assert bad.run(bad.project(tmp_path, text), "migrate", each_url).exit_code == 0
    bad.check(each_url, "000", "001")
    assert bad.query(each_url, "select distinct who from public.t001") == [("pg_monitor",)]


def test_a_file_that_deadlocked_is_tried_again_whole(tmp_path: Path, url: str) -> None:
    """As if for the first time: nothing of the first try is left in database or session."""
    ground = "create table public.t001 (id int primary key); insert into public.t001 values (1), (2);"
    file = """create table public.t002 (id int);
        prepare p as select 1;
        select nextval('public.tries');
        update public.t001 set id = id where id = 1;
        update public.t001 set id = id where id = 2;
        insert into public.t002 select count(*) from pg_prepared_statements;"""
    app = bad.project(tmp_path, f"{ground} create sequence public.tries;", file)
    assert bad.run(app, "migrate", url, "--to", "1").exit_code == 0
    with psycopg.connect(url) as other, stage.started(app, url) as process:
        other.execute("set deadlock_timeout = '1h'")  # the runner shall be the victim
        other.execute("update public.t001 set id = id where id = 2")
        bad.wait(url, "wait_event_type = 'Lock'")
        other.execute("update public.t001 set id = id where id = 1")
        other.commit()
        assert stage.finished(process)[0] == 0
    bad.check(url, "000", "001", "002")
    assert bad.query(url, "select last_value from public.tries") == [(2,)]
    assert bad.query(url, "select id from public.t002") == [(1,)]


@pytest.mark.parametrize("name", [*ODD, None])
def test_odd_settings_change_nothing(tmp_path: Path, url: str, name: str | None) -> None:
    """The same text means the same and is recorded so; ``None``: the database has all of the settings."""
    environ = {}
    if name:
        environ = {"PGOPTIONS": " ".join(f"-c {key}={value}" for key, value in ODD[name].items())}
    else:
        for key, value in (item for settings in ODD.values() for item in settings.items()):
            bad.query(url, f"alter database {bad.name(url)} set {key} = '{value}'")
    result = bad.run(bad.project(tmp_path, QUOTES), "migrate", url, **environ)
    assert result.exit_code == 0, result.output
    bad.check(url, "000", "001")
    assert bad.query(url, "select v from public.t001") == [("é\\\\'a\\n",)]
    assert bad.text(url) == QUOTES


@pytest.mark.parametrize("text", [r"select '\''; commit; --'", r"select 'a\'; commit; select '\';"])
def test_a_commit_cannot_hide_behind_a_setting(tmp_path: Path, url: str, text: str) -> None:
    """Where backslashes escape, the scanner would read other strings than the server."""
    bad.query(url, f"alter database {bad.name(url)} set standard_conforming_strings = off")
    bad.run(bad.project(tmp_path, TABLE + text), "migrate", url)
    bad.check(url, *bad.recorded(url))


def test_under_the_lock_the_ledger_is_read_as_it_is_then(tmp_path: Path, url: str) -> None:
    """A default of serializable would show it as it was before the lock; the runner does not take it over."""
    app = bad.project(
        tmp_path, "create table public.t001 as select current_setting('transaction_isolation');"
    )
    bad.run(app, "migrate", url, PGOPTIONS="-c default_transaction_isolation=serializable")
    assert bad.query(url, "select * from public.t001") == [("read committed",)]
