"""A file that takes the ledger for a table of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.errors import FileRefused, RunnerError, SqlFailed
from runner.ledger import claim
from tests.project import TWO, make

if TYPE_CHECKING:
    from pathlib import Path

CLAIMS = [
    "create table schema_migrations (version bigint primary key, dirty boolean);",
    "CREATE TABLE IF NOT EXISTS public.Schema_Migrations (version varchar);",
    'create unlogged table "public"."schema_migrations" ();',
    "create table public . schema_migrations as select 1;",
    "create view schema_migrations as select 1;",
    "create or replace view public.schema_migrations as select 1;",
    "create materialized view schema_migrations as select 1;",
    "create sequence schema_migrations;",
    "create foreign table schema_migrations (version bigint) server s;",
    "create type schema_migrations as (version bigint);",
    "drop table schema_migrations;",
    "drop table if exists public.schema_migrations cascade;",
    'alter table only public."schema_migrations" add constraint x primary key (version);',
    "alter table if exists schema_migrations rename to old;",
    "insert into \"schema_migrations\" (version) values ('20240101000000');",
    "update public.schema_migrations set name = 'x';",
    "delete from only schema_migrations;",
    "merge into schema_migrations as t using s on false when not matched then do nothing;",
    "truncate public.schema_migrations;",
    "truncate table schema_migrations;",
    "create trigger t after insert on public.schema_migrations execute function f();",
    "create or replace constraint trigger t after insert on schema_migrations execute function f();",
    "create rule r as on insert to schema_migrations do instead nothing;",
    "create policy p on schema_migrations using (true);",
    "create table kid () inherits (schema_migrations);",
    'create unlogged table kid (a int) inherits (app.t, "public"."schema_migrations");',
    "alter table kid inherit public.schema_migrations;",
    "truncate t, public.schema_migrations;",
    "drop table if exists t, only schema_migrations;",
    "with x as (delete from public.schema_migrations returning 1) select * from x;",
    "do $$\nbegin\n    delete from public.schema_migrations;\nend $$;",
    "do $$ begin execute 'truncate table schema_migrations'; end $$;",
]
OTHERS = [
    "create table app.schema_migrations (version bigint);",
    "create table schema_migrations_old ();",
    "create table schema_migrations$ ();",
    'create table "Schema_Migrations" ();',
    "create temporary table schema_migrations ();",
    "create table t (schema_migrations int);",
    "create schema schema_migrations; ",
    "create table schema_migrations.t ();",
    "select * from public.schema_migrations;",
    "grant select on public.schema_migrations to monitor;",
    "alter table public.schema_migrations owner to joe;",
    "create view applied as select * from public.schema_migrations;",
    "comment on table t is 'drop table schema_migrations;';",
    "with x as (select * from schema_migrations) insert into t select * from x;",
    "do $$ begin if exists (select from public.schema_migrations) then perform 1; end if; end $$;",
    "create table kid () inherits (app.schema_migrations);",
    "create table kid (like public.schema_migrations);",
    "alter table kid no inherit public.schema_migrations;",
    "truncate t, app.schema_migrations;",
]


@pytest.mark.parametrize("statement", CLAIMS)
def test_a_statement_about_the_ledger_is_recognised(statement: str) -> None:
    """However it is written: making, changing, dropping, writing, dressing."""
    assert claim.claims(statement)


@pytest.mark.parametrize("statement", OTHERS)
def test_other_tables_and_mere_looking_are_not(statement: str) -> None:
    """A longer name, another schema, a temporary table, a right to select, a change of owner."""
    assert not claim.claims(statement)


@pytest.mark.parametrize("own", [CLAIMS[1], "create /* it's ours */ table -- now\n schema_migrations ();"])
def test_it_is_refused_before_anything_is_sent(tmp_path: Path, each_url: str, own: str) -> None:
    """The place is shown, and that this is the ledger; nothing was made. A comment hides nothing."""
    app = make(tmp_path, app=TWO | {"002_dump.sql": f"create table public.t ();\n\n{own}\n"})
    with pytest.raises(FileRefused) as caught:
        app.migrate(each_url)
    assert str(caught.value.place) == "app/002_dump.sql:3:1"
    assert "runner's own ledger" in (caught.value.remedy or "")
    with psycopg.connect(each_url) as db:
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)


def test_a_comment_or_a_string_is_no_statement(tmp_path: Path, each_url: str) -> None:
    """What only mentions it is applied, and what looks like it in another schema."""
    text = f"-- {CLAIMS[0]}\nselect '{CLAIMS[0]}';\ncreate schema app; {OTHERS[0]}"
    assert len(make(tmp_path, app={"000_a.sql": text}).migrate(each_url)) == 1


@pytest.mark.parametrize(
    "hidden",
    [
        "drop table schema_migrations;",
        "drop table schema_migrations; create table schema_migrations (version bigint, dirty boolean);",
        "create table schema_migrations (version bigint, dirty boolean);",
        "insert into schema_migrations (version) values ('1');",
        "insert into schema_migrations (dirty) values (true);",
        "drop view schema_migrations;",
        "insert into schema_migrations values ('app', '000', 'a', '', '', default, default, 0, '');",
    ],
)
def test_what_a_block_hides_fails_with_the_same_words(tmp_path: Path, each_url: str, hidden: str) -> None:
    """The server finds it while the file runs, or when it is to be recorded; nothing stays."""
    app = make(tmp_path, app={"000_a.sql": f"do $$ begin {hidden} end $$;"})
    with pytest.raises(SqlFailed) as caught:
        app.migrate(each_url)
    assert caught.value.remedy == claim.OWN
    with psycopg.connect(each_url) as db:
        assert db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,)


def test_a_mistake_about_another_table_is_another_matter(tmp_path: Path, url: str) -> None:
    """Whatever the SQLSTATE."""
    with pytest.raises(SqlFailed, match="nowhere") as caught:
        make(tmp_path, app={"000_a.sql": "do $$ begin perform 1 from nowhere; end $$;"}).migrate(url)
    assert caught.value.remedy != claim.OWN


def test_a_right_that_lacks_is_another_matter(tmp_path: Path, plain_url: str, each_url: str) -> None:
    """A ledger that may not be written is not taken for a mistake of the file."""
    app = make(tmp_path, app=TWO)
    app.migrate(plain_url, to=0)
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute('revoke insert on public.schema_migrations from "Plain-role"')
    with pytest.raises(RunnerError, match="cannot be recorded") as caught:
        app.migrate(plain_url)
    assert caught.value.remedy != claim.OWN
