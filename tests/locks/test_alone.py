"""A file without a transaction: what it locks is seen from another session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner.locks import tracing
from tests.locks.conftest import migration

if TYPE_CHECKING:
    from tests.locks.conftest import Stage

SUE, AE = "ShareUpdateExclusiveLock", "AccessExclusiveLock"
MOMENT, READS, REWRITES, BUILDS = "a moment", "reads", "rewrites", "builds an index"
CASES = {
    "create index concurrently idx on public.orders (note)": {"orders": (SUE, BUILDS)},
    "create index concurrently if not exists idx_total on public.orders (total)": {"orders": (SUE, MOMENT)},
    "drop index concurrently public.idx_total": {"orders": (SUE, MOMENT)},
    "call public.tidy()": {"loose": (AE, MOMENT)},
    "do $$ begin drop table public.loose; commit; end $$": {"loose": (AE, MOMENT)},
    "reindex index concurrently public.idx_total -- not of customers": {"orders": (SUE, BUILDS)},
    "reindex table concurrently public.orders": {"orders": (SUE, BUILDS)},
    "CREATE INDEX CONCURRENTLY idx ON public.ORDERS (note) -- for customers": {"orders": (SUE, BUILDS)},
    "VACUUM (FREEZE) public.Orders -- not of customers": {"orders": (SUE, READS)},
    "vacuum public.orders": {"orders": (SUE, READS)},
    "vacuum full public.orders": {"orders": (AE, REWRITES)},
    "alter table public.events detach partition public.events_1 concurrently":
        {"events": (SUE, MOMENT), "events_1": (AE, MOMENT)},
}  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_what_cannot_run_in_a_transaction_is_seen_from_outside(own_stage: Stage, text: str) -> None:
    """Its lock, what it does, and that it was not traced; the file is recorded as applied."""
    [found] = tracing.traces(own_stage.here, [migration(text, 1, in_transaction=False)])
    assert found.untraced is None
    [traced] = found.statements
    told = {
        e.name.removeprefix("public."): (e.mode, str(e.work)) for e in traced.effects if e.kind == "table"
    }
    assert told == CASES[text]
    assert str(traced.note).startswith("run outside a transaction")
    assert own_stage.here.look().recorded == ("000", "001")
    gone = re.findall(r"drop (?:index|table).*public\.\w+", text)
    assert [loss.text for loss in traced.losses] == [
        one.replace("drop", "drops").replace(" concurrently", "") for one in gone
    ]
    assert ("data-loss" in traced.alarms) == ("drop table" in text)


LOST = {
    "alter table public.orders drop column note": ["drops column public.orders.note"],
    "truncate public.loose": ["empties public.loose"],
    "delete from public.orders": ["deletes every row of public.orders"],
    "alter table public.orders alter column note type varchar(3)":
        ["narrows public.orders.note from character varying(50) to character varying(3)"],
    "do $$ begin delete from public.orders; commit; alter table public.orders drop note; commit; end $$":
        ["drops column public.orders.note", "deletes every row of public.orders"],
    "delete from public.orders where false": [],
    "drop database if exists nowhere": ["drops database nowhere"],
    "drop tablespace if exists nowhere": ["drops tablespace nowhere"],
}  # fmt: skip


@pytest.mark.parametrize("text", LOST)
def test_what_it_destroys_is_told_as_of_any_file(own_stage: Stage, text: str) -> None:
    """Such files are made for what commits in between; nothing of the tracing is left in the database."""
    [found, again] = tracing.traces(
        own_stage.here, [migration(text, 1, in_transaction=False), migration("select 1", 2)]
    )
    [traced] = found.statements
    assert [one.text for one in traced.losses] == LOST[text]
    assert ("data-loss" in traced.alarms) == bool(LOST[text])
    assert again.untraced is None
    left = "select from pg_event_trigger union all select from pg_namespace where nspname = 'runner_trace'"
    assert own_stage.here.connection.execute(left).fetchall() == []


@pytest.mark.parametrize("text", ["reindex table public.orders", "reindex schema public"])
def test_an_index_that_is_built_anew_is_seen_however_fast(own_stage: Stage, text: str) -> None:
    """By its new file, with the locks that this takes."""
    [found] = tracing.traces(own_stage.here, [migration(text, 1, in_transaction=False)])
    told = {e.name: (e.mode, str(e.work)) for e in found.statements[0].effects}
    assert told["public.orders"] == ("ShareLock", "builds an index")
    assert told["public.idx_total"] == ("AccessExclusiveLock", "builds an index")


def test_one_that_fails_is_untraced(own_stage: Stage) -> None:
    """And so is what comes behind it."""
    text = "create index concurrently idx on public.orders (nowhere)"
    first, second = tracing.traces(
        own_stage.here, [migration(text, 1, in_transaction=False), migration("select 1", 2)]
    )
    assert 'column "nowhere" does not exist' in str(first.untraced)
    assert second.untraced == "001_x could not be applied before it"
    assert second.alarms == ("rollback", "untraced")
