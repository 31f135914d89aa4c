"""Rows for any table, and whether they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import database
from runner.schema import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection

PLAIN_TYPES = "int bigint real numeric(3,2) text char(2) varchar(3) uuid json jsonb bytea inet boolean int[]"
PLAIN_TYPES += " date timestamptz interval int4range"

TABLES = {
    "nothing": "create table public.t ()",
    "defaults": "create table public.t (id int generated always as identity, x int default 1)",
    "plain types": "create table public.t ("
    + ", ".join(f'"{type_}" {type_} not null' for type_ in PLAIN_TYPES.split())
    + ")",
    "a word of a list": "create table public.t (a varchar(20) not null check (a in ('red', 'it''s green')))",
    "any case": "create table public.t (a text not null check (lower(a) in ('red', 'green')))",
    "a range": "create table public.t (a int not null check (a between 40 and 60))",
    "one of two": "create table public.t (a text, b text, check (a is not null or b is not null))",
    "an order": "create table public.t (a date not null, b date not null, check (b >= a))",
    "an enum": "create type public.mood as enum ('sad'); create table public.t (a public.mood not null)",
    "a domain": "create domain public.d int check (value > 0); create table public.t (a public.d not null)",
    "generated": "create table public.t (a int not null, b int generated always as (a * 2) stored not null)",
    "odd names": 'create table public."T t" ("a b" int not null, "select" text not null)',
    "a later table": "create table public.a (id int primary key, b int);"
    " create table public.t (id int primary key);"
    " alter table public.a add foreign key (b) references public.t, alter b set not null",
    "itself": "create table public.t (id int primary key, parent int references public.t)",
    "partitions": "create table public.t (a int not null) partition by range (a);"
    " create table public.t1 partition of public.t for values from (0) to (10)",
}


@pytest.fixture
def db(url: str) -> Iterator[Connection]:
    """Return a connection to an empty database."""
    with database.connect(url, source="x") as connection:
        yield connection


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_a_row_is_made_for_every_kind_of_table(db: Connection, table: str) -> None:
    """Types, checks, references and names are taken from the catalog; a second call adds nothing."""
    database.run(db, table)
    for _ in range(2):
        assert rows.fill(db, besides="public.nope") == ()
        assert {count for count, _ in rows.contents(db, besides="public.nope").values()} == {1}


def test_a_table_that_takes_no_guess_is_named_and_the_others_are_filled(db: Connection) -> None:
    """One stubborn table does not keep the others empty."""
    database.run(
        db, "create table public.a (x text not null check (x ~ '^[0-9]{9}$')); create table public.b ()"
    )
    assert rows.fill(db, besides="public.nope") == ("public.a",)
    assert [count for count, _ in rows.contents(db, besides="public.nope").values()] == [0, 1]


def test_a_table_with_rows_is_left_alone(db: Connection) -> None:
    """Only what is empty is filled, and the table excepted never."""
    database.run(
        db, "create table public.a (x int); insert into public.a values (7); create table public.b ()"
    )
    before = rows.contents(db, besides="public.b")
    assert rows.fill(db, besides="public.b") == ()
    assert rows.contents(db, besides="public.b") == before


@pytest.mark.parametrize(
    "change", ["insert into public.a values (2)", "delete from public.a", "update public.a set x = 3"]
)
def test_contents_tell_whether_a_row_changed(db: Connection, change: str) -> None:
    """Number and digest: a row more, a row less, another value."""
    database.run(db, "create table public.a (x int); insert into public.a values (1)")
    before = rows.contents(db, besides="public.nope")
    assert rows.contents(db, besides="public.nope") == before
    database.run(db, change)
    assert rows.contents(db, besides="public.nope") != before
