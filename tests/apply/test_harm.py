"""A file that does something to every table, and the ledger is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import LedgerUntrusted
from tests.project import make, tables

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

LOOP = """
    for t in select tablename from pg_catalog.pg_tables where schemaname = 'public' loop
        {}
    end loop;
"""
BLOCK = f"""
create table public.t2 (id int);
create schema k;
create function public.noted() returns trigger language plpgsql as $$ begin return new; end $$;
do $$ declare t text; begin {LOOP} end $$;
"""
HARM = {
    "alter table public.%I add column if not exists tenant_id uuid": "column tenant_id uuid is one too many",
    "create trigger audit after insert or update or delete on public.%I"
    " for each row execute function public.noted()": "trigger audit",
    "alter table public.%I set unlogged": "it is unlogged, so a crash empties it",
    "create table k.%1$I () inherits (public.%1$I)": "table k.schema_migrations inherits from it",
    "alter table public.%I drop constraint if exists schema_migrations_pkey": "its primary key is missing",
    "alter table if exists public.%I drop constraint if exists schema_migrations_pkey; alter table"
    " public.schema_migrations drop constraint if exists k, add constraint k primary key (version)": (
        "its key is PRIMARY KEY (version), not PRIMARY KEY (series, version)"
    ),
    "alter table public.%I owner to pg_monitor": (
        "it belongs to pg_monitor, and postgres is not a member of it"
    ),
}
ALTER = "execute format('alter table public.%I add column if not exists tenant_id uuid', t);"
BODY = f"$$ declare t text; begin {LOOP.format(ALTER)} end $$;"
FUNCTION = f"create function public.f() returns void language plpgsql as {BODY}"
OWN = "t := 'alter table public.' || t || ' add column if not exists tenant_id uuid'; EXECUTE t;"
PLACES = {
    "a function": (
        f"create function public.f() returns void language plpgsql as {BODY}",
        "select public.f();",
    ),
    "in a block": (FUNCTION, "do $$ begin perform public.f(); end $$;"),
    "a procedure": (f"create procedure public.f() language plpgsql as {BODY}", "-- All.\nCALL public.f();"),
    "a transaction within": (
        "select 1;",
        f"do {BODY.replace(' end $$', ' exception when division_by_zero then null; end $$')}",
    ),
    "a text of its own": ("select 1;", f"do {BODY.replace(ALTER, OWN)}"),
}


def recorded(db: psycopg.Connection) -> list[str]:
    """Return the versions of the ledger."""
    return [v for (v,) in db.execute("select version from public.schema_migrations order by version")]


@pytest.mark.parametrize("text", HARM)
@pytest.mark.parametrize("number", [3, 9], ids=["the last", "in the middle"])
def test_a_file_that_spoils_the_ledger_with_every_table_is_rolled_back(
    tmp_path: Path, each_url: str, db: psycopg.Connection, text: str, number: int
) -> None:
    """Nothing is applied behind which no run would trust the ledger; what came before it is."""
    app = make(tmp_path, app=tables(number, t2=BLOCK.format(f"execute format('{text}', t);")))
    with pytest.raises(LedgerUntrusted) as caught:
        app.migrate(each_url)
    assert caught.value.message == (
        "app/002_t2.sql cannot be recorded: public.schema_migrations would not be as it was made: "
        f"{HARM[text]}. It was rolled back."
    )
    assert caught.value.remedy == "Let what it does to every table leave out public.schema_migrations."
    assert recorded(db) == ["000", "001"]
    app.write("app", {"002_t2.sql": "create table public.t2 (id int);"})
    assert len(app.migrate(each_url)) == number - 2


@pytest.mark.parametrize("place", PLACES)
def test_it_is_rolled_back_wherever_the_text_stands(
    tmp_path: Path, each_url: str, db: psycopg.Connection, place: str
) -> None:
    """Also where another file has made the function."""
    made, called = PLACES[place]
    app = make(tmp_path, app=tables(3, t1=made, t2=called))
    with pytest.raises(LedgerUntrusted, match=r"002_t2.sql cannot be recorded: .* tenant_id uuid is one too"):
        app.migrate(each_url)
    assert recorded(db) == ["000", "001"]


@pytest.mark.parametrize(
    "text",
    [
        "grant select on public.%I to pg_monitor",
        "comment on table public.%I is ''x''",
        "alter table public.%I enable row level security",
        "alter table public.%I replica identity full",
        "create index on public.%I ((1))",
    ],
)
def test_a_file_that_does_every_table_no_harm_is_applied(tmp_path: Path, each_url: str, text: str) -> None:
    """Some of it writes the ledger's row in the catalog, and leaves the ledger what it is."""
    text = BLOCK.format(f"execute format('{text}', t);")
    text += "grant select on all tables in schema public to pg_monitor;"
    app = make(tmp_path, app=tables(3, t2=text))
    assert len(app.migrate(each_url)) == 3
    assert app.migrate(each_url) == []
