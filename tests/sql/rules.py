"""The rules every table follows, read from a catalog and from nothing else.

Each stands in docs/writing.md as well, in the same words. ``EXCEPTIONS`` has what is excused, and why.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.schema import sentence
from tests.sql import column_rules, name_rules
from tests.sql.catalog import PRIMARY_KEY, Catalog, Thing
from tests.sql.rule import EXCEPTIONS, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.sql.catalog import Column, Constraint, Index
    from tests.sql.rule import Rule

EACH_UPDATE = r" BEFORE UPDATE ON \S+ FOR EACH ROW EXECUTE "
PINNED = ["search_path=pg_catalog, pg_temp"]
rule: Rules[Catalog, Thing] = Rules()


def broken(one: Rule[Catalog, Thing], catalog: Catalog) -> list[str]:
    """Return what breaks a rule, as ``index idx_a_b``, without what is excused."""
    found = {f"{type(thing).__name__.lower()} {thing.name}": None for thing in one.find(catalog)}
    return [name for name in found if (one.name, name) not in EXCEPTIONS]


def says_cross_database(column: Column) -> bool:
    """Tell whether the comment mentions the other database at all."""
    return "cross-database" in (column.comment or "")


def leading(catalog: Catalog, table: str, columns: list[str]) -> list[Index]:
    """Return the full btree indexes that begin with these columns."""
    return [
        index
        for index in catalog.indexes
        if index.table == table
        and (index.method, index.predicate) == ("btree", None)
        and index.columns[: len(columns)] == columns
    ]


def serving(catalog: Catalog, key: Constraint) -> list[Index]:
    """Return the indexes that find every row with a value in a foreign key: equality rules out null."""
    whole = f"({key.columns[0]} IS NOT NULL)"
    some = [replace(index, predicate=None) for index in catalog.indexes if index.predicate == whole]
    return leading(replace(catalog, indexes=(*catalog.indexes, *some)), key.table, key.columns)


@rule(
    "key",
    "A table has the key id, a uuid that the database makes.",
    "Write `id uuid not null default gen_random_uuid()` and `constraint <table>_pkey primary key (id)`.",
)
def _(catalog: Catalog) -> Iterator[Thing]:
    keys = {key.table: key.columns for key in catalog.constraints if key.kind == PRIMARY_KEY}
    for table in catalog.plain_tables():
        made = catalog.columns_of(table.name).get("id")
        if keys.get(table.name) != ["id"] or not made:
            yield table
        elif (made.type, made.default) != ("uuid", "gen_random_uuid()"):
            yield made


@rule("foreign-key", "A foreign key is one column, and points at an id.", "Refer to the table's id.")
def _(catalog: Catalog) -> Iterable[Thing]:
    return [k for k in catalog.foreign_keys() if len(k.columns) != 1 or k.target_columns != ["id"]]


@rule(
    "foreign-key-index",
    "A btree index begins with the column of a foreign key, and leaves out no row that has a value there.",
    "Create an index that begins with it, without `where` or with `where <column> is not null`.",
)
def _(catalog: Catalog) -> Iterable[Thing]:
    return [key for key in catalog.foreign_keys() if not serving(catalog, key)]


@rule(
    "status-index",
    "A full btree index begins with each column called status or `<something>_status`.",
    "Create an index that begins with it, without `where`.",
)
def _(catalog: Catalog) -> Iterable[Thing]:
    states = [column for column in catalog.columns if re.fullmatch(r"(\w+_)?status", column.column)]
    return [column for column in states if not leading(catalog, column.table, [column.column])]


@rule(
    "index-repeated",
    "No full btree index only repeats the first columns of another one.",
    "Leave it out: the longer one serves its queries.",
)
def _(catalog: Catalog) -> Iterator[Thing]:
    for index in catalog.indexes:
        if (index.method, index.predicate) == ("btree", None) and not index.unique:
            longer = [other for other in leading(catalog, index.table, index.columns) if other != index]
            # of two alike, the one that comes later by name
            if any(
                other.columns != index.columns or other.unique or other.name < index.name for other in longer
            ):
                yield index


@rule("index-valid", "No index is left over from a failed build.", "Drop it and build it again.")
def _(catalog: Catalog) -> Iterable[Thing]:
    return [index for index in catalog.indexes if not index.valid]


@rule(
    "comment",
    "A table, column, index and function has a comment; that of an index tells the query it serves.",
    "Write `comment on <kind> public.<name> is '…';` in the same file, or in the one behind `concurrently`.",
)
def _(catalog: Catalog) -> Iterable[Thing]:
    things = (*catalog.tables, *catalog.columns, *catalog.indexes, *catalog.functions)
    return [thing for thing in things if not (thing.comment or "").strip()]


@rule(
    "cross-database",
    "A column that points into the other database is a uuid, no foreign key, and leads a full btree index.",
    "Make it `uuid`, and create an index that begins with it, without `where`.",
)
def _(catalog: Catalog) -> Iterator[Thing]:
    keys = foreign_columns(catalog)
    for column in filter(says_cross_database, catalog.columns):
        if (
            column.type != "uuid"
            or column.name in keys
            or not leading(catalog, column.table, [column.column])
        ):
            yield column


def foreign_columns(catalog: Catalog) -> set[str]:
    """Return the columns that are foreign keys."""
    return {f"{key.table}.{column}" for key in catalog.foreign_keys() for column in key.columns}


@rule(
    "cross-database-sentence",
    "The comment of such a column ends with the sentence that tools read.",
    "End it with `References auth.users.id (cross-database, no foreign key).`: series, table and column.",
)
def _(catalog: Catalog) -> Iterable[Thing]:
    return [c for c in catalog.columns if says_cross_database(c) and not sentence.read_sentence(c.comment)]


@rule(
    "uuid",
    "A uuid is the key, a foreign key, or a column that points into the other database.",
    "Add the foreign key, or that sentence.",
)
def _(catalog: Catalog) -> Iterator[Thing]:
    keys = foreign_columns(catalog)
    for column in catalog.columns:
        strange = column.type == "uuid" and column.column != "id" and column.name not in keys
        if strange and not says_cross_database(column):
            yield column


@rule(
    "updated-at",
    "Every updated_at is kept current by its trigger.",
    "Create `trg_<table>_updated_at before update … for each row execute function public.set_updated_at()`.",
)
def _(catalog: Catalog) -> Iterator[Thing]:
    sound = {
        t.name
        for t in catalog.triggers
        if (t.function, t.enabled) == ("set_updated_at", "O") and re.search(EACH_UPDATE, t.definition)
    }
    for column in catalog.columns:
        if column.column == "updated_at" and f"trg_{column.table}_updated_at" not in sound:
            yield column


@rule("schema", "Everything is in the schema public.", "Make it there; no file makes a schema.")
def _(catalog: Catalog) -> Iterable[Thing]:
    return [one for one in catalog.objects if one.kind == "schema"]


@rule(
    "search-path",
    "A function pins where it looks names up.",
    "Write `set search_path = pg_catalog, pg_temp` and qualify the names it uses.",
)
def _(catalog: Catalog) -> Iterable[Thing]:
    return [function for function in catalog.functions if function.settings != PINNED]


RULES = (*rule.all, *column_rules.RULES, *name_rules.RULES)
