"""What the files of the contract make is exactly what it says, on every supported version.

Files that came later are held to the rules of test_rules.py, and say in their header what they change.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import SERIES
from tests.project import ROOT
from tests.sql import catalog, contract
from tests.sql.catalog import CHECK, FOREIGN_KEY, PRIMARY_KEY, by_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sql.catalog import Catalog, Constraint, Index
    from tests.sql.clone import Clone

SENTENCE = "References auth.users.id (cross-database, no foreign key)."
LISTED = re.compile(r"(?<=ARRAY\[).*?(?=\])")
CREATED = re.compile(r"^create table if not exists public\.(\w+) \(", re.MULTILINE)

# What the groups and totals of the contract come to: tables, columns, indexes (key, unique, plain),
# foreign keys, cross-database references, checks, updated_at triggers.
TOTALS = {
    "auth": (8, 71, 44, 8, 8, 28, 8, 0, 5, 6),
    "specs": (35, 369, 168, 35, 16, 117, 26, 23, 54, 29),
    "auth + specs": (43, 440, 212, 43, 24, 145, 34, 23, 59, 35),
}


def expects_vectors(clone: Clone) -> bool:
    """Tell whether the optional columns must be there: in specs, where the server offers pgvector."""
    query = "select from pg_available_extensions where name = 'vector'"
    return clone.series == "specs" and clone.connection.execute(query).rowcount == 1


@cache
def promised(clone: Clone) -> Catalog:
    """Build the contract beside the schema, read what the server makes of it, and take it away."""
    vectors = expects_vectors(clone)
    with clone.connection.transaction(force_rollback=True):
        for statement in contract.statements(clone.series, with_vectors=vectors):
            clone.connection.execute(statement)
        return catalog.read(clone.connection, contract.SCHEMA)


def without_order(constraint: Constraint) -> Constraint:
    """Sort the values a check accepts: their order means nothing."""
    if constraint.kind != CHECK:
        return constraint
    ordered = LISTED.sub(lambda values: ", ".join(sorted(values[0].split(", "))), constraint.definition)
    return replace(constraint, definition=ordered)


def without_key_comment(index: Index) -> Index:
    """Drop the comment of a constraint's index, for which the contract has no text."""
    return replace(index, comment=None) if index.of_constraint else index


def comparable(facts: Catalog, kind: str) -> dict[str, Any]:
    """Return all things of a kind by name, in a form that can be compared."""
    things = by_name(getattr(facts, kind))
    normal: dict[str, Callable[[Any], Any]] = {"constraints": without_order, "indexes": without_key_comment}
    return {name: normal.get(kind, lambda thing: thing)(thing) for name, thing in things.items()}


@pytest.mark.parametrize("kind", ["tables", "columns", "constraints", "indexes", "triggers"])
def test_everything_of_a_kind_is_as_promised_and_nothing_else_exists(designed: Clone, kind: str) -> None:
    """The live things of a kind equal those the server builds from the contract, comments included."""
    assert comparable(designed.catalog, kind) == comparable(promised(designed), kind)


def test_the_only_other_things_are_the_ledger_trigger_functions_and_vector(designed: Clone) -> None:
    """No view, type, sequence, schema, rule or stray function exists in any schema."""
    expected = {("table", f"public.{table}") for table in contract.load(designed.series)["tables"]}
    expected.add(("table", "public.schema_migrations"))
    expected |= {("function", f"public.{trigger.function}()") for trigger in promised(designed).triggers}
    if expects_vectors(designed):
        expected.add(("extension", "vector"))
    compared_above = ("table constraint", "index", "trigger", "default value")
    found = {(one.kind, one.name) for one in designed.catalog.objects if one.kind not in compared_above}
    assert found == expected


def test_columns_that_point_into_the_other_database_say_so(designed: Clone) -> None:
    """Exactly the cross-database columns of the contract carry the sentence that tools read."""
    said = {column.name for column in designed.catalog.columns if (column.comment or "").endswith(SENTENCE)}
    assert said == contract.cross_database(designed.series)


@pytest.mark.parametrize("series", SERIES)
def test_every_table_is_made_by_the_file_of_its_group(series: str) -> None:
    """A file makes the tables that its group lists, and no others."""
    groups = contract.load(series)["groups"]
    tables = contract.load(series)["tables"]
    for group, file in groups.items():
        text = (ROOT / "sql" / series / f"{file}.sql").read_text(encoding="utf-8")
        assert set(CREATED.findall(text)) == {name for name in tables if tables[name]["group"] == group}


def count(facts: Catalog) -> tuple[int, ...]:
    """Count what the table of totals counts; vector columns are optional and not in it."""
    columns = [column for column in facts.columns if column.column != "embedding_vec"]
    indexes = [index for index in facts.indexes if index.columns != ["embedding_vec"]]
    keys = sum(constraint.kind == PRIMARY_KEY for constraint in facts.constraints)
    unique = sum(index.unique for index in indexes) - keys
    return (
        len(facts.tables),
        len(columns),
        len(indexes),
        keys,
        unique,
        len(indexes) - keys - unique,
        sum(constraint.kind == FOREIGN_KEY for constraint in facts.constraints),
        sum((column.comment or "").endswith(SENTENCE) for column in columns),
        len(facts.checks()),
        sum(trigger.name.endswith("_updated_at") for trigger in facts.triggers),
    )


@pytest.mark.parametrize("which", TOTALS)
def test_the_totals_are_those_the_contract_names(designed_of: Callable[[str], Clone], which: str) -> None:
    """Tables, columns, indexes, keys, references, checks and triggers come to the published numbers."""
    counted = [count(designed_of(series).catalog) for series in which.split(" + ")]
    assert tuple(map(sum, zip(*counted, strict=True))) == TOTALS[which]
