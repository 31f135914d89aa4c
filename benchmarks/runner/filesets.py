"""The files to migrate: the project's own two sets, many small ones, and a single large one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runner.model import FileSet

if TYPE_CHECKING:
    from collections.abc import Iterator

_SQL = Path(__file__).parents[2] / "sql"
REAL = ("auth", "specs")
LARGE = "large"
LARGE_BYTES = 15_000_000
_TABLE = re.compile(r"^create table\b", re.MULTILINE)
_SMALL = """\
-- {number:03}_orders.sql: orders of branch {number}.

create table if not exists public.orders_{number} (
    id uuid not null default gen_random_uuid(),
    customer_id uuid not null,
    status text not null default 'new',
    amount numeric(12, 2) not null,
    created_at timestamptz not null default now(),
    constraint orders_{number}_pkey primary key (id),
    constraint ck_orders_{number}_amount check (amount >= 0)
);

create index if not exists idx_orders_{number}_customer_id
    on public.orders_{number} (customer_id, created_at);
"""
_PLACES = "create table if not exists public.places (id bigint primary key, name text, note text);\n"
_ROWS = 100
_BLOCK = """
-- Places {first} to {last}; the ' of a comment opens nothing, nor does its ;
insert into public.places (id, name, note) values
{rows}
on conflict (id) do nothing;

create or replace function public.place_{first}(wanted bigint) returns text
language plpgsql stable set search_path = '' as $body$
begin
    -- one function per block, with a 'string', a "name" and a ;
    return (select p.name || ' ($1)' from public.places as p where p.id = wanted + {first});
end
$body$;
"""


def make(name: str, folder: Path) -> FileSet:
    """Return a set by name: auth, specs, large, small_100. Generated files go to ``folder``."""
    if name in REAL:
        paths = real(name)
        return FileSet(name, paths, sum(len(_TABLE.findall(path.read_text())) for path in paths))
    if name == LARGE:
        path = folder / "000_places.sql"
        path.write_text("".join(_large()))
        return FileSet(name, (path,), 1)
    paths = tuple(folder / f"{number:03}_orders.sql" for number in range(int(name.removeprefix("small_"))))
    for number, path in enumerate(paths):
        path.write_text(_SMALL.format(number=number))
    return FileSet(name, paths, len(paths))


def real(name: str) -> tuple[Path, ...]:
    """Return the files of a series of this project, in order."""
    return tuple(sorted((_SQL / name).glob("*.sql")))


def _large() -> Iterator[str]:
    """Yield pieces of SQL, ``LARGE_BYTES`` in all but for less than one piece."""
    yield _PLACES
    size, first = len(_PLACES), 0
    while True:
        rows = ",\n".join(
            f"    ({number}, 'Place {number}', 'It''s a note; about place {number} of many')"
            for number in range(first, first + _ROWS)
        )
        block = _BLOCK.format(first=first, last=first + _ROWS - 1, rows=rows)
        size, first = size + len(block), first + _ROWS
        if size > LARGE_BYTES:
            return
        yield block
