"""What no text of a file shows: a trigger on the ledger, a function that resets, a clock that stands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner import apply, database
from runner.apply.event import Retrying
from runner.database import Access
from runner.errors import LedgerUntrusted, RunnerError, ServerUnusable, SqlFailed
from runner.files import folder
from tests.project import make, tables

if TYPE_CHECKING:
    from pathlib import Path

    from tests.project import Project

SWALLOW = """
create function public.stamp() returns trigger language plpgsql as $$ begin return null; end $$;
do $$ declare t text; begin
    for t in select tablename from pg_catalog.pg_tables where schemaname = 'public' loop
        execute format('create trigger stamp before insert on public.%I for each row
            execute function public.stamp()', t);
    end loop;
end $$;
create table public.t2 (id int);
"""
SWALLOWED = {
    "by a trigger": SWALLOW,
    "by a rule": (
        "create table public.t2 (id int);\ndo $$ begin execute 'create rule r as on insert to public.' || "
        "'schema_migrations do instead nothing'; end $$;"
    ),
}


def recorded(db: psycopg.Connection) -> list[str]:
    """Return the versions of the ledger."""
    return [v for (v,) in db.execute("select version from public.schema_migrations order by version")]


def exists(db: psycopg.Connection, name: str) -> bool:
    """Tell whether there is such a relation."""
    return db.execute("select to_regclass(%s)", [name]).fetchone() != (None,)


@pytest.mark.parametrize("text", SWALLOWED.values(), ids=SWALLOWED)
@pytest.mark.parametrize("number", [3, 9], ids=["the last", "in the middle"])
def test_a_file_whose_record_is_swallowed_is_rolled_back(
    tmp_path: Path, each_url: str, db: psycopg.Connection, text: str, number: int
) -> None:
    """Nothing is applied that the ledger does not know, and what came before it is."""
    app = make(tmp_path, app=tables(number, t2=text))
    with pytest.raises(RunnerError, match=r"002_t2.sql cannot be recorded") as caught:
        app.migrate(each_url)
    assert isinstance(caught.value, LedgerUntrusted) or "rule" in text
    assert recorded(db) == ["000", "001"]
    assert not exists(db, "public.t2")
    app.write("app", {"002_t2.sql": "create table public.t2 (id int);"})
    assert len(app.migrate(each_url)) == number - 2


def test_a_file_outside_any_transaction_whose_record_is_swallowed_is_told(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """It is not called applied."""
    text = "-- runner: no-transaction\ndo $$ begin execute 'create rule r as on update to public.'"
    text += " || 'schema_migrations do instead nothing'; end $$;"
    app = make(tmp_path, app={"000_t.sql": "select 1;", "001_rule.sql": text})
    with pytest.raises(RunnerError, match=r"001_rule.sql cannot be recorded"):
        app.migrate(each_url)
    assert db.execute("select running from public.schema_migrations where version = '001'").fetchone() == (
        True,
    )


RESETS = {
    "a procedure": (
        "create procedure public.tidy() language plpgsql as $$ begin reset all; end $$;",
        "call public.tidy();",
    ),
    "a function": (
        "create function public.tidy() returns void language plpgsql as $$ begin RESET ALL; end $$;",
        "select public.tidy();",
    ),
}


@pytest.mark.parametrize("name", RESETS)
@pytest.mark.parametrize("number", [3, 9])
def test_a_function_that_resets_all_settings_ends_no_transaction(
    tmp_path: Path, each_url: str, db: psycopg.Connection, name: str, number: int
) -> None:
    """The runner's mark goes with them, and comes back; each file is run once, as far as anybody can see."""
    made, called = RESETS[name]
    called = f"create table public.t2 (id int);\n{called}\ninsert into public.t2 values (1);"
    app = make(tmp_path, app=tables(number, t1=made, t2=called))
    assert len(app.migrate(each_url)) == number
    assert db.execute("select count(*) from public.t2").fetchone() == (1,)
    assert len(recorded(db)) == number


EVENTS = "create table public.t0 (at timestamptz primary key default now()); insert into t0 default values;"


def test_what_is_unique_by_the_time_is_so_from_file_to_file(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Though now() is the same for all files of a message: one that it fails is sent by itself."""
    insert = "create table public.t{0} (id int);\ninsert into public.t0 default values;"
    files = tables(8, t0=EVENTS, t3=insert.format(3), t6=insert.format(6))
    assert len(make(tmp_path, app=files).migrate(each_url)) == 8
    assert db.execute("select count(distinct at) from public.t0").fetchone() == (3,)


WHO = "coalesce(pg_catalog.current_setting('app.who', true), 'nobody')"
OWN_SETTINGS = {
    "for the session": "set app.who = 'me';",
    "for the transaction": 'SET LOCAL "app" . "who" TO \'me\';',
    "by a function": "select pg_catalog.set_config ( 'app.who', 'me', true);",
    "in a block": "do $$ begin perform set_config('app.who', 'me', false); end $$;",
    "outside a transaction": "-- runner: no-transaction\nset app.who = 'me';",
}


@pytest.mark.parametrize("name", OWN_SETTINGS)
def test_a_setting_of_a_files_own_is_not_there_for_the_next(
    tmp_path: Path, each_url: str, db: psycopg.Connection, name: str
) -> None:
    """Reset, it would be an empty text in its session for good: no uuid, and nobody's name."""
    asks = f"create table public.t2 as select {WHO} as who;"
    app = make(tmp_path, app=tables(6, t1=OWN_SETTINGS[name], t2=asks, t5=asks.replace("t2", "t5")))
    assert len(app.migrate(each_url)) == 6
    assert db.execute("select who from public.t2 union all select who from public.t5").fetchall() == [
        ("nobody",),
        ("nobody",),
    ]


def test_between_two_files_that_somebody_looks_at_it_is_not_there_either(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """One by one, as the reference is made; each session is closed before somebody looks."""
    asks = f"create table public.t2 as select {WHO} as who;"
    make(tmp_path, app=tables(4, t1="set app.who = 'me';", t2=asks, t3=asks.replace("t2", "t3")))
    files = folder.load("app", tmp_path / "app", root=tmp_path)
    connect = partial(database.connect, each_url, source="the test server")
    with connect() as connection:
        assert [one.number for one in apply.one_by_one(Access(connection, connect), files)] == [0, 1, 2, 3]
    both = "select who from public.t2 union all select who from public.t3"
    assert db.execute(both).fetchall() == [("nobody",), ("nobody",)]


def test_a_file_that_is_tried_again_does_not_find_its_own_setting(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """What it set the first time was rolled back, and would be an empty text the second time."""
    asks, waits = f"create table public.t1 as select {WHO} as who;", "alter table other.busy add x int;"
    app = make(tmp_path, app=tables(3, t1=f"{asks}\nset app.who = 'me';\n{waits}"))
    db.execute("create schema other; create table other.busy (id int)")
    with psycopg.connect(each_url) as blocker:
        blocker.execute("lock table other.busy")
        for event in app.events(each_url, lock_timeout=0.2):
            if isinstance(event, Retrying):
                blocker.rollback()
    assert db.execute("select who from public.t1").fetchone() == ("nobody",)


# Each holds with psql, which runs each file in a transaction of its own, and in a session of its own.
HOLDS_ALONE = {
    "a range from one file to the next": (
        "create table public.t0 (at timestamptz, r tstzrange); insert into t0 values (clock_timestamp());",
        "update public.t0 set r = tstzrange(at, now());",
    ),
    "a body that raises": (
        "create table public.t0 as select clock_timestamp() as at;",
        "do $$ begin if (select max(at) from public.t0) >= now() then raise 'too early'; end if; end $$;",
    ),
    "what a function prepares": (
        "create procedure p() language plpgsql as $$ begin execute 'prep' || 'are q as select 1'; end $$;",
        "call p();",
    ),
    "with a statement of its own": (EVENTS, "prepare z as insert into public.t0 default values; execute z;"),
}


@pytest.mark.parametrize("name", HOLDS_ALONE)
def test_what_holds_by_itself_holds_behind_others(
    tmp_path: Path, each_url: str, db: psycopg.Connection, name: str
) -> None:
    """It is sent once more, and nothing is left of the first try."""
    first, then = HOLDS_ALONE[name]
    files = tables(8, t0=first, t1=then, t2=then, t6=then)
    assert len(make(tmp_path, app=files).migrate(each_url)) == 8
    assert len(recorded(db)) == 8


def test_what_fails_behind_a_prepared_statement_is_told_as_it_is(tmp_path: Path, each_url: str) -> None:
    """The statement is not there twice when the file is sent once more."""
    twice = "prepare z as insert into public.t0 values ($1);\nexecute z (1);\nexecute z (1);\ndeallocate z;"
    files = tables(3, t0="create table public.t0 (id int primary key);", t1=twice)
    with pytest.raises(SqlFailed, match=r"duplicate key") as caught:
        make(tmp_path, app=files).migrate(each_url)
    assert caught.value.place
    assert caught.value.place.line == 3


def test_a_file_behind_a_long_one_that_forgets_all_statements_is_applied(
    tmp_path: Path, each_url: str
) -> None:
    """The long one is recorded without them; the next one finds that they are gone."""
    made = "create function public.tidy() returns void language plpgsql as $$ begin deallocate all; end $$;"
    long = f"create table public.t2 (id int); select public.tidy(); select '{'x' * 70_000}';"
    files = tables(8, t1=made, t2=long)
    assert len(make(tmp_path, app=files).migrate(each_url)) == 8


def test_what_is_not_unique_fails_after_all(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """By itself, too; and what came before it is applied."""
    double = "create table public.t2 (id int primary key);\ninsert into public.t2 values (1), (1);"
    with pytest.raises(SqlFailed, match=r"002_t2.sql failed: duplicate key"):
        make(tmp_path, app=tables(5, t2=double)).migrate(each_url)
    assert recorded(db) == ["000", "001"]


AUDIT = """
create schema aud; create table aud.ddl_log (tag text);
create function aud.log() returns event_trigger language plpgsql as $$
begin insert into ddl_log values (tg_tag); end $$;
create event trigger aud_log on ddl_command_end execute function aud.log();
"""


def test_an_event_trigger_that_needs_a_path_is_to_blame_not_the_file(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The ledger is made with an empty search_path: the error says so, and the remedy helps."""
    db.execute(AUDIT.encode())
    db.execute(f"alter database {db.info.dbname} set search_path = aud, public".encode())
    app = make(tmp_path, app={"000_t.sql": "create table public.t (id int);"})
    with pytest.raises(
        LedgerUntrusted, match=r'as the ledger.*was made: relation "ddl_log" does not'
    ) as caught:
        app.migrate(each_url)
    assert "alter function ... set search_path" in (caught.value.remedy or "")
    assert "aud.log()" in caught.value.notes[0]
    db.execute("alter function aud.log() set search_path = aud")
    assert len(app.migrate(each_url)) == 1


def test_an_event_trigger_is_to_blame_before_a_file_outside_any_transaction_and_a_baseline(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """They make the ledger by themselves."""
    db.execute(AUDIT.replace("insert into ddl_log values (tg_tag)", "raise 'frozen'").encode())
    app = make(tmp_path, app={"000_v.sql": "-- runner: no-transaction\nvacuum;"})
    for words in (("migrate",), ("baseline", "app", "--to", "0", "--despite-drift")):
        said = app.run(CliRunner(), *words, APP_URL=each_url)
        assert said.exit_code == 4, said.output
        assert "error LEDGER_UNTRUSTED: An event trigger failed as the ledger, " in said.stderr
        assert "was made: frozen." in said.stderr
        assert "PL/pgSQL function aud.log() line 2 at RAISE" in said.stderr
        assert "leave public.schema_migrations out, or disable it for the first run." in said.stderr
    assert db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,)


def test_an_event_trigger_that_refuses_on_purpose_is_told_with_its_hint(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """No search_path helps there."""
    db.execute(
        AUDIT.replace("insert into ddl_log values (tg_tag)", "raise 'frozen' using hint = 'ask'").encode()
    )
    app = make(tmp_path, app={"000_t.sql": "create table public.t (id int);"})
    with pytest.raises(LedgerUntrusted, match=r"as the ledger.*was made: frozen") as caught:
        app.migrate(each_url)
    assert "search_path" not in (caught.value.remedy or "")
    assert "leave public.schema_migrations out" in (caught.value.remedy or "")
    assert caught.value.notes[-1] == "HINT: ask"


def _without_language(app: Project, url: str, *, says: str) -> None:
    with pytest.raises(ServerUnusable, match=says) as caught:
        app.migrate(url)
    assert "create extension plpgsql" in (caught.value.remedy or "")


def test_without_plpgsql_it_is_said_what_is_missing(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """And no file is blamed, be it the first one or one behind that which dropped it."""
    db.execute("drop extension plpgsql")
    app = make(tmp_path, app={"000_t.sql": "create table public.t (id int);"})
    _without_language(app, each_url, says="no language plpgsql")
    db.execute("create extension plpgsql")
    assert len(app.migrate(each_url)) == 1
    app.write("app", {"001_drop.sql": "drop extension plpgsql;", "002_t.sql": "select 1;"})
    _without_language(app, each_url, says="no language plpgsql")


def test_a_role_that_may_not_use_plpgsql_is_told(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The file has nothing to do with it."""
    app = make(tmp_path, app={"000_t.sql": "create table public.t (id int);"})
    db.execute("create role t_mute login; grant create on schema public to t_mute")
    db.execute("revoke all on language plpgsql from public")
    try:
        with pytest.raises(ServerUnusable, match="This role may not use language plpgsql") as caught:
            app.migrate(each_url.replace("postgres@", "t_mute@"))
        assert "grant usage on language plpgsql" in (caught.value.remedy or "")
    finally:
        db.execute("grant usage on language plpgsql to public; drop owned by t_mute; drop role t_mute")


def test_a_text_is_recorded_whole_where_two_letters_are_one(tmp_path: Path, each_url: str) -> None:
    """In EUC_JIS_2004, as the server counts: the text of a long file is sent, and places are found."""
    name = "euc_jis"
    long = "create table public.t1 (id int);\n" + "insert into public.t1 values (1);\n" * 3000
    pairs = "create table public.t0 (id int);\n-- " + 100 * "か\u309a" + "\n"
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute(f"create database {name} encoding 'EUC_JIS_2004' locale 'C' template template0".encode())
        try:
            url = each_url.replace(f"/{db.info.dbname}", f"/{name}").replace(
                f"dbname={db.info.dbname}", f"dbname={name}"
            )
            app = make(tmp_path, app=tables(3, t0=pairs, t1=long))
            app.migrate(url)
            with psycopg.connect(url, client_encoding="utf8") as there:
                assert there.info.dbname == name
                texts: dict[str, str] = dict(
                    there.execute("select version, sql from public.schema_migrations").fetchall()
                )
            assert texts["001"] == long
            assert texts["000"] == pairs
        finally:
            db.execute(f"drop database {name} with (force)".encode())
