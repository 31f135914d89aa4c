"""Defaults that stand still."""

from __future__ import annotations

import pytest

from runner import files

COLUMN = "create table public.a (id int, t {});"
FOLDED = [
    COLUMN.format("timestamptz default 'now'"),
    COLUMN.format("timestamp with time zone not null default 'now', b int"),
    COLUMN.format("timestamp(3) DEFAULT ' NOW '"),
    COLUMN.format("date default 'today'"),
    COLUMN.format("date null check (t > '2020-01-01') default 'today'"),
    "create table public.a (date date default 'today', text text);",
    COLUMN.format("timestamptz default ('tomorrow'::timestamptz)"),
    COLUMN.format("timestamptz default timestamp with time zone 'now'"),
    COLUMN.format("date default cast('now' as date)"),
    COLUMN.format("timetz default 'now'"),
    COLUMN.format("timestamp default timestamp without time zone 'yesterday'"),
    "alter table public.a alter t set default date 'today';",
    "alter table public.a alter t set default cast('today' as date);",
    "alter table public.a alter t set default 'Now';",
    "alter table public.a alter t set default 'now';",
    "alter table public.a add column if not exists u time default 'now';",
]
MOVING = [
    COLUMN.format("timestamptz default now()"),
    COLUMN.format("timestamptz default current_timestamp"),
    COLUMN.format("timestamptz default 'infinity'"),
    COLUMN.format("timestamp default 'now'::text::timestamp"),
    COLUMN.format("text default 'now'"),
    COLUMN.format("timestamptz default now(), s text default 'now'"),
    COLUMN.format("timestamptz -- default 'now'\n"),
    "select 'default ''now''', $$timestamptz default 'now'$$;",
    "create table public.a (uptime text default 'now', dates text default 'now');",
    "create table public.a (id int, date text default 'now', time varchar(9) not null default 'today');",
    "alter table public.a add column date text default 'now';",
    "alter table public.a alter s set default 'today';",
    "alter table public.a alter s set default 'nowhere';",
    "select 'open",
]


@pytest.mark.parametrize("text", FOLDED)
def test_a_time_that_is_read_once_is_found_with_its_place(text: str) -> None:
    """However its type is said, and where none is said."""
    [(word, place)] = files.folded(f"select 1;\n{text}", path="a.sql")
    assert (place.line, place.column) == (2, text.lower().index("default") + 1)
    assert word in ("'now'", "'today'", "'tomorrow'", "'yesterday'")


@pytest.mark.parametrize("text", MOVING)
def test_what_is_no_such_time_is_not(text: str) -> None:
    """Calls, other words, text columns, comments and strings; a file that cannot be read is not judged."""
    assert list(files.folded(text, path="a.sql")) == []
