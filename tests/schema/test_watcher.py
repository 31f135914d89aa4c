"""Looks at a scratch database: each reads only what has changed, and misses nothing that has."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from runner import database, ledger
from runner.errors import LedgerUntrusted, RunnerError
from runner.schema import beyond, catalog
from runner.schema.watcher import Watcher
from tests.schema.test_catalog import BASE, CHANGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection
    from runner.schema.catalog import Snapshot

# what happens behind the back of the runner -> what the next look sees
LEDGERS: dict[str, tuple[str, ...] | type[RunnerError]] = {
    "select 1": ("000",),
    "update public.schema_migrations set version = '001'": ("001",),
    "delete from public.schema_migrations": (),
    "truncate public.schema_migrations": (),
    "drop table public.schema_migrations": (),
    "alter table public.schema_migrations add x int": LedgerUntrusted,
    "create rule r as on delete to public.schema_migrations do nothing": LedgerUntrusted,
}


@pytest.fixture
def watched(url: str) -> Iterator[tuple[Connection, Watcher]]:
    """Return a session that writes, where the ledger records a file, and a watcher of it."""
    with database.connect(url, source="x") as working, database.connect(url, source="x") as watching:
        database.run(working, ledger.CREATE)
        database.run(
            working,
            "insert into public.schema_migrations (series, version, name, checksum, sql, execution_ms,"
            " runner_version) values ('', '000', 'a', 'sha256:', '', 0, '0')",
        )
        yield working, Watcher(watching, working)


@pytest.mark.parametrize(("statement", "expected"), LEDGERS.items())
def test_the_ledger_is_read_again_when_it_may_say_something_else(
    watched: tuple[Connection, Watcher], statement: str, expected: tuple[str, ...] | type[RunnerError]
) -> None:
    """Its rows, its shape and what stands on it; between two looks nothing else was written."""
    working, watcher = watched
    assert watcher.look().recorded == ("000",)
    database.run(working, statement)
    if isinstance(expected, tuple):
        assert watcher.look().recorded == expected
    else:
        with pytest.raises(expected):
            watcher.look()


# a schema that every database is born with
FIRST = (
    "drop schema public",
    "create schema public",
    "create table public.t (a int)",
    "drop schema public cascade",
    "create schema public",
)
# what is no part of a relation, or only looks so
OTHERS = """
    drop extension vector;
    drop table if exists public.users cascade;
    drop type if exists public.pair, public.mood;
    create type public.pair as (a int);
    alter type public.pair add attribute b int;
    comment on type public.pair is 'x';
    grant usage on type public.pair to r_moment;
    comment on column public.pair.a is 'x';
    alter type public.pair owner to r_moment;
    create domain public.many as int[];
    alter domain public.many add constraint c check (cardinality(value) > 1) not valid;
    alter domain public.many validate constraint c;
    comment on constraint c on domain public.many is 'x';
    create type public."a[]" as enum ('x');
    alter type public."a[]" add value 'y';
    grant usage on type public."a[]" to r_moment;
    grant execute on function pg_catalog.pg_ls_dir(text) to r_moment;
    grant select on pg_catalog.pg_class to r_moment;
    grant usage on schema public to r_moment;
    create schema later;
    create table later.t (a int primary key);
    alter table later.t set schema public;
    create publication p for table public.t;
    alter publication p set (publish = 'insert');
    create function public.g(int) returns int language sql return 1;
    comment on function public.g(int) is 'x';
    create cast (public.pair as text) with inout;
    create function public.h() returns event_trigger language plpgsql as 'begin end';
    create event trigger e on ddl_command_end execute function public.h();
    alter event trigger e disable;
    select lo_create(77);
    comment on large object 77 is 'x';
    create text search configuration public.tc (copy = simple);
    alter text search configuration public.tc drop mapping for word;
    alter default privileges grant select on tables to r_moment;
    create foreign data wrapper w;
    create server s foreign data wrapper w;
    create foreign table public.ft (a int) server s;
    create user mapping for r_moment server s options (a 'b');
    create operator public.## (leftarg = int, rightarg = int, function = int4pl);
    create collation public.co (locale = 'C');
    create extension vector;
    create table public.v (a vector(2));
    create schema ext;
    alter extension vector set schema ext;
    revoke usage on type ext.vector from public;
    alter extension vector add table public.v; grant select on public.v to r_moment;
    revoke select on public.v from r_moment;
    drop extension vector cascade;
    create table public.long (a text);
    alter table public.long set (toast.autovacuum_enabled = off);
    insert into pg_seclabel (objoid, classoid, objsubid, provider, label)
        values ('public.long'::regclass, 'pg_class'::regclass, 1, 'masks', 'secret');
    delete from pg_seclabel;
    alter function public.g(int) depends on extension plpgsql;
    alter function public.g(int) no depends on extension plpgsql;
    alter extension plpgsql add function public.g(int);
    alter extension plpgsql drop function public.g(int);
    alter language plpgsql rename to plsql;
    alter language plsql rename to plpgsql;
    alter operator family pg_catalog.integer_ops using btree rename to int_ops;
    create operator class public.ops for type int using btree family pg_catalog.int_ops as storage int;
    alter operator family pg_catalog.int_ops using btree rename to integer_ops;
    create role r_moment_2;
    create table public.kept (a int);
    alter table public.kept owner to r_moment;
    grant select on public.kept to r_moment_2;
    alter default privileges for role r_moment grant select on tables to r_moment_2;
    alter role r_moment rename to r_moved;
    alter role r_moved rename to r_moment;
    alter role r_moment rename to r_x; alter role r_moment_2 rename to r_moment;
    alter role r_x rename to r_moment_2;
    drop owned by r_moment_2 cascade;
    drop role r_moment_2
"""


@pytest.fixture
def role(url: str) -> Iterator[None]:
    """Make the role that statements name; it belongs to the whole server."""
    with database.connect(url, source="x") as connection:
        database.run(connection, "create role r_moment")
        yield
        database.run(connection, "drop owned by r_moment cascade; drop role r_moment")


@pytest.mark.usefixtures("role")
def test_a_session_that_is_hidden_is_waited_for(url: str, watched: tuple[Connection, Watcher]) -> None:
    """A role that is no superuser does not see of what kind it is: what psql wrote would not be counted."""
    _, watcher = watched
    database.run(watcher.connection, "set role r_moment")
    with database.connect(url, source="x"), pytest.MonkeyPatch.context() as patch:
        times = iter((0.0, 1.0, 9.0))
        patch.setattr("runner.schema.watcher.time", Mock(monotonic=lambda: next(times)))
        watcher.settle()
    assert next(times, None) is None, "it has looked until the time was over"
    database.run(watcher.connection, "reset role")


@pytest.mark.usefixtures("role")
def test_what_a_look_did_not_read_again_is_still_so(url: str) -> None:
    """After each of many statements, what is known bit by bit is what somebody sees who reads all."""
    with database.connect(url, source="x") as working, database.connect(url, source="x") as watching:
        watcher = Watcher(watching, working)
        watcher.look()
        for statement in [*FIRST, BASE, *CHANGES, *OTHERS.split(";\n")]:
            error = database.failure(database.send(working, statement))
            assert statement in CHANGES or not error, f"{statement}: {error}"
            seen = watcher.look()
            assert seen.schema == _all(watching), statement


def _all(connection: Connection) -> Snapshot:
    """Read the whole schema, but for what is read with the server's own facts."""
    database.run(connection, database.opening(connection))
    found = catalog.snapshot(connection, besides=ledger.TABLE, server=False)
    database.run(connection, "rollback")
    return {key: item for key, item in found.items() if key[0] not in beyond.KINDS}
