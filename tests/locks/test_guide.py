"""The guide's table of locks is what the command measures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner.locks import tracing
from runner.locks.mode import Blocked
from tests.locks.conftest import migration
from tests.project import ROOT

if TYPE_CHECKING:
    from runner.locks.effect import Effect
    from tests.locks.conftest import Stage

_ORDERS = "alter table public.orders"
_KEY = "alter table public.items add constraint fk foreign key (order_id) references public.orders (id)"
# what the guide calls a statement -> the statement
SQL = {
    "create table": "create table public.n (id int)",
    "create view": "create view public.n as select * from public.orders",
    "create function": "create function public.n() returns int language sql as 'select 1'",
    "comment on": "comment on column public.orders.total is 'x'",
    "create statistics": "create statistics public.n on id, total from public.orders",
    "set (fillfactor = 70)": f"{_ORDERS} set (fillfactor = 70)",
    "set statistics": f"{_ORDERS} alter column total set statistics 100",
    "validate constraint": f"{_ORDERS} validate constraint ck_total",
    "create index concurrently": "create index concurrently n on public.orders (note)",
    "create trigger": "create trigger n before insert on public.orders"
    " for each row execute function public.nothing()",
    "add foreign key … not valid": f"{_KEY} not valid",
    "add foreign key": _KEY,
    "create index": "create index on public.orders (note)",
    "add column with a constant default": f"{_ORDERS} add column c text not null default ''",
    "drop column": f"{_ORDERS} drop column note",
    "rename column": f"{_ORDERS} rename column note to remark",
    "add constraint … not valid": f"{_ORDERS} add constraint n check (total > 0) not valid",
    "create policy": "create policy n on public.orders using (true)",
    "set not null without a check": f"{_ORDERS} alter column filled set not null",
    "add constraint … check": f"{_ORDERS} add constraint n check (total < 1000000000)",
    "add constraint … unique": f"{_ORDERS} add constraint n unique (id)",
    "alter column … type bigint": f"{_ORDERS} alter column total type bigint",
    "add column … default gen_random_uuid()": f"{_ORDERS} add column c uuid default gen_random_uuid()",
    "refresh materialized view": "refresh materialized view public.summary",
}
_LONG = {"reads": "read", "validates a key": "read", "builds an index": "build", "rewrites": "rewrite"}


def _rows() -> list[tuple[str, str, str]]:
    """Return of each statement in the guide's table: its name, who waits, for how long."""
    guide = (ROOT / "docs" / "writing.md").read_text(encoding="utf-8")
    table = guide.partition("| statement | who has to wait meanwhile | for how long |\n|---|---|---|\n")[2]
    rows = [line.strip("| ").split(" | ") for line in table.partition("\n\n")[0].splitlines()]
    return [
        (name.replace("`", "").strip(), who.strip(), long[0].strip("| ") if long else "")
        for names, who, *long in rows
        for name in re.split(r", (?=`)", names)
    ]


def _effects(stage: Stage, sql: str) -> tuple[Effect, ...]:
    if "concurrently" not in sql:
        return stage.trace(sql)[0].effects
    [found] = tracing.traces(stage.here, [migration(sql, 1, in_transaction=False)])
    return found.statements[0].effects


def test_every_statement_of_the_guide_is_known_here() -> None:
    """A new row, or another word in it, wants its statement in this test."""
    assert [name for name, _, _ in _rows()] == list(SQL)


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0])
def test_the_guide_says_what_the_command_measures(
    request: pytest.FixtureRequest, stage: Stage, row: tuple[str, str, str]
) -> None:
    """Who waits, on how many tables, and whether that takes a moment or as long as a table is large."""
    name, who, long = row
    if "concurrently" in name:  # nothing else stays
        stage = request.getfixturevalue("own_stage")
    effects = [one for one in _effects(stage, SQL[name]) if one.blocked is not Blocked.NOBODY]
    assert {str(one.blocked) for one in effects} == (
        {who.split()[-1] if "DDL" in who else who.split(",")[0]} - {"nobody"}
    )
    assert len(effects) == (0 if who == "nobody" else 2 if "both tables" in who else 1)
    verbs = {_LONG[str(one.work)] for one in effects if one.work.takes_long}
    assert verbs == set(re.findall(r"takes to (\w+)", long))
    assert (long == "a moment") == bool(effects and not verbs)
