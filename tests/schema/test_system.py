"""PostgreSQL's own catalogs, followed from moment to moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database
from runner.schema import alteration, system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection
    from runner.schema.system import Follower, Rows
    from tests.servers import Server

MADE = """
    create schema other; create table other.a (id int primary key, b text);
    create table other.c (a int constraint fk references other.a);
    create sequence other.s; create function other.f() returns int language sql return 1;
    create view other.v as select id from other.a; create role r_system;
"""
# statement -> what is told of it
CHANGES = {
    "create type other.shell": "type other.shell",
    "create cast (point as integer) with inout": "cast (pg_catalog.point AS integer)",
    "create language ll handler plpgsql_call_handler": "language ll",
    "create access method hh type table handler heap_tableam_handler": "access method hh",
    "create operator other.## (leftarg = int, rightarg = int, function = int4pl)": (
        "operator other.##(integer,integer)"
    ),
    "create aggregate other.g(int) (sfunc = int4pl, stype = int)": "aggregate other.g(integer)",
    "create text search configuration other.tc (copy = simple)": "text search configuration other.tc",
    "create foreign data wrapper ff": "foreign-data wrapper ff",
    "create publication pp for table other.a": "publication pp",
    "select lo_create(77)": "large object 77",
    "alter default privileges grant select on tables to r_system": "default acl for role postgres on tables",
    "alter table other.a replica identity full": "table other.a",
    "alter table other.a alter b set statistics 5": "table column other.a.b",
    "alter table other.c disable trigger all": 'trigger "RI_ConstraintTrigger_c" on other.c',
    "alter table other.a owner to r_system": "table other.a",
    "grant select on other.a to public": "table other.a",
    "grant execute on function pg_ls_dir(text) to r_system": "function pg_catalog.pg_ls_dir(pg_catalog.text)",
    "comment on column other.a.b is 'x'": "table column other.a.b",
    "comment on constraint fk on other.c is 'x'": "table constraint fk on other.c",
    "drop view other.v": "view other.v",
    "alter table other.a drop b": "table column other.a.b",
    "drop table other.c": "table other.c",
}
# what changes nothing in the end
NOTHING = [
    "grant select on other.a to r_system; revoke select on other.a from r_system",
    "drop view other.v; create view other.v as select id from other.a",
    "create or replace function other.f() returns int language sql return 1",
    "alter table other.a add x int; alter table other.a drop x",
    "alter table other.a rename to z; alter table other.z rename to a",
    "alter index other.a_pkey rename to k; alter index other.k rename to a_pkey",
    "create temporary table t (x int)",
    "insert into other.a values (1, 'x')",
    "vacuum other.a",
    "vacuum full other.a",
    "truncate other.a, other.c",
    "analyze other.a",
]


@pytest.fixture
def role(each_server: Server) -> Iterator[None]:
    """Drop the role at the end: it belongs to the whole server."""
    yield
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as connection:
        connection.execute("drop role r_system")


@pytest.fixture
def pair(role: None, each_url: str) -> Iterator[tuple[Connection, Follower]]:  # noqa: ARG001 - it ends later
    """Return a session that writes, and a follower in another one."""
    with database.connect(each_url, source="x") as db, database.connect(each_url, source="x") as other:
        database.run(other, "set search_path = ''")
        follower = system.start(other)
        database.run(db, MADE)
        follow(db, follower)
        yield db, follower
        database.run(db, "drop owned by r_system cascade")


def follow(db: Connection, follower: Follower) -> Rows:
    """Read what changed, and return all that is known."""
    system.follow(follower, horizon=_horizon(db))
    return dict(follower.rows)


def _horizon(db: Connection) -> str:
    """Return the oldest transaction that may go on, when what was written is counted."""
    database.run(db, "select pg_catalog.pg_stat_force_next_flush()")
    [(horizon,)] = database.query(db, "select pg_snapshot_xmin(pg_current_snapshot())::xid::text")
    return str(horizon)


def test_whatever_changes_is_told_by_its_name(pair: tuple[Connection, Follower]) -> None:
    """Objects of kinds that no other query knows, attributes, owners, rights, comments; made and dropped."""
    db, follower = pair
    for statement, label in CHANGES.items():
        before = follow(db, follower)
        database.run(db, statement)
        after = follow(db, follower)
        found = [change.label for change in alteration.compare(before, after, follower.written)]
        assert label in found, (statement, found)


def test_a_row_that_is_written_as_it_was_concerns_nobody(pair: tuple[Connection, Follower]) -> None:
    """A file that runs again replaces what is there: its objects are read again only where they differ."""
    db, follower = pair
    function = "create or replace function other.g() returns int language sql as 'select %s'"
    owner = "alter sequence other.s owned by"
    view = "create or replace view other.v as select id from other.a where id > "
    for statement, concerns in (
        (function % 1, True), (function % 1, False), (function % 2, True),
        (f"{view}1", True), (f"{view}1", False),
        (f"{owner} other.a.id", True), (f"{owner} other.a.id", False), (f"{owner} none", True),
    ):  # fmt: skip
        database.run(db, statement)
        follow(db, follower)
        assert bool(follower.written) == concerns, statement
    database.run(db, f"{view}2")  # the definition alone, which is none of the facts
    assert system.follow(follower, horizon=_horizon(db))


def test_a_table_goes_after_one_of_its_columns(pair: tuple[Connection, Follower]) -> None:
    """The row of a dropped column stays in the catalog until its table is dropped."""
    db, follower = pair
    for statement in ("alter table other.c add d int, drop a", "drop table other.c"):
        before = follow(db, follower)
        database.run(db, statement)
        after = follow(db, follower)
    assert "table other.c" in [change.label for change in alteration.compare(before, after, follower.written)]


def test_what_is_as_before_is_not_told(pair: tuple[Connection, Follower]) -> None:
    """Made anew, granted and revoked, renamed and named again; and what the server does for itself."""
    db, follower = pair
    for text in NOTHING:
        before = follow(db, follower)
        written: set[tuple[str, str]] = set()
        for statement in text.split("; "):
            database.run(db, statement)
            after = follow(db, follower)
            written |= follower.written
        assert list(alteration.compare(before, after, written)) == [], text


# statement -> whether it counts where only the schema public does
ELSEWHERE = {
    "create type other.shell": False,
    "create schema third": False,
    "alter table other.c disable trigger all": False,
    "comment on column other.a.b is 'x'": False,
    "create policy p on other.a": False,
    "create rule r as on delete to other.a do instead nothing": False,
    "alter table other.a alter b set default 'x'": False,
    "create type public.shell": True,
    "comment on schema public is 'x'": True,
    "grant execute on function pg_ls_dir(text) to r_system": True,
    "create cast (point as integer) with inout": True,
    "create language ll handler plpgsql_call_handler": True,
}


def test_only_the_schemas_that_count_are_compared(pair: tuple[Connection, Follower]) -> None:
    """What belongs to a table is where the table is; what is in no schema always counts."""
    db, follower = pair
    for statement, counts in ELSEWHERE.items():
        before = follow(db, follower)
        database.run(db, statement)
        after = follow(db, follower)
        assert list(alteration.compare(before, after, follower.written)), statement
        found = list(alteration.compare(before, after, follower.written, schemas=["public"]))
        assert bool(found) == counts, (statement, found)
