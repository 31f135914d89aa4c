"""Each statement that cures the ledger is executed as it is told, and the ledger is as it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import database, ledger
from runner.errors import LedgerUntrusted
from tests.project import make, statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.database import Connection


@pytest.fixture
def db(each_url: str) -> Iterator[Connection]:
    """Return a connection to a database with an empty ledger."""
    with database.connect(each_url, source="x") as connection:
        database.run(connection, "begin")
        ledger.create(connection)
        database.run(connection, "commit")
        yield connection


# A value of each column, and the types that somebody may have given it. A text says its zone, a date none.
RETYPED = {
    **dict.fromkeys(("series", "name", "checksum", "sql", "applied_by", "runner_version"),
        ("varchar(100)", "character(20)", "bytea using 'x'")),
    "version": ("varchar(10)", "integer using version::int", "name"),
    "applied_at": ("timestamp using applied_at at time zone 'UTC'", "timestamp(3) with time zone",
        "timestamp(0) using applied_at at time zone 'UTC'", "text",
        "date using (applied_at at time zone 'UTC')::date"),
    "execution_ms": ("integer", "smallint", "numeric", "double precision", "text", "varchar(9)"),
    "running": ("text", "integer using running::int", "smallint using running::int", "varchar(5)"),
}  # fmt: skip
ROW = """
    insert into public.schema_migrations values
        ('app', '7', 'seven', 'sha256', 'select', '2026-07-01 00:00+00', 'postgres', 12, '1.0', false)
"""
MADE = """
    select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
    from pg_attribute as a left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = 'public.schema_migrations'::regclass and a.attnum > 0 and not a.attisdropped
    order by a.attname
"""


@pytest.mark.parametrize(
    ("column", "type_"), [(column, type_) for column, types in RETYPED.items() for type_ in types]
)
def test_a_column_gets_its_type_its_default_and_the_times_that_it_had(
    db: Connection, column: str, type_: str
) -> None:
    """The remedy works in a session of another zone, and where the default has another type or is gone."""
    made = database.query(db, MADE)
    database.run(db, ROW)
    [before] = database.query(db, "select * from public.schema_migrations")
    step = f"alter table public.schema_migrations alter column {column} "
    database.run(db, "set timezone = 'Asia/Kolkata'")
    database.run(
        db, f"{step} drop default; {step} type {type_}" if " using " in type_ else f"{step} type {type_}"
    )
    with pytest.raises(LedgerUntrusted, match=f"column {column} is ") as caught:
        ledger.read(db, series="app")
    database.run(db, "set timezone = 'America/New_York'")
    database.run(db, statements(caught.value.remedy))
    assert database.query(db, MADE) == made
    [after] = database.query(db, "select * from public.schema_migrations")
    assert [b for a, b in zip(before, after, strict=True) if a != b and "bytea" not in type_] == []


LEDGER = "public.schema_migrations"
KEY = "alter table public.schema_migrations drop constraint schema_migrations_pkey, add {}"
KEYS = """
    select conname, pg_get_constraintdef(oid) from pg_constraint
    where conrelid = 'public.schema_migrations'::regclass and contype = 'p'
"""


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("schema_migrations_pkey", "(series, version, name)"),
        ('"Own"', "(version)"),
        ("k", "(series, version) DEFERRABLE"),
        ("k", "(series, name) INCLUDE (version)"),
    ],
)
def test_another_key_is_named_and_replaced_before_a_file_is_recorded(
    tmp_path: Path, db: Connection, each_url: str, name: str, key: str
) -> None:
    """A file could be recorded twice, or one without a transaction not at all; to look needs no key."""
    app = make(tmp_path, app={"000_one.sql": "-- runner: no-transaction\nvacuum;"})
    made = database.query(db, KEYS)
    database.run(db, KEY.format(f"constraint {name} primary key {key}"))
    assert ledger.read(db, series="app") == ()
    with pytest.raises(LedgerUntrusted) as caught:
        app.migrate(each_url)
    fault = f"its key is PRIMARY KEY {key}, not PRIMARY KEY (series, version)"
    assert caught.value.message == f"{LEDGER} is not the runner's ledger as it was made: {fault}."
    database.run(db, statements(caught.value.remedy))
    assert (len(app.migrate(each_url)), database.query(db, KEYS)) == (1, made)


RECHECKS = "execute function unique_key_recheck()"


@pytest.mark.parametrize(
    "change",
    [
        f"create trigger t before insert on {LEDGER} for each row when (new.execution_ms is null) {RECHECKS}",
        f"create rule r as on update to {LEDGER} where new.execution_ms is null do instead nothing",
        f"alter table {LEDGER} add more int; {KEY.format('primary key (series, version, more)')}",
        f"create table public.child () inherits ({LEDGER})",
        f"alter table {LEDGER} add more text generated always as (execution_ms || '') stored",
    ],
)
def test_what_uses_a_column_is_cured_before_the_column(db: Connection, change: str) -> None:
    """The statements are told in an order in which each works."""
    database.run(db, f"alter table {LEDGER} alter column execution_ms type text; {change}")
    with pytest.raises(LedgerUntrusted) as caught:
        ledger.read(db, series="app")
    database.run(db, statements(caught.value.remedy))
    assert ledger.read(db, series="app") == ()
