"""What a file says tells whether the session behind it, or before it, must be a new one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runner import files

ROOT = Path(__file__).parents[2]
REMAKES = [
    "alter type public.status rename to status_old;", "ALTER TYPE m ALTER ATTRIBUTE v TYPE bigint",
    "alter table public.t alter column c type bigint;", "alter table t alter c set data type text",
    'Alter Table t Alter Column "a b" Type int', "alter /* so */ domain d rename to e",
    "alter table if exists only public.t rename to u", "alter table t rename column a to b",
    "alter table t rename a to b", "alter table t set schema old", "alter schema a rename to b",
    "alter materialized view v rename to w", "drop type if exists s", "DROP TABLE t", "drop domain d",
    "alter table t drop column c", "alter table t drop c, add c bigint", "drop schema s cascade",
    "drop extension citext", "alter extension citext update", 'drop\n    view "v"', "drop -- now\n table t",
    "do $$ begin execute 'alter table ' || t || ' alter column x type bigint'; end $$",
    "do $$ begin execute format('drop table %I', t); end $$", r"do E'begin\n alter\ttype x rename to y; end'",
    "alter table t add column a int; alter table t alter column b type bigint",
    "-- add amount in cents\nalter table t alter column amount type numeric(10,2)",
    "alter table t drop role, add role public.member", "alter table t drop language",
    "alter table u add column a int; alter table t alter column a type bigint",
    "alter table t add column if not exists a int; alter table t alter column a type bigint",
]  # fmt: skip
KEEPS = [
    "create table t (id int, type text)", "alter type mood add value 'glad'",
    "alter type m add attribute a int",
    "alter table t add column c text", "alter table t alter column c set default 1",
    "alter table t alter column c drop not null", "alter table t alter column c drop default",
    "alter table t drop constraint c", "alter table t rename constraint a to b",
    "alter index i rename to j", "drop index i", "drop trigger if exists t on x", "drop policy p on t",
    "drop function f()", "comment on table t is 'its type is another'",
    "alter domain d add check (value > 0)",
    "alter table t add column c text; alter table t alter column c type int using c::int",
    "ALTER TABLE ONLY a.t ADD c text;\nALTER TABLE\n  a.t ALTER c SET DATA TYPE int USING c::int",
    "alter table t enable row level security", "alter table t validate constraint c",
    "create event trigger e on sql_drop execute function f()", "drop user u; drop group g; drop tablespace t",
]  # fmt: skip
OWN = [
    "set app.who = 'me'", 'SET LOCAL "app" . who to 1', "select set_config('app.who', 'me', true)",
    "select set_config(E'app.who', 'me', true)", "select set_config(k, v, true) from x",
    'select "set_config"($$a.b$$, $$c$$, true)', "execute format('set local %I.%I = 1', a, b)",
    "execute 'set local ' || name || ' = 1'", "execute 'set app.' || name", "select setseed(0.5)",
    "set seed = 0.5", "set local seed to 0.5", "select set_config('seed', '0.5', false)",
    "select pg_replication_origin_session_setup('x')", "alter database d set work_mem = '4MB'",
    "alter role r in database d set search_path = a",
    "execute concat_ws(' ', 'alter', 'database', d, 'set timezone = x')",
    "create event trigger g on login execute function f()", "alter event trigger g enable always",
]  # fmt: skip
RESET = [
    "set search_path = a", "set local lock_timeout to '1s'", "select set_config('search_path', '', false)",
    "update t set a = 1, b = 2", "alter role r password 'x'", "-- seed data, set up for a setup",
    "create event trigger g on ddl_command_end execute function f()", "alter table t set (fillfactor = 70)",
    "comment on column t.c is 'at most one set each.'; comment on column t.d is 'x'",
]  # fmt: skip
LONG = [
    "alter ",
    "alter a,",
    "drop index ",
    "set a ",
    'set "a ',
    "set_config ",
    "event trigger ",
    "alter table a,",
    "alter table t add a alter column a type ",
    r"alter\n",
    r"event\ntrigger\n",
    "alter table " + "t" * 250 + " add a; alter a type b;",
]


@pytest.mark.parametrize("text", REMAKES)
def test_another_type_takes_a_new_session_before_and_behind_it(text: str) -> None:
    """Neither the file nor what follows it may meet a function that knows the old one."""
    assert (files.remakes(text), files.ages(text)) == (True, True)


@pytest.mark.parametrize("text", KEEPS)
def test_what_leaves_types_as_they_are_takes_none(text: str) -> None:
    """Columns, values and what is no type may come and go."""
    assert (files.remakes(text), files.ages(text)) == (False, False)


@pytest.mark.parametrize("text", OWN)
def test_what_no_reset_reaches_takes_a_new_session_behind_it(text: str) -> None:
    """The file itself runs in the one that is there."""
    assert (files.remakes(text), files.ages(text)) == (False, True)


@pytest.mark.parametrize("text", RESET)
def test_what_is_put_back_takes_none(text: str) -> None:
    """It is as in a new session."""
    assert files.ages(text) is False


def test_the_files_of_this_project_share_a_session() -> None:
    """None of them leaves anything, though one changes the type of columns that it has added."""
    texts = {one.name: one.read_text(encoding="utf-8") for one in (ROOT / "sql").glob("*/*.sql")}
    assert len(texts) == 13
    assert [name for name, text in texts.items() if files.ages(text)] == []


@pytest.mark.parametrize("words", LONG)
def test_a_long_file_takes_no_time_to_speak_of(words: str) -> None:
    """However often the words come back: a megabyte in less than a second."""
    began = time.process_time()
    files.ages(words * (1_000_000 // len(words)))
    assert time.process_time() - began < 1
