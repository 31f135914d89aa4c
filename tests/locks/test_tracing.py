"""Pending files in order, their rollbacks, and what the live database knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest

from runner.locks import live, tracing
from tests.locks.conftest import migration

if TYPE_CHECKING:
    from pathlib import Path

    from runner.locks.effect import Trace
    from tests.locks.conftest import Stage


def _traces(stage: Stage, *texts: str) -> list[Trace]:
    files = [migration(text, number) for number, text in enumerate(texts, 1)]
    return list(tracing.traces(stage.here, files))


def test_each_file_stands_on_those_before_it(own_stage: Stage) -> None:
    """A renamed table is still the one that existed; one that a pending file made is not."""
    first, second = _traces(
        own_stage,
        "alter table public.orders rename to sales; create table public.n (id int);",
        "alter table public.sales add column c float default random(); alter table public.n add column c int",
    )
    assert (first.untraced, second.untraced) == (None, None)
    assert [(e.name, str(e.work)) for _, e in second.effects] == [("public.orders", "rewrites")]


def test_a_setting_of_a_files_own_is_not_there_for_others(own_stage: Stage) -> None:
    """Nor when the file itself is applied, behind its trace: each finds a new session, as with migrate."""
    asks = "do $$ begin perform current_setting('app.who', true)::uuid; end $$;"
    found = _traces(own_stage, f"{asks} set app.who = 'me';", asks)
    assert [one.untraced for one in found] == [None, None]


def test_a_server_where_transactions_are_serializable_has_no_other_locks(own_stage: Stage) -> None:
    """A file runs read committed wherever it is tried, as migrate runs it."""
    connection = own_stage.here.connection
    connection.execute("set default_transaction_isolation = serializable")
    [found] = _traces(own_stage, "update public.orders set total = total")
    assert found.untraced is None
    assert [effect.name for _, effect in found.effects] == ["public.orders"]


def test_a_file_that_trips_over_made_up_rows_is_traced_without_them(own_stage: Stage) -> None:
    """As prove does: the rows are ours, not the file's fault."""
    from runner.schema import rows  # noqa: PLC0415 - this test makes them itself

    rows.fill(own_stage.here.filler)
    [found] = _traces(
        own_stage,
        "alter table public.tree add constraint ours check (id = 12345);"
        "alter table public.orders alter column total type bigint; truncate public.items;"
        "cluster public.tree using tree_pkey",
    )
    assert found.untraced is None
    reads, rewrites, empties, clusters = found.statements
    assert (reads.alarms, rewrites.losses) == (("exclusive-scan", "exclusive"), ())
    assert [str(effect.work) for effect in rewrites.effects] == ["rewrites"]
    assert "rewrites" in clusters.effects[0].works  # there is no row left that it could lose
    assert clusters.losses == ()
    assert {loss.text for loss in empties.losses} == {"empties public.items"}


OUTSIDE = {
    "drop event trigger if exists e1": [],
    "drop event trigger if exists e2": ["drops event trigger e2"],
    'drop role if exists r_nowhere, "R, 2"': ['drops role "R, 2"'],
    "drop user if exists r_nowhere; drop group if exists r_nowhere": [],
    "drop role if exists R_There; create role r_there": [],
    "drop event trigger if exists e2; create event trigger e2 on sql_drop execute function public.ev()": [],
    "create role r_new; drop role if exists r_new": [],
    "do $$ begin drop role if exists r_named; end $$": [],
}


@pytest.mark.parametrize("text", OUTSIDE)
def test_what_the_live_server_lacks_outside_its_databases_is_no_loss(own_stage: Stage, text: str) -> None:
    """Nor what is made again; also of what is there for the rehearsal alone, as a role that files name."""
    connection, there = own_stage.here.connection, "select from pg_roles where rolname = 'r_named'"
    connection.execute(
        "create or replace function public.ev() returns event_trigger language plpgsql as 'begin end'"
    )
    live = {("event trigger", "e2"), ("role", "R, 2"), ("role", "r_there"), ("database", "shop")}
    with connection.transaction():
        connection.execute("create role r_named")
    try:
        [found] = tracing.traces(own_stage.here, [migration(text, 1)], outside=live)
    finally:
        connection.execute("drop role if exists r_named, r_there, r_new")
    assert not connection.execute(there).fetchall()
    assert found.untraced is None
    assert [loss.text for one in found.statements for loss in one.losses] == OUTSIDE[text]


@pytest.mark.parametrize(("name", "told"), [("shop", ["drops database shop"]), ("nowhere", [])])
def test_a_database_that_is_not_there_is_no_loss(own_stage: Stage, name: str, told: list[str]) -> None:
    """The file runs outside any transaction, and drops it if it exists."""
    text = f"drop database if exists {name}"
    [found] = tracing.traces(
        own_stage.here, [migration(text, 1, in_transaction=False)], outside={("database", "shop")}
    )
    assert [loss.text for one in found.statements for loss in one.losses] == told


class Back(NamedTuple):
    """A file, its rollback, and what that loses or says."""

    forward: str
    back: str
    takes: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    error: str | None = None


@pytest.mark.parametrize(
    "case",
    [
        Back("create table public.n (id int)", "drop table public.n", loses=("table public.n",)),
        Back(
            "alter table public.orders add column c int",
            "alter table public.orders drop column c",
            takes=("column public.orders.c",),
        ),
        Back(
            "alter type public.address add attribute c int",
            "alter type public.address drop attribute c",
            takes=("attribute public.address.c",),
        ),
        Back(
            "select 1", "drop materialized view public.summary", takes=("materialized view public.summary",)
        ),
        Back("select 1", "drop foreign table public.far", takes=("foreign table public.far",)),
        Back("create index idx on public.orders (note)", "drop index public.idx"),
        Back(
            "insert into public.items values (7)",
            "delete from public.items where id = 7",
            takes=("rows of public.items",),
        ),
        Back("select 1", "truncate public.items", takes=("rows of public.items",)),
        Back("select 1", "select 1/0", error="division by zero"),
        Back("select 1", "drop index concurrently public.idx_total"),
    ],
    ids=lambda case: case.back,
)
def test_what_a_rollback_loses_is_named(own_stage: Stage, tmp_path: Path, case: Back) -> None:
    """Data of tables that existed is alarming; what goes with the file itself is told."""
    file = tmp_path / "001_x.sql"
    file.write_text(case.back)
    [found] = tracing.traces(own_stage.here, [migration(case.forward, 1, rollback=str(file))])
    assert (found.undo.takes, found.undo.loses, found.undo.error) == (case.takes, case.loses, case.error)
    assert ("rollback" in found.alarms) == bool(case.takes or case.error)
    assert own_stage.here.connection.execute("select count(*) > 0 from public.items").fetchone() == (True,)


def test_a_missing_rollback_is_an_alarm(own_stage: Stage) -> None:
    """Of a file that does nothing else."""
    [found] = _traces(own_stage, "select 1")
    assert found.alarms == ("rollback",)


def test_what_hurts_most_comes_first(own_stage: Stage) -> None:
    """What takes long against everybody before what takes long against writers, then the moments."""
    [found] = _traces(
        own_stage,
        "comment on table public.loose is 'x';"
        "create trigger t before insert on public.items for each row execute function public.nothing();"
        "create index on public.parents (id);"
        "alter table public.customers add column c float default random()",
    )
    assert [effect.name for _, effect in found.effects] == [
        "public.customers", "public.parents", "public.items", "public.loose",
    ]  # fmt: skip


def test_sizes_come_from_the_catalogs_alone(each_url: str, plain_url: str) -> None:
    """For a role that may select nothing, of a partitioned table with its parts, beside any lock."""
    with psycopg.connect(each_url, autocommit=True) as db, psycopg.connect(each_url) as other:
        db.execute("create table public.a (id int); create table public.b (id int) partition by range (id)")
        db.execute("create table public.b1 partition of public.b for values from (0) to (10000)")
        db.execute("insert into public.a select generate_series(1, 5000)")
        db.execute("insert into public.b select generate_series(1, 5000)")
        db.execute("create schema hidden; create table hidden.a as select * from public.a")
        db.execute("vacuum analyze")
        db.execute("create view public.v as select * from public.a")
        db.execute("create table public.d as select * from public.a; select pg_stat_force_next_flush()")
        db.execute("create table public.c (id int)")
        with psycopg.connect(plain_url) as plain, pytest.raises(psycopg.errors.InsufficientPrivilege):
            plain.execute("select from public.a")
        with psycopg.connect(plain_url, autocommit=True, prepare_threshold=None) as plain:
            names = ["public.a", "public.b", "public.c", "public.d", "public.v", "public.nowhere", "hidden.a"]
            found = live.sizes(plain, names)
            assert {name: one.rows for name, one in found.items()} == {
                "public.a": 5000, "public.b": 5000, "public.c": None, "public.d": 5000,
                "public.v": None, "hidden.a": 5000,
            }  # fmt: skip
            assert found["public.a"].bytes > 5000 * 28
            assert found["public.c"].bytes == 0
            size = found["public.a"].bytes
            [pages] = plain.execute("select relpages from pg_class where relname = 'b1'").fetchall()
            other.execute("lock table public.a, public.b")
            plain.execute("set lock_timeout = '5s'")
            assert live.sizes(plain, ["public.b"])["public.b"].bytes == pages[0] * 8192
            locked = live.sizes(plain, ["public.a"])["public.a"]
            assert (locked.rows, 0 < locked.bytes <= size) == (5000, True)
