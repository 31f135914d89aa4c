"""Rows for any table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import database
from runner.schema import rows
from runner.schema.rows import Filler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.database import Connection

PLAIN_TYPES = (
    "int bigint smallint real numeric(3,2) numeric(2,2) text char(2) varchar(3) varchar(1) uuid json jsonb"
)
PLAIN_TYPES += (
    " bytea inet boolean int[] date timestamptz interval int4range tstzrange nummultirange bit(3) point"
)

TABLES = {
    "defaults": "create table public.t (id int generated always as identity, x int default 1)",
    "plain types": "create table public.t ("
    + ", ".join(f'"{type_}" {type_} not null' for type_ in PLAIN_TYPES.split())
    + ")",
    "a word of a list": "create table public.t (a varchar(20) not null check (a in ('red', 'it''s green')))",
    "any case": "create table public.t (a text not null check (lower(a) in ('red', 'green')))",
    "a range": "create table public.t (a int not null check (a between 40 and 60))",
    "less than a negative number": "create table public.t (a int not null check (a < -5))",
    "a fraction": "create table public.t (a numeric not null check (a > 0.1 and a < 0.2))",
    "a length": "create table public.t (a text not null check (char_length(a) = 17))",
    "a pattern": "create table public.t (a text not null check (a ~ '^[A-Z]{2}[0-9]+(-x)?$'))",
    "a brace": "create table public.t (a text not null check (a ~ '^({|[[]).*}{2}$'))",
    "a pattern of like": "create table public.t (a text not null check (a like 'ab_c%'))",
    "keys of json": "create table public.t (a jsonb not null check (a ? 'kind' and a ? 'size'))",
    "a date after": "create table public.t (a date not null check (a > '2050-01-01'))",
    "one of two": "create table public.t (a text, b text, check (a is not null or b is not null))",
    "an order": "create table public.t (a date not null, b date not null, check (b > a))",
    "an enum": "create type public.mood as enum ('sad'); create table public.t (a public.mood not null)",
    "a domain": "create domain public.d int check (value > 1000); create table public.t ("
    "a public.d not null)",
    "a domain of one": "create domain public.d text check (value ~ '^x'); create domain public.e public.d"
    " check (length(value) > 5); create table public.t (a public.e not null)",
    "a composite": "create type public.pair as (a int, b text); create table public.t ("
    "a public.pair not null)",
    "composites": "create type public.pair as (a int, b text); create table public.t ("
    "a public.pair[] not null)",
    "a range of its own": "create type public.fr as range (subtype = float8); create table public.t ("
    "a public.fr not null)",
    "generated": "create table public.t (a int not null, b int generated always as (a * 2) stored not null)",
    "odd names": 'create table public."T t" ("a b" int not null, "select" text not null)',
    "a later table": "create table public.a (id int primary key, b int);"
    " create table public.t (id int primary key);"
    " alter table public.a add foreign key (b) references public.t, alter b set not null",
    "itself": "create table public.t (id int primary key, parent int not null references public.t)",
    "two keys together": "create table public.a (x int, y text, primary key (x, y));"
    " create table public.t (x int not null, y text not null, foreign key (x, y) references public.a)",
    "a key and a word": "create table public.a (c text primary key check (c in ('a', 'b')));"
    " create table public.t (c text not null references public.a check (c = 'b'))",
    "a circle": "create table public.a (id int primary key, b int not null);"
    " create table public.t (id int primary key, a int not null references public.a);"
    " alter table public.a add foreign key (b) references public.t",
    "partitions": "create table public.t (a int not null) partition by range (a);"
    " create table public.t1 partition of public.t for values from (100) to (110)",
    "partitions by list": "create table public.t (a text not null) partition by list (a);"
    " create table public.t1 partition of public.t for values in ('eu', 'us')",
    "partitions of partitions": "create table public.t ("
    "a int not null, b text not null) partition by range (a);"
    " create table public.t1 partition of public.t for values from (500) to (510) partition by list (b);"
    " create table public.t2 partition of public.t1 for values in ('eu')",
    "a deferred trigger": "create table public.t ("
    "id int primary key); create function public.f() returns trigger"
    " language plpgsql as $$ begin if new.id < 7002 then raise 'no'; end if; return new; end $$;"
    " create constraint trigger c after insert on public.t deferrable initially deferred"
    " for each row execute function public.f()",
    "an exclusion": "create table public.t (r tstzrange not null, exclude using gist (r with &&))",
}


@pytest.fixture
def db(url: str) -> Iterator[Connection]:
    """Return a connection to an empty database."""
    with database.connect(url, source="x") as connection:
        yield connection


def count(db: Connection, table: str = "public.a") -> int:
    """Return the number of rows."""
    [(number,)] = database.query_quoted(db, f"select count(*) from {table}")  # noqa: S608 - a name of this module
    return int(number)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_rows_are_made_for_every_kind_of_table(db: Connection, table: str) -> None:
    """Types, checks, references, bounds and names are taken from the catalog."""
    database.run(db, table)
    filler = Filler(db, "public.nope")
    rows.fill(filler)
    assert filler.empty == {}
    assert filler.tables
    assert [one.name for one in filler.tables.values() if not count(db, one.name)] == []


def test_rows_differ_and_are_neither_0_nor_1(db: Connection) -> None:
    """An update that adds, multiplies or swaps changes them; the last row has what is required only."""
    database.run(db, "create table public.a (id int primary key, n int, m int, s text, f boolean not null)")
    rows.fill(Filler(db, "public.nope"))
    found = database.query(db, "select n, m, s, f from public.a order by id")
    assert found == [(23, 42, "ant", False), (42, 11, "bee", True), (None, None, None, False)]


@pytest.mark.parametrize("type_", ["serial", "bigserial", "bigint generated always as identity"])
def test_keys_that_a_sequence_numbers_are_such_as_no_seed_would_use(db: Connection, type_: str) -> None:
    """The sequence is drawn all the same, so that a file that sets it back is seen."""
    database.run(db, f"create table public.a (id {type_} primary key, s text)")
    rows.fill(Filler(db, "public.nope"))
    assert database.query(db, "select id from public.a order by id") == [(7001,), (7002,), (7003,)]
    assert database.query(db, "select last_value from public.a_id_seq") == [(3,)]


def test_a_table_that_takes_no_guess_is_named_and_the_others_are_filled(db: Connection) -> None:
    """One stubborn table does not keep the others empty."""
    database.run(
        db, "create table public.a (x text not null check (md5(x) like '00%')); create table public.b (x int)"
    )
    filler = Filler(db, "public.nope")
    rows.fill(filler)
    assert list(filler.empty.values()) == ["public.a"]
    assert (count(db), count(db, "public.b")) == (0, 3)


def test_a_trigger_that_swallows_rows_is_noticed(db: Connection) -> None:
    """What is told as inserted is there."""
    trigger = "create function public.f() returns trigger language plpgsql as 'begin return null; end';"
    trigger += " create trigger t before insert on public.a for each row execute function public.f()"
    database.run(db, f"create table public.a (x int); {trigger}")
    filler = Filler(db, "public.nope")
    rows.fill(filler)
    assert (list(filler.empty.values()), filler.made) == (["public.a"], {})


def test_a_table_with_rows_enough_is_left_alone(db: Connection) -> None:
    """Only what has few rows is filled, and the table excepted never."""
    database.run(db, "create table public.a (x int); insert into public.a values (7), (8), (9)")
    database.run(db, "create table public.b ()")
    filler = Filler(db, "public.b")
    rows.fill(filler)
    assert (count(db), count(db, "public.b"), filler.made) == (3, 0, {})


def test_made_rows_can_be_taken_back_and_others_stay(db: Connection) -> None:
    """A file that trips over them is tried without; those of tables that refer to them go, too."""
    database.run(
        db, "create table public.a (id int primary key, s text); insert into public.a values (1, 'x')"
    )
    database.run(db, "create table public.b (a int not null references public.a)")
    filler = Filler(db, "public.nope")
    rows.fill(filler)
    assert (count(db), count(db, "public.b")) == (3, 3)
    rows.clear(filler, [next(oid for oid, table in filler.tables.items() if table.name == "public.a")])
    assert (count(db), count(db, "public.b")) == (1, 0)


def test_a_row_is_added_that_holds_what_a_file_looks_for(db: Connection) -> None:
    """Nothing is paid unless somebody pays."""
    database.run(db, "create table public.a (id int primary key, state text not null default 'new')")
    filler = Filler(db, "public.nope")
    rows.fill(filler)
    rows.add(filler, {next(iter(filler.tables)): [("state", "'paid'")]})
    assert database.query(db, "select count(*) from public.a where state = 'paid'") == [(1,)]


def test_the_rows_of_a_project_are_used_in_place_of_guesses(db: Connection, tmp_path: Path) -> None:
    """A file per table; one that fails is told, and guesses stand in."""
    database.run(db, "create table public.a (x text); create table public.b (x text)")
    (tmp_path / "public.a.sql").write_text("insert into public.a values ('a'), ('b'), ('c')")
    (tmp_path / "public.b.sql").write_text("insert into public.nope values ('a')")
    filler = Filler(db, "public.nope", own=tmp_path)
    rows.fill(filler)
    assert database.query(db, "select x from public.a order by x") == [("a",), ("b",), ("c",)]
    assert (count(db, "public.b"), list(filler.failed)) == (3, ["public.b.sql"])


def test_rows_of_a_project_that_cannot_be_read_are_told(db: Connection, tmp_path: Path) -> None:
    """In place of what is no UTF-8 guesses stand in; a byte order mark in front is no part of the rows."""
    database.run(db, "create table public.a (x text); create table public.b (x text)")
    (tmp_path / "public.a.sql").write_text("insert into public.a values ('é')", encoding="utf-8-sig")
    (tmp_path / "public.b.sql").write_text("insert into public.b values ('é')", encoding="latin-1")
    filler = Filler(db, "public.nope", own=tmp_path)
    rows.fill(filler)
    assert ("é",) in database.query(db, "select x from public.a")
    assert (count(db, "public.b"), filler.failed) == (3, {"public.b.sql": "it is not UTF-8"})
