"""The rules of columns, of types, defaults and indexes on times, read from a catalog like all ``rules``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sql.rule import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.sql.catalog import Catalog, Thing

rule: Rules[Catalog, Thing] = Rules()


@rule(
    "time",
    "A time has its date and its zone, and only such a column is called `<something>_at`.",
    "Make it `timestamptz`, or give it another name.",
)
def _(catalog: Catalog) -> Iterator[Thing]:
    for column in catalog.columns:
        is_time = column.type.startswith(("time", "interval")) or column.column.endswith("_at")
        if is_time and column.type != "timestamp with time zone":
            yield column


@rule(
    "time-index",
    "An index on one time that is never null is ascending.",
    "Leave `desc` out: it is read both ways, and new rows come last, where a btree leaves its pages full.",
)
def _(catalog: Catalog) -> Iterator[Thing]:
    for index in catalog.indexes:
        key = catalog.columns_of(index.table).get(index.columns[0]) if len(index.columns) == 1 else None
        a_time = key and not key.nullable and key.type in ("timestamp with time zone", "date")
        if a_time and index.method == "btree" and index.keys != index.columns:
            yield index


@rule("json", "A document is `jsonb`.", "Make it `jsonb`.")
def _(catalog: Catalog) -> Iterable[Thing]:
    return [column for column in catalog.columns if column.type == "json"]


@rule("array", "A list is a table of its own, or `jsonb`.", "Make it one of the two.")
def _(catalog: Catalog) -> Iterable[Thing]:
    return [column for column in catalog.columns if "[]" in column.type]


@rule("numbered", "No column is numbered by a sequence.", "Use a uuid and `gen_random_uuid()`.")
def _(catalog: Catalog) -> Iterable[Thing]:
    return [c for c in catalog.columns if c.special in ("a", "d") or "nextval" in (c.default or "")]


@rule(
    "metadata",
    "A column called metadata is an object from the start.",
    "Write `metadata jsonb not null default '{}'::jsonb`.",
)
def _(catalog: Catalog) -> Iterator[Thing]:
    for column in catalog.columns:
        facts = (column.type, column.nullable, column.default)
        if column.column == "metadata" and facts != ("jsonb", False, "'{}'::jsonb"):
            yield column


RULES = tuple(rule.all)
