"""A file as a whole: what it holds while it goes on, what it hides, and what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.locks import run
from tests.locks.conftest import migration

if TYPE_CHECKING:
    from tests.locks.conftest import Stage


def test_a_lock_is_held_while_the_file_goes_on(stage: Stage) -> None:
    """A moment's lock hurts when something long follows: on the same table, or on another one."""
    text = """
        alter table public.customers add column c int;
        create index on public.customers (name);
        create index on public.orders (note); create index on public.orders (total);
    """
    first, second, third, _ = (traced.effects[0] for traced in stage.trace(text))
    assert first.meanwhile == ("app/001_x.sql:4 builds an index on public.orders",)
    assert first.alarms == ("exclusive-scan", "exclusive")
    assert (second.mode, second.held, second.lock) == (
        "ShareLock", "AccessExclusiveLock", "AccessExclusiveLock",
    )  # fmt: skip
    assert second.alarms == ("exclusive-scan", "exclusive")
    assert (third.held, third.alarms) == ("ShareLock", ("write-scan",))


def test_a_key_is_validated_while_both_tables_are_locked(stage: Stage) -> None:
    """Writers of the table referred to wait as long as the other one is read."""
    [traced] = stage.trace(
        "alter table public.items add constraint fk foreign key (order_id) references public.orders (id)"
    )
    [orders] = [effect for effect in traced.effects if effect.name == "public.orders"]
    assert orders.meanwhile == ("app/001_x.sql:1 validates a key of public.items",)
    assert orders.alarms == ("write-scan",)
    [traced] = stage.trace("reindex index public.idx_total")
    assert [effect.meanwhile for effect in traced.effects] == [(), ()]


def test_what_a_file_has_locked_before_is_not_told_twice(stage: Stage) -> None:
    """Only what a statement adds, as the lock to build the indexes anew, or does."""
    text = """
        lock table public.orders;
        alter table public.orders drop column note;
        alter table public.orders alter column total type bigint;
    """
    assert [[(e.mode, str(e.work)) for e in traced.effects] for traced in stage.trace(text)] == [
        [("AccessExclusiveLock", "a moment")], [], [("ShareLock", "rewrites")],
    ]  # fmt: skip
    _, last = stage.trace(
        "lock table public.items; create trigger t before insert on public.items"
        " for each row execute function public.nothing()"
    )
    [items] = last.effects
    assert (items.lock, items.held) == ("ShareRowExclusiveLock", "AccessExclusiveLock")


def test_a_block_is_traced_as_a_whole(stage: Stage) -> None:
    """Its locks are known, and it is said that its statements are not."""
    [traced] = stage.trace("do $$ begin perform from public.orders; drop view public.listed; end $$")
    assert traced.note == "a block, traced as a whole"
    assert ("public.listed", "AccessExclusiveLock") in [(e.name, e.mode) for e in traced.effects]


def test_places_and_first_words_lead_into_the_file(stage: Stage) -> None:
    """The line of the first word, behind comments, and one line of text."""
    [traced] = stage.trace("-- why\n\n/* so */ comment on table\n    public.orders\n    is 'x;y';")
    assert str(traced.place) == "app/001_x.sql:3:10"
    assert traced.text == "comment on table public.orders is 'x;y'"


def test_first_words_hold_no_password(stage: Stage) -> None:
    """It is hidden before the text is cut."""
    [traced] = stage.trace(f"comment on table public.orders is '{'a' * 70} password=hunter2'")
    assert traced.text == f"comment on table public.orders is '{'a' * 70} password=****…"


# text of a file -> what its last statement does, without a moment's locks
WORKS = {
    "delete from public.items; alter table public.items alter column order_id type bigint":
        {"items": "rewrites"},
    "truncate public.items; insert into public.items values (1); truncate public.items":
        {"items": "empties"},
    "do $$ begin truncate public.items; end $$": {"items": "empties"},
    "insert into public.loose values (1)": {"loose": "changes rows"},
    "update public.items set order_id = 900 where id = 1": {"items": "changes rows"},
    "delete from public.items where id = 1": {"items": "changes rows"},
    "do $$ begin alter table public.items rename to pieces; create index on pieces (id); end $$":
        {"items": "builds an index"},
    "do $$ begin create index on public.items (id); alter table public.items rename to pieces; end $$":
        {"items": "builds an index"},
    "alter table public.orders set (parallel_workers = 2); set local min_parallel_table_scan_size = 0;"
    " create index on public.orders (note)": {"orders": "builds an index"},
    "alter table twin.loose add column c int; alter table public.loose alter column id type bigint":
        {"loose": "rewrites"},
    "alter table public.loose alter column id type bigint": {"loose": "rewrites"},
    "create index on twin.loose (id); alter table public.loose add column c int; "
    "create index on public.loose (id)": {"loose": "builds an index"},
    "alter table twin.loose add constraint fk foreign key (id) references public.orders (id);"
    " alter table public.loose add constraint fk foreign key (id) references public.orders (id)":
        {"loose": "validates a key"},
    "do $$ begin alter table public.loose add constraint fk foreign key (id) references public.orders (id);"
    " alter table public.loose drop constraint fk;"
    " alter table public.loose add constraint fk foreign key (id) references public.orders (id); end $$":
        {"loose": "validates a key"},
    "alter table public.items drop constraint fk_order;"
    " alter table public.items add column other int references public.orders (id)": {},
}  # fmt: skip


@pytest.mark.parametrize("text", WORKS, ids=lambda text: text[:60])
def test_work_is_told_of_the_table_that_has_it(stage: Stage, text: str) -> None:
    """Not of one that has the same name, also where it is named anew, emptied or written twice."""
    last = stage.trace(text)[-1]
    done = {e.name.removeprefix("public."): str(e.work) for e in last.effects if e.work.takes_long}
    done |= {e.name.removeprefix("public."): "empties" for e in last.effects if e.work == "empties"}
    assert done == WORKS[text]


def test_only_what_belongs_to_the_database_itself_existed_before(stage: Stage) -> None:
    """Neither PostgreSQL's own relations nor the ledger and its index."""
    names = [one.name for one in stage.known.values()]
    assert {name.partition(".")[0] for name in names} == {"public", "twin"}
    assert not [name for name in names if "schema_migrations" in name]


def test_settings_of_a_file_do_not_hide_anything(stage: Stage) -> None:
    """Neither what it lets the server say, nor where it looks for names, nor its role."""
    text = r"""
        set local standard_conforming_strings = off;
        select '\';
        set local client_min_messages = error;
        create schema other;
        set local search_path = other;
        create function other.pg_locks() returns int language sql as 'select 1';
        set local role pg_monitor;
        reset role;
        alter table public.orders alter column total type bigint;
    """
    assert [str(effect.work) for effect in stage.trace(text)[-1].effects] == ["rewrites"]


def test_a_limit_of_the_server_ends_no_trace(stage: Stage) -> None:
    """A file may take as long here as it takes."""
    stage.here.connection.execute("set statement_timeout = '50ms'")
    assert len(stage.trace("select pg_sleep(0.1)")) == 1


def test_a_table_of_the_file_itself_is_nobodys(stage: Stage) -> None:
    """What did not exist before is not told, whatever is done to it."""
    text = "create table public.n (id int); create index on public.n (id); alter table public.n add c int"
    assert [traced.effects for traced in stage.trace(text)] == [(), (), ()]


def test_nothing_of_a_trace_stays(stage: Stage) -> None:
    """Neither tables nor the means of looking, and the session is as it was."""
    stage.trace("create table public.n (id int); set search_path = nowhere; select pg_advisory_lock(5)")
    [row] = stage.here.connection.execute("""
        select to_regclass('public.n'), to_regnamespace('runner_trace'), current_setting('search_path'),
            (select count(*) from pg_event_trigger),
            (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())
    """).fetchall()
    assert row == (None, None, '"$user", public', 0, 0)


def test_a_file_that_fails_says_where(stage: Stage) -> None:
    """What ran before it is still told."""
    text = "drop view public.listed;\nselect nowhere;"
    done, problem = run.run(stage.here, migration(text, 1), stage.known)
    assert [len(done), problem] == [1, 'app/001_x.sql:2:1: column "nowhere" does not exist']
