"""What a statement destroys is named; what is made again is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import files
from runner.locks import loss, run
from tests.locks.conftest import made_stage

if TYPE_CHECKING:
    from tests.locks.conftest import Stage
    from tests.servers import Server

# text of a file -> what it destroys, without `public.`
LOSSES: dict[str, list[str]] = {
    "drop table public.items": ["drops table items"],
    "drop table if exists public.nowhere": [],
    "alter table public.orders drop column note": ["drops column orders.note"],
    "alter type public.address drop attribute zip": ["drops attribute address.zip"],
    "do $$ begin alter type public.address drop attribute zip; end $$": ["drops attribute address.zip"],
    "alter type public.address rename attribute zip to code; alter type public.address add attribute n int":
        [],
    "alter type public.shape alter attribute size type smallint cascade":
        ["narrows shape.size from integer to smallint", "narrows shapes.size from integer to smallint"],
    "create type public.n as (a int, b int); alter type public.n drop attribute b": [],
    "drop type public.shape cascade": ["drops type shape", "drops table shapes"],
    "alter table public.customers alter name drop not null": [],
    "create type public.n as enum ('bad', 'so so', 'good');"
    " alter table public.orders alter mood type public.n using mood::text::public.n": [],
    "create type public.n as enum ('bad', 'good');"
    " alter table public.orders alter mood type public.n[] using array[mood::text::public.n]":
        ["narrows orders.mood from mood to n[]"],
    "create type public.n as enum ('good', 'so so'); alter table public.orders alter mood type public.n"
    " using mood::text::public.n":
        ["narrows orders.mood from mood to n"],
    "drop index public.idx_total": ["drops index idx_total"],
    "drop view public.listed": ["drops view listed"],
    "drop view public.listed; create view public.listed as select 1 as one": [],
    "drop table public.loose; create table public.loose (id integer)": ["drops table loose"],
    "drop trigger trg_orders on public.orders": ["drops trigger trg_orders on orders"],
    "drop trigger trg_orders on public.orders;"
    " create trigger trg_orders before insert on public.orders"
    " for each row execute function public.nothing()": [],
    "alter table public.orders drop constraint ck_total": ["drops constraint ck_total on orders"],
    "alter table public.orders drop constraint ck_total; alter table public.orders add constraint ck_total"
    " check (total > 0) not valid": [],
    "alter table public.orders alter column total drop default": [],
    "drop materialized view public.summary": ["drops materialized view summary"],
    "drop function public.sweep()": ["drops function sweep()"],
    "drop policy p_orders on public.orders": ["drops policy p_orders on orders"],
    "drop schema archive": ["drops schema archive"],
    'drop role if exists r_nowhere, "R, 2"': ["drops role r_nowhere", 'drops role "R, 2"'],
    "drop user mapping for public server apart": ["drops user mapping public on server apart"],
    "create role r_new; drop role r_new": [],
    "create table public.n as with gone as (delete from public.orders returning *) select * from gone":
        ["deletes every row of orders"],
    "drop extension plpgsql cascade": ["drops extension plpgsql"],
    "do $$ begin drop sequence public.numbers; end $$": ["drops sequence numbers"],
    "alter table public.orders alter id drop identity": ["drops sequence orders_id_seq"],
    "do $$ begin alter table public.orders alter id drop identity, drop note; end $$":
        ["drops sequence orders_id_seq", "drops column orders.note"],
    "alter table public.orders alter id drop identity;"
    " alter table public.orders alter id add generated always as identity": ["drops sequence orders_id_seq"],
    "alter table public.orders alter id set generated always, alter id restart": [],
    "alter table public.orders drop id cascade":
        ["drops column orders.id", "drops constraint fk_order on items", "drops view listed",
         'drops rule "_RETURN" on listed'],
    "create table public.n (id int); drop table public.n": [],
    "create function public.n() returns int language sql as 'select 1'; drop function public.n()": [],
    "alter table public.orders alter column filled drop default": [],
    "alter table public.tree drop constraint tree_pkey cascade":
        ["drops constraint tree_pkey on tree", "drops constraint fk_tree on tree"],
    "alter table public.items owner to pg_monitor; set local role pg_monitor; drop table public.items":
        ["drops table items"],
    "create temporary table t (id int); drop table t": [],
    "drop table public.customers cascade":
        ["drops table customers", "drops constraint fk_customer on orders"],
    "truncate public.items": ["empties items"],
    "do $$ begin truncate public.items; end $$": ["empties items"],
    "create table public.n (id int); truncate public.n": [],
    "refresh materialized view public.summary with no data": ["empties summary"],
    "do $$ begin refresh materialized view public.summary with no data; end $$": ["empties summary"],
    "refresh materialized view public.summary": [],
    "refresh materialized view public.unfilled with no data": ["empties unfilled"],
    "refresh materialized view public.unfilled": [],
    "delete from public.items where id > 0; alter table public.items alter column order_id type bigint": [],
    "delete from public.items": ["deletes every row of items"],
    "delete from PUBLIC.Items": ["deletes every row of items"],
    "delete from loose": ["deletes every row of loose"],
    "do $$ begin delete from public.orders where id = 900; end $$": [],
    "delete from only items": ["deletes every row of items"],
    'DELETE FROM "public"."items" AS i': ["deletes every row of items"],
    "delete from public.items where true": ["deletes every row of items"],
    "delete from public.items where 2 > 1": ["deletes every row of items"],
    "delete from public.items as i where 'a' = 'a' and not 1 is null": ["deletes every row of items"],
    "delete from public.items where true and (true or id > 0) returning id": ["deletes every row of items"],
    "with gone as (delete from items where 2 > 1 returning id), b as (delete from loose where id > 1)"
    " select * from gone where id > 1": ["deletes every row of items"],
    "delete from public.events where 'a' < 'b'": ["deletes every row of events"],
    "delete from public.items where 2 < 1": [],
    "delete from public.items where now() > '2020-01-01'": [],
    "delete from public.items where exists (select from public.loose)": [],
    "delete from public.items where id = order_id": [],
    "delete from public.orders where note = note": [],
    "delete from public.items using (select 1 where 1 < 2) as x": ["deletes every row of items"],
    "with gone as (delete from public.items returning id) select * from gone where id > 1":
        ["deletes every row of items"],
    "with gone as (delete from public.items returning id), b as (select 1 where 1 > 2) select * from gone":
        ["deletes every row of items"],
    "delete from public.listed": ["deletes every row of listed"],
    "delete from listed where true": ["deletes every row of listed"],
    "with gone as (delete from listed returning 1) select * from gone": ["deletes every row of listed"],
    "delete from public.listed where id = 900": [],
    "delete from public.items where id < 0": [],
    "delete from public.items /* where */ where order_id in (select id from public.orders)": [],
    "with gone as (delete from public.items where id < 0 returning 1) select 1": [],
    "select public.sweep()": ["deletes every row of items"],
    "select 'delete from public.items'": [],
    "create function public.delete_all() returns void language sql as 'delete from public.items';"
    " select public.delete_all()": ["deletes every row of items"],
    "create procedure public.delete_all() language sql as 'delete from public.items';"
    " call public.delete_all()": ["deletes every row of items"],
    "create function public.n() returns void language sql begin atomic delete from public.items; end": [],
    "create rule n as on update to public.orders do also delete from public.items": [],
    "do $$ begin delete from public.items; alter table public.items rename to pieces; end $$":
        ["deletes every row of items"],
    "merge into public.items as t using public.items as q on t.id = q.id when matched then delete":
        ["deletes every row of items"],
    "merge into public.items as t using public.items as q on t.id = q.id"
    " when matched and t.id > 0 then delete": [],
    "merge into public.items as t using public.loose as q on t.id = q.id when matched then delete": [],
    "alter table public.orders alter column total type smallint":
        ["narrows orders.total from integer to smallint"],
    "alter table public.orders alter column total type smallint; alter table public.orders add column c int":
        ["narrows orders.total from integer to smallint"],
    "alter table public.customers alter column age type integer": [],
    "alter table public.customers alter column age type smallint":
        ["narrows customers.age from amount to smallint"],
    "alter table public.orders alter column total type bigint": [],
    "alter table public.orders alter column filled type text": [],
    "alter table public.orders alter column total type numeric(12, 2)": [],
    "alter table public.orders alter column total type numeric(11, 2)":
        ["narrows orders.total from integer to numeric(11,2)"],
    "alter table public.orders alter column total type numeric(10, 2)":
        ["narrows orders.total from integer to numeric(10,2)"],
    "alter table public.orders alter column note type varchar(20)":
        ["narrows orders.note from character varying(50) to character varying(20)"],
    "alter table public.orders alter column note type varchar(60)": [],
    "alter table public.orders alter column note type varchar": [],
    "alter table public.orders alter column note type text": [],
    "alter table public.customers alter column name type varchar(20)":
        ["narrows customers.name from text to character varying(20)"],
    "alter table public.orders alter column sum type numeric(9, 2)":
        ["narrows orders.sum from numeric(10,2) to numeric(9,2)"],
    "alter table public.orders alter column sum type numeric(12, 1)":
        ["narrows orders.sum from numeric(10,2) to numeric(12,1)"],
    "alter table public.orders alter column sum type numeric(12, 4)": [],
    "alter table public.orders alter column sum type numeric": [],
    "alter table public.orders alter column sum type float8":
        ["narrows orders.sum from numeric(10,2) to double precision"],
    "alter table public.orders alter column made type date":
        ["narrows orders.made from timestamp with time zone to date"],
    "alter table public.orders alter column made type timestamptz(3)":
        ["narrows orders.made from timestamp with time zone to timestamp(3) with time zone"],
    "alter table public.orders alter column mood type text": [],
    "alter table public.orders alter column total type int using 0": ["drops the values of orders.total"],
    'alter table only orders alter total set data type bigint using (null), alter "note" type text':
        ["drops the values of orders.total"],
    'alter table public.orders alter "sum" type numeric(10, 2) using coalesce(total, 1)':
        ["drops the values of orders.sum"],
    "alter table public.orders alter column note type text using 'note', alter total type bigint":
        ["drops the values of orders.note"],
    "alter table public.orders alter column total type int using coalesce(Total, 0)": [],
    'alter table public.orders alter column total type int using greatest(1, "total")': [],
    "alter table public.loose alter column id type int using hashtext(loose::text)": [],
    "create table public.n (id int); alter table public.n alter column id type int using 0": [],
    "create domain public.price as numeric(8, 2); create domain public.cost as public.price;"
    " alter table public.orders alter column sum type public.cost":
        ["narrows orders.sum from numeric(10,2) to cost"],
    "create domain public.price as numeric(10, 2);"
    " alter table public.orders alter column sum type public.price": [],
    "alter table public.orders alter column note type name":
        ["narrows orders.note from character varying(50) to name"],
    "alter table public.events_2 alter column at type bigint": [],
    "update public.orders set note = note": [],
}  # fmt: skip


@pytest.mark.parametrize("text", LOSSES, ids=lambda text: text[:60])
def test_what_is_lost_is_named(stage: Stage, text: str) -> None:
    """Drops, truncates, deletes without a condition and narrower types, wherever they hide."""
    found = [one for traced in stage.trace(text) for one in traced.losses]
    assert [one.text.replace("public.", "") for one in found] == LOSSES[text]


def test_what_can_be_made_again_is_no_loss_of_data(stage: Stage) -> None:
    """A pipeline may refuse the one and let the other pass."""
    [index] = stage.trace("drop index public.idx_total")
    [column] = stage.trace("alter table public.orders drop column filled")
    [attribute] = stage.trace("alter type public.address drop attribute zip")
    assert index.alarms == ("exclusive", "destructive")
    assert attribute.alarms == ("destructive", "data-loss")
    assert column.alarms == ("exclusive", "destructive", "data-loss")


UNWATCHED = {
    "for a copy of data": "set local session_replication_role = replica; {};",
    "in a block": (
        "do $$ begin perform set_config('session_replication_role', 'replica', true); execute '{}'; end $$"
    ),
    "without event triggers": "select set_config('event_triggers', 'off', true) where {since_17}; {};",
}


@pytest.mark.parametrize("name", UNWATCHED)
def test_a_file_that_lets_no_trigger_fire_loses_what_it_drops(stage: Stage, name: str) -> None:
    """The runner's own watches over it all the same."""
    is_there = str(stage.here.connection.info.server_version >= 170000)
    text = UNWATCHED[name].replace("{since_17}", is_there).replace("{}", "drop table public.loose")
    lost = [gone.text for one in stage.trace(text) for gone in one.losses]
    assert lost == ["drops table public.loose"]


def test_a_type_is_no_narrower_where_all_names_are_quoted(stage: Stage) -> None:
    """As a database may be set: types are compared by their names."""
    text = "alter table public.orders alter column mood type text"
    stage.here.connection.execute("set quote_all_identifiers = on")
    assert [one.losses for one in stage.trace(text)] == [()]


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("drop event trigger trg; drop schema archive", ["drops event trigger trg", "drops schema archive"]),
        ("do $$ begin drop event trigger if exists trg; end $$", ["drops event trigger trg"]),
        ("alter event trigger trg disable; alter event trigger trg rename to trg_other", []),
    ],
)
def test_an_event_trigger_is_missed_though_none_is_told_of_it(
    own_stage: Stage, text: str, lost: list[str]
) -> None:
    """Once, and not where it only changes."""
    here = own_stage.here
    here.connection.execute(
        "create function public.f() returns event_trigger language plpgsql as 'begin end'"
    )
    here.connection.execute("create event trigger trg on ddl_command_end execute function public.f()")
    traced = own_stage._replace(known=run.existing(here)).trace(text)
    assert [gone.text for one in traced for gone in one.losses] == lost


PARTS: dict[str, list[str]] = {
    "alter table public.part detach partition public.part_2": [],
    "alter table public.part detach partition public.part_2;"
    " alter table public.part_2 drop constraint part_2_pkey":
        ["drops constraint part_2_pkey on public.part_2"],
    "alter table public.child detach partition public.child_1;"
    " alter table public.child_1 drop constraint child_fk": ["drops constraint child_fk on public.child_1"],
    "alter table public.child drop constraint child_fk": ["drops constraint child_fk on public.child"],
    "drop table public.part_2 cascade":
        ["drops table public.part_2", "drops constraint child_fk on public.child",
         "drops constraint pupil_fk on public.pupil"],
    "alter table public.pupil alter constraint pupil_fk not enforced": [],
    "alter table public.pupil drop constraint pupil_fk": ["drops constraint pupil_fk on public.pupil"],
}  # fmt: skip


@pytest.mark.parametrize("text", PARTS)
def test_what_a_key_is_made_of_is_no_loss_of_its_own(own_stage: Stage, text: str) -> None:
    """The server drops a key's triggers, and its parts for partitions, where the key itself stays."""
    here = own_stage.here
    if "enforced" in text and here.connection.info.server_version < 180000:
        pytest.skip("a constraint is always enforced here")
    here.connection.execute("""
        create table public.part (id integer primary key) partition by range (id);
        create table public.part_1 partition of public.part for values from (0) to (10);
        create table public.part_2 partition of public.part for values from (10) to (20);
        create table public.child (id integer constraint child_fk references public.part (id))
            partition by range (id);
        create table public.child_1 partition of public.child for values from (0) to (10);
        create table public.pupil (id integer constraint pupil_fk references public.part (id));
    """)
    traced = own_stage._replace(known=run.existing(here)).trace(text)
    assert [gone.text for one in traced for gone in one.losses] == PARTS[text]


@pytest.mark.parametrize("text", ["drop role r_old", "do $$ begin drop user r_old; end $$"])
def test_a_role_is_missed_though_it_belongs_to_no_database(each_server: Server, text: str) -> None:
    """No event trigger is told of it; one that is made again is no loss."""
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as db:
        db.execute("create role r_old")
        try:
            with made_stage(each_server) as stage:
                [traced] = stage.trace(text)
                again = stage.trace(f"{text}; create role r_old")
        finally:
            db.execute("drop role r_old")
    assert [one.text for one in traced.losses] == ["drops role r_old"]
    assert traced.alarms == ("destructive",)
    assert not any(one.losses for one in again)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("delete from a; delete from b where true; delete from c where x", ["a", "b"]),
        ("delete from a where (true) returning *", ["a"]),
        ("delete from a where 2 = 2; delete from b where not false", ["a", "b"]),
        ("delete from a where true or x", ["a"]),
        ("delete from a where 1 = 12; delete from b where not false and x", []),
        ("delete from a where (true or x) and y; delete from b where 11 = 1", []),
        ("select ';delete from a'", []),
        ("delete from a where exists (delete from x)", ["x"]),
    ],
)
def test_a_condition_is_seen_where_it_belongs(text: str, names: list[str]) -> None:
    """At the level of the delete itself, and one that says something."""
    found = [name for one in files.scan(text).statements for name in loss.unconditional(one, text)]
    assert found == names
