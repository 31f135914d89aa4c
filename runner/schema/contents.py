"""Read the rows of tables, and say how two readings of one table differ.

Rows are compared by the names of their columns, so that a column added at the end accuses nobody. A column
or a table that was dropped and made anew is another one (``number``, ``oid``): what it held is lost.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from runner import database

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from runner.database import Connection

    Row = dict[str, str | None]

_SIMILAR = 300  # rows of a table without a key that are paired by what they share

# How much was written to a table so far. A table that was rewritten, as by truncate, has another file.
_COUNTERS = """
    select
        case when c.oid = l.oid then 0
            else coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid) end,
        pg_catalog.string_agg(pg_catalog.concat_ws(
            ' ', c.oid, c.relfilenode, pg_catalog.pg_stat_get_tuples_inserted(c.oid),
            pg_catalog.pg_stat_get_tuples_updated(c.oid), pg_catalog.pg_stat_get_tuples_deleted(c.oid)
        ), ',' order by c.oid)
    from (select pg_catalog.to_regclass(%(besides)s) as oid) as l
    cross join pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'p') and c.relpersistence <> 't' and (c.relkind <> 'm' or c.relispopulated)
        and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        and (%(schemas)s::text[] is null or n.nspname = any (%(schemas)s::text[]) or c.oid = l.oid)
    group by 1
"""


class _Facts(NamedTuple):
    oid: int
    table: str
    kind: str
    number: int  # with what follows it null where the table has no columns
    column: str
    type: str
    text: str
    in_key: bool
    parts: list[int] | None
    is_generated: bool | None
    members: list[int]


class Column(NamedTuple):
    """A column: its place in the table for ever, its type, and the places of that one's attributes in it."""

    number: int
    type: str
    parts: list[int] | None
    is_generated: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table or a materialized view and all its rows, each by the names of the columns.

    Its ``members`` are its partitions, down to the last, and itself.
    """

    oid: int
    name: str
    is_view: bool
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    rows: Sequence[Row]
    members: frozenset[int]


class Shift(NamedTuple):
    """How rows differ: those that came, those that went, and pairs of what one was and is."""

    added: list[Row]
    lost: list[Row]
    changed: list[tuple[Row, Row]]

    def __bool__(self) -> bool:
        return any(self)


def counters(connection: Connection, *, besides: str, schemas: Sequence[str] = ()) -> dict[int, str]:
    """Return for each table a text that changes whenever a row of it may have changed. Does not write.

    ``schemas`` are those whose tables count, none for all; that of the table ``besides`` stands at 0.
    """
    return dict(database.query(connection, _COUNTERS, besides=besides, schemas=list(schemas) or None))


def read(connection: Connection, oids: Collection[int]) -> dict[int, Table]:
    """Return tables with their rows. Does not write."""
    found: dict[int, list[_Facts]] = {}
    for row in database.query(connection, database.packaged(__package__, "contents.sql"), list(oids)):
        found.setdefault(row[0], []).append(_Facts(*row))
    return {oid: _table(connection, facts) for oid, facts in found.items()}


def _table(connection: Connection, facts: Sequence[_Facts]) -> Table:
    oid, name, kind, *_ = facts[0]
    found = [one for one in facts if one.number]  # a table may have no columns
    texts, names = ", ".join(one.text for one in found) or "null", [one.column for one in found]
    source = f"only {name}" if kind == "r" else name
    # Not prepared: the server refuses to run it again where a column has got another collation.
    [result] = database.ask(connection, f"select {texts} from {source}")  # noqa: S608 - quoted by the server
    return Table(
        oid,
        name,
        kind == "m",
        {one.column: Column(one.number, one.type, one.parts, bool(one.is_generated)) for one in found},
        tuple(one.column for one in found if one.in_key),
        [dict(zip(names, row, strict=False)) for row in database.rows(connection, result)],
        frozenset({oid, *facts[0].members}),
    )


def whole(tables: Sequence[Table]) -> Table | None:
    """Return the first of several tables with the rows of all."""
    return replace(tables[0], rows=[row for one in tables for row in one.rows]) if tables else None


def kept(before: Table, after: Table) -> frozenset[str]:
    """Return the columns that are still the same ones, with the same attributes."""
    return frozenset(
        name
        for name, (number, _, parts, *_) in before.columns.items()
        if (now := after.columns.get(name)) and (now.number, now.parts or []) == (number, parts or [])
    )


def shift(
    before: Table, after: Table, names: Collection[str] | None = None, *, more: Sequence[Row] = ()
) -> Shift:
    """Return how the rows differ in these columns, else in all that were kept; ``more`` rows are our own."""
    names = kept(before, after) if names is None else names
    old, new = parts((*before.rows, *more), names), parts(after.rows, names)
    lost, added = without_equal(old, new), without_equal(new, old)
    key = before.key if before.key and set(before.key) <= set(names) else ()
    pairs = dict(_pairs(lost, added, key))  # from the place of what a row was to that of what it is
    came = set(pairs.values())
    return Shift(
        [row for j, row in enumerate(added) if j not in came],
        [row for i, row in enumerate(lost) if i not in pairs],
        [(lost[i], added[j]) for i, j in pairs.items()],
    )


def parts(rows: Iterable[Row], names: Collection[str]) -> list[Row]:
    """Return of rows what they hold in columns; null where they have none of the name."""
    return [{name: row.get(name) for name in names} for row in rows]


def without_equal(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """Return the rows that the others do not hold as often."""
    there = Counter(tuple(row.values()) for row in others)
    rest = []
    for row in rows:
        values = tuple(row.values())
        if there[values]:
            there[values] -= 1
        else:
            rest.append(row)
    return rest


def _pairs(lost: Sequence[Row], added: Sequence[Row], key: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pair what a row was with what it is: by its key, else by what they have in common."""
    if key:
        places = {tuple(row[name] for name in key): j for j, row in enumerate(added)}
        for i, row in enumerate(lost):
            if (j := places.get(tuple(row[name] for name in key))) is not None:
                yield i, j
        return
    free = list(range(len(added)))[:_SIMILAR]
    for i, row in enumerate(lost[:_SIMILAR]):
        if not free:
            return
        best = max(free, key=lambda j: _shared(row, added[j]))
        if len(row) != 1 and len(lost) != len(added) and not _shared(row, added[best]):
            continue
        free.remove(best)
        yield i, best


def _shared(one: Row, other: Row) -> int:
    """Count the columns in which two rows hold the same."""
    return sum(other[name] == value for name, value in one.items())
