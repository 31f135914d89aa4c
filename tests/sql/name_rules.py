"""The rules of names, read from a catalog like the other ``rules`` of tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.sql.rule import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.sql.catalog import Catalog, Constraint, Index, Thing

WORD = re.compile(r"[a-z][a-z0-9_]*")
LONGEST = 63  # PostgreSQL cuts a longer name without a word
rule: Rules[Catalog, Thing] = Rules()


@rule("name", "A name is made of a-z, 0-9 and _, and begins with a letter.", "Rename it.")
def _(catalog: Catalog) -> Iterator[Thing]:
    named = (*catalog.tables, *catalog.constraints, *catalog.indexes, *catalog.triggers, *catalog.functions)
    yield from (thing for thing in named if not WORD.fullmatch(thing.name))
    yield from (column for column in catalog.columns if not WORD.fullmatch(column.column))


@rule(
    "name-constraint",
    "A constraint is called `<table>_pkey`, `uq_<table>_<columns>`, `fk_<table>_<column>`, "
    "`ex_<table>_<what>` or `ck_<table>_<what>`.",
    "Write `constraint <name> …`. Where that is longer than 63 characters, any word may follow the table.",
)
def _(catalog: Catalog) -> Iterable[Thing]:
    return [c for c in catalog.constraints if not re.fullmatch(constraint_name(c), c.name)]


def constraint_name(constraint: Constraint) -> str:
    """Return the pattern of the name a constraint should have."""
    columns = "_".join(constraint.columns)
    return {
        "p": f"{constraint.table}_pkey",
        "u": fitting("uq", constraint.table, columns),
        "f": fitting("fk", constraint.table, columns),
        "x": rf"ex_{constraint.table}_\w+",
        "t": rf"trg_{constraint.table}_\w+",  # a constraint trigger, which is named as a trigger
    }.get(constraint.kind, rf"ck_{constraint.table}_\w+")


@rule(
    "name-index",
    "An index is called `idx_<table>_<columns>`, a unique one also `uq_…`; with `where`, a word for it may "
    "follow. `lower(email)` counts as `email_lower`.",
    "Rename it. Where that is longer than 63 characters, any word may follow the table.",
)
def _(catalog: Catalog) -> Iterable[Thing]:
    own = [index for index in catalog.indexes if not index.of_constraint]
    return [index for index in own if not re.fullmatch(index_name(index), index.name)]


def index_name(index: Index) -> str:
    """Return the pattern of the name an index should have; of an expression, any word."""
    columns = [re.sub(r"lower\((\w+)(::text)?\)", r"\1_lower", key) for key in index.columns]
    words = [column if WORD.fullmatch(column) else r"\w+" for column in columns]
    kind = "(idx|uq)" if index.unique else "idx"
    return fitting(kind, index.table, "_".join(words)) + (r"(_\w+)?" if index.predicate else "")


def fitting(kind: str, table: str, columns: str) -> str:
    """Return the pattern of a name; where it could not be as long, the columns are any word."""
    return f"{kind}_{table}_" + (columns if len(f"idx_{table}_{columns}") <= LONGEST else r"\w+")


@rule("name-trigger", "A trigger is called `trg_<table>_<what>`.", "Rename it.")
def _(catalog: Catalog) -> Iterable[Thing]:
    return [t for t in catalog.triggers if not re.fullmatch(rf"trg_{t.table}_\w+", t.name)]


RULES = tuple(rule.all)
