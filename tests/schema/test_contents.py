"""The rows of tables, and how two readings differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import database
from runner.schema import contents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection
    from runner.schema.contents import Shift, Table

# statements -> rows that came, that went, and that changed
CHANGES = {
    "insert into public.a values (3, 'c')": (1, 0, 0),
    "delete from public.a where id = 1": (0, 1, 0),
    "update public.a set t = 'x' where id = 1": (0, 0, 1),
    "update public.a set id = id": (0, 0, 0),
    "delete from public.a; insert into public.a values (2, 'b'), (1, 'a')": (0, 0, 0),
    "alter table public.a add z int default 5": (0, 0, 0),
    "alter table public.a drop t; alter table public.a add t text": (0, 0, 0),
    "truncate public.a": (0, 2, 0),
}


@pytest.fixture
def db(url: str) -> Iterator[Connection]:
    """Return a connection to a database with one table, whose column t has the name of many an alias."""
    with database.connect(url, source="x") as connection:
        database.run(connection, "create table public.a (id int primary key, t text)")
        database.run(connection, "insert into public.a values (1, 'a'), (2, 'b')")
        yield connection


def read(db: Connection) -> Table:
    """Read the only table."""
    [table] = contents.read(db, list(contents.counters(db, besides="public.nope"))).values()
    return table


def difference(before: Table, after: Table) -> Shift:
    """Compare two readings."""
    return contents.shift(before, after, contents.kept(before, after))


@pytest.mark.parametrize(("change", "expected"), CHANGES.items(), ids=CHANGES)
def test_rows_are_compared_by_the_names_of_their_columns(
    db: Connection, change: str, expected: tuple[int, int, int]
) -> None:
    """What came, what went and what changed are told apart; order and new columns mean nothing."""
    before = read(db)
    database.run(db, change)
    assert tuple(len(part) for part in difference(before, read(db))) == expected


def test_a_column_made_anew_is_another_one(db: Connection) -> None:
    """Its contents are lost, though its name is the same."""
    before = read(db)
    database.run(db, "alter table public.a drop t; alter table public.a add t text")
    assert contents.kept(before, read(db)) == {"id"}


def test_rows_without_a_key_are_paired_by_what_they_share(db: Connection) -> None:
    """A changed row is not one that went and one that came."""
    database.run(db, "alter table public.a drop constraint a_pkey")
    before = read(db)
    database.run(db, "update public.a set t = 'x' where id = 2")
    assert difference(before, read(db)).changed == [({"id": "2", "t": "b"}, {"id": "2", "t": "x"})]


@pytest.mark.parametrize("type_", ["json", "numeric"])
def test_text_that_means_the_same_is_the_same(db: Connection, type_: str) -> None:
    """A type that is changed there and back may add spaces or zeros."""
    value = {"json": "'{\"a\":1}'", "numeric": "'7.5'"}[type_]
    other = {"json": "jsonb", "numeric": "numeric(8, 4)"}[type_]
    database.run(db, f"alter table public.a add x {type_} default {value}")
    before = read(db)
    database.run(db, f"alter table public.a alter x drop default, alter x type {other}")
    database.run(db, f"alter table public.a alter x type {type_}")
    assert not difference(before, read(db))


def test_counters_change_with_every_kind_of_writing(db: Connection) -> None:
    """A table that was not written is not read again."""
    for text in ("insert into public.a values (9)", "update public.a set t = 'x'", "delete from public.a",
                 "truncate public.a"):  # fmt: skip
        database.run(db, "select pg_catalog.pg_stat_force_next_flush()")
        before = contents.counters(db, besides="public.nope")
        database.run(db, "select pg_catalog.pg_stat_force_next_flush()")
        assert contents.counters(db, besides="public.nope") == before
        database.run(db, text)
        database.run(db, "select pg_catalog.pg_stat_force_next_flush()")
        assert contents.counters(db, besides="public.nope") != before, text
