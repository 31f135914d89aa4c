"""Choose what a diagram shows: few enough columns to read, and every line between tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.reference.facts import title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.reference.facts import Column, Group, Schema, Table

MOST_ROWS = 12  # of one table; its keys are shown in any case


@dataclass(frozen=True, slots=True)
class Row:
    """A column; ``marks`` are PK, FK, UK (no two rows alike) and DB (points into another database)."""

    name: str
    type: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A table of the group; ``more`` columns are not shown."""

    title: str
    kind: str
    rows: tuple[Row, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Line:
    """A table points at another: by a foreign key, or (``foreign``) into another database."""

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    optional: bool
    unique: bool
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """Cards in order, and lines, also to tables that have no card here."""

    name: str
    cards: tuple[Card, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Every table of a series by name, in clusters by file; ``abroad`` are those that point abroad."""

    series: str
    clusters: tuple[tuple[str, tuple[str, ...]], ...]
    abroad: frozenset[str]
    lines: tuple[Line, ...]


def of_group(group: Group) -> Diagram:
    """Return the diagram of one migration file: its tables whole, others by what it added to them."""
    cards = [_card(table, tuple(_chosen(table))) for table in group.tables]
    lines = [line for table in group.tables for line in _lines(table)]
    for addition in group.additions:
        names = {column.name for column in addition.columns}
        shown = [c for c in addition.table.columns if c.name in names | set(addition.table.primary_key)]
        cards.append(_card(addition.table, tuple(shown)))
        lines += [line for line in _lines(addition.table) if names & set(line.columns)]
    return Diagram(group.migration.label, tuple(cards), tuple(lines))


def of_schema(schema: Schema) -> Overview:
    """Return the overview of a series; several lines from one table to another are one, the weakest."""
    lines: dict[tuple[str, str], Line] = {}
    for table in schema.tables:
        for line in _lines(table):
            if not line.foreign:
                pair = line.child, line.parent
                lines[pair] = _weakest(lines.get(pair, line), line)
    return Overview(
        schema.series,
        tuple((g.migration.label, tuple(t.title for t in g.tables)) for g in schema.groups if g.tables),
        frozenset(table.title for table, _, _ in schema.references),
        tuple(lines.values()),
    )


def _weakest(one: Line, other: Line) -> Line:
    """Return a line that promises no more than each of two between the same tables."""
    return replace(one, optional=one.optional or other.optional, unique=one.unique and other.unique)


def _card(table: Table, columns: tuple[Column, ...]) -> Card:
    rows = tuple(Row(c.name, c.type, tuple(_marks(table, c))) for c in columns)
    return Card(table.title, table.kind, rows, len(table.columns) - len(rows))


def _marks(table: Table, column: Column) -> Iterator[str]:
    if column.name in table.primary_key:
        yield "PK"
    if any(column.name in key.columns for key in table.foreign_keys):
        yield "FK"
    if column.reference:
        yield "DB"
    if (column.name,) != table.primary_key and table.is_unique((column.name,)):
        yield "UK"


def _chosen(table: Table) -> Iterator[Column]:
    """Yield the columns to show, in their order: all when they are few, else keys and telling ones."""
    room = MOST_ROWS if len(table.columns) <= MOST_ROWS else MOST_ROWS - 1  # a row says how many more
    ranked = sorted(table.columns, key=lambda column: (-_telling(table, column), column.number))
    keys = sum(any(_marks(table, column)) for column in table.columns)
    chosen = {column.name for column in ranked[: max(room, keys)]}
    yield from (column for column in table.columns if column.name in chosen)


def _telling(table: Table, column: Column) -> int:
    """Return how much a column tells of its table: keys most, then what is checked, required or searched."""
    points = 100 * any(_marks(table, column))
    points += 3 * any(column.name in check.columns for check in table.checks)
    points += 3 * (not column.nullable and column.default is None)
    points += 2 * any(column.name in index.columns for index in table.indexes)
    points -= 4 * (column.name in ("created_at", "updated_at"))
    return points - 2 * column.type.startswith(("json", "bytea"))


def _lines(table: Table) -> Iterator[Line]:
    nullable = {column.name for column in table.columns if column.nullable}
    for key in table.foreign_keys:
        optional, unique = bool(nullable & set(key.columns)), table.is_unique(key.columns)
        yield Line(table.title, key.columns, title(key.target), key.target_columns, optional, unique)
    for column in table.columns:
        if to := column.reference:
            name = f"{to.series}.{to.table}"
            unique = table.is_unique((column.name,))
            yield Line(table.title, (column.name,), name, (to.column,), column.nullable, unique, foreign=True)
