"""Snapshots: what is seen, what is not, and how a difference reads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import pytest

from runner import database, ledger
from runner.database import message
from runner.schema import catalog
from tests import servers
from tests.conftest import SERIES
from tests.project import TWO, make
from tests.servers import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection as AnyConnection

    from runner.database import Connection
    from runner.schema.catalog import Snapshot

BASE = """
    create table public.users (
        id uuid not null default gen_random_uuid(), name varchar(255), age int not null default 0,
        constraint users_pkey primary key (id), constraint ck_users_age check (age >= 0)
    );
    comment on table public.users is 'People.';
    comment on column public.users.name is 'Their name.';
    create index idx_users_name on public.users (name);
    create function public.f() returns trigger language plpgsql as 'begin return new; end';
    create trigger trg before update on public.users for each row execute function public.f();
    create view public.names as select name from public.users;
    create sequence public.numbers;
    create type public.mood as enum ('sad', 'glad');
    create domain public.positive as int check (value > 0);
"""

# what somebody does by hand -> the facts that follow
CHANGES: dict[str, list[str]] = {
    "drop index public.idx_users_name": ["index public.idx_users_name is missing"],
    "alter table public.users alter age type bigint": [
        "column public.users.age is bigint, files say integer",
    ],
    "create table public.extra (id int primary key)": ["table public.extra is not in the files"],
    "alter table public.users alter age set default 7": [
        "column public.users.age has default 7, files say 0",
    ],
    "alter table public.users alter age drop default": [
        "column public.users.age has default none, files say 0",
    ],
    "alter table public.users alter age drop not null": [
        "column public.users.age has nullability null, files say not null",
    ],
    "alter table public.users disable trigger trg": [
        "trigger public.users.trg has firing disabled, files say none",
    ],
    "comment on column public.users.name is null": [
        "column public.users.name has comment none, files say Their name.",
    ],
    "comment on table public.users is 'Folk.'": ["table public.users has comment Folk., files say People."],
    "update pg_index set indisvalid = false where indexrelid = 'public.idx_users_name'::regclass": [
        "index public.idx_users_name has validity invalid, files say none",
    ],
    "alter table public.users add column more int": ["column public.users.more is not in the files"],
    "alter table public.users drop constraint ck_users_age": [
        "constraint public.users.ck_users_age is missing"
    ],
    "alter table public.users drop constraint ck_users_age,"
    " add constraint ck_users_age check (age >= 0) not valid": [
        "constraint public.users.ck_users_age has validation not done, files say none",
    ],
    "alter table public.users add unique (name)": [
        "constraint public.users.users_name_key is not in the files",
        "index public.users_name_key is not in the files",
    ],
    "drop trigger trg on public.users": ["trigger public.users.trg is missing"],
    "create or replace view public.names as select upper(name)::varchar(255) as name from public.users": [
        "view public.names has another definition",
    ],
    "create rule r as on delete to public.users do instead nothing": [
        "rule public.users.r is not in the files"
    ],
    "alter table public.users enable row level security": ["table public.users has row security on"],
    "create policy p on public.users for select to public using (true)": ["policy public.users.p is not in"],
    "alter sequence public.numbers increment 2": ["sequence public.numbers is bigint from 1"],
    "drop sequence public.numbers": ["sequence public.numbers is missing"],
    "alter type public.mood add value 'meh' before 'glad'": [
        "enum public.mood has labels 'sad', 'meh', 'glad', files say 'sad', 'glad'",
    ],
    "alter domain public.positive set not null": ["domain public.positive has nullability not null"],
    "alter domain public.positive drop constraint positive_check": [
        "constraint public.positive.positive_check is missing",
    ],
    "create type public.pair as (a int, b text)": ["type public.pair is not in the files"],
    "create schema other": ["schema other is not in the files"],
    "create extension vector": ["extension vector is not in the files"],
    "grant select on public.users to public": ["table public.users has grants public=select, files say none"],
    "grant update (age) on public.users to public": ["column public.users.age has grants public=update"],
    "revoke execute on function public.f() from public": [
        "function public.f() has grants none, files say public"
    ],
    "create or replace function public.f() returns trigger language plpgsql as 'begin return old; end'": [
        "function public.f() has another definition",
    ],
    "alter function public.f() stable": ["function public.f() has another definition"],
    "alter table public.users set (fillfactor = 50)": ["table public.users has options fillfactor=50"],
    "alter table public.users set unlogged": [
        "table public.users has persistence unlogged, files say logged"
    ],
    "alter table public.users add column twice int generated always as (age * 2) stored": [
        "column public.users.twice is not in the files",
    ],
    "create statistics public.st on name, age from public.users": [
        "statistics public.st is not in the files"
    ],
    "drop view public.names": ["view public.names is missing"],
    "drop view public.names; drop table public.users": [
        "table public.users is missing",
        "view public.names is mi",
    ],
    "alter table public.users rename column name to title": [
        "column public.users.name is missing",
        "column public.users.title is not in the files",
    ],
}


@pytest.fixture
def db(url: str) -> Iterator[Connection]:
    """Return a connection to a database with a little of everything."""
    with database.connect(url, source="x") as connection:
        database.run(connection, BASE)
        yield connection


def snap(connection: Connection) -> Snapshot:
    """Return the snapshot of a database."""
    return catalog.snapshot(connection, besides=ledger.TABLE)


@pytest.mark.parametrize(("change", "facts"), CHANGES.items(), ids=[key[:60] for key in CHANGES])
def test_every_kind_of_change_is_named(db: Connection, change: str, facts: list[str]) -> None:
    """A change by hand is found, and told in a sentence with the object's name."""
    before = snap(db)
    assert catalog.compare(before, snap(db)) == ()
    database.run(db, change)
    told = [str(difference) for difference in catalog.compare(before, snap(db))]
    for fact in facts:
        assert any(line.startswith(fact) for line in told), (fact, told)
    if "rename" not in change and "type bigint" not in change:  # they show in what is built on them, too
        assert len(told) == len(facts), told


def test_what_was_told_one_way_is_told_the_other_way_round(db: Connection) -> None:
    """Missing and left over change places when the snapshots do."""
    before = snap(db)
    database.run(db, "drop index public.idx_users_name")
    [there] = catalog.compare(before, snap(db))
    [back] = catalog.compare(snap(db), before)
    assert str(there) == "index public.idx_users_name is missing"
    assert str(back) == "index public.idx_users_name is not in the files"


@pytest.mark.parametrize("series", SERIES)
def test_the_same_files_give_the_same_snapshot_on_every_version(
    request: pytest.FixtureRequest, series: str
) -> None:
    """15, 16 and 18 agree on everything but what 008 makes where pgvector is to be had."""
    snapshots = {}
    for version in (version for version in VERSIONS if servers.is_installed(version)):
        clone: AnyConnection[tuple[object, ...]] = request.getfixturevalue(f"{series}_{version}")
        clone.rollback()
        clone.autocommit = True
        snapshots[version] = catalog.snapshot(clone, besides=ledger.TABLE, server=False)
    newest = snapshots.pop(VERSIONS[-1])
    for version, other in snapshots.items():
        told = [str(d) for d in catalog.compare(newest, other)]
        assert [line for line in told if "embedding_vec" not in line and "extension vector" not in line] == []
        assert bool(told) == (series == "specs" and version == 15)


def test_order_of_making_and_oids_do_not_matter(url: str, other_url: str) -> None:
    """The same objects made in another order, with others dropped in between, are the same."""
    one = "create table public.a (x int, y int);"
    one += "create index i on public.a (x); create index j on public.a (y);"
    other = "create table public.gone (id int); create table public.a (x int, z int); drop table public.gone;"
    other += "alter table public.a drop column z, add column y int;"
    other += "create index j on public.a (y); create index i on public.a (x);"
    snapshots = []
    for where, text in ((url, one), (other_url, other)):
        with database.connect(where, source="x") as connection:
            database.run(connection, text)
            snapshots.append(snap(connection))
    assert catalog.compare(*snapshots) == ()


def test_the_owner_is_named(db: Connection) -> None:
    """Who owns a table may change it, and a view reads with the rights of its owner."""
    before = snap(db)
    database.run(db, "create role t_other")
    database.run(db, "alter table public.users owner to t_other")
    try:
        told = [str(difference) for difference in catalog.compare(before, snap(db))]
        assert told == [
            "role t_other is not in the files",
            "table public.users has owner t_other, files say postgres",
        ]
    finally:
        database.run(db, "reassign owned by t_other to postgres; drop role t_other")


def test_the_ledger_and_what_extensions_own_are_left_out(tmp_path: Path, url: str) -> None:
    """Neither is made by a file."""
    make(tmp_path, app=TWO).migrate(url)
    with database.connect(url, source="x") as connection:
        before = snap(connection)
        database.run(connection, "create extension vector schema public")
        assert {name for _, name in snap(connection).keys() - before.keys()} == {"vector"}
        assert not [name for _, name in before if "schema_migrations" in name]


def test_reading_takes_one_query_however_much_there_is(auth_18: AnyConnection[tuple[object, ...]]) -> None:
    """The server is asked once, in a transaction of its own."""
    auth_18.rollback()
    auth_18.autocommit = True
    with mock.patch.object(message, "send", wraps=message.send) as send:
        snapshot = snap(auth_18)
    begin, question = (call.args[1] for call in send.mock_calls)
    assert begin.startswith("begin isolation level read committed read only")
    assert question.endswith("commit")
    assert len(snapshot) > 100
