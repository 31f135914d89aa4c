"""The rules every table follows, read from the live catalog and from nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conftest import SERIES
from tests.sql.catalog import PRIMARY_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sql.catalog import Column, Constraint, Index
    from tests.sql.clone import Clone

SENTENCE = "References auth.users.id (cross-database, no foreign key)."
NAME = re.compile(r"[a-z][a-z0-9_]*")
UNREFERENCED_UUIDS = {
    "activity_logs.entity_id": "points into whichever table entity_type names",
}


def says_cross_database(column: Column) -> bool:
    """Tell whether the comment mentions the other database at all."""
    return "cross-database" in (column.comment or "")


def leading(clone: Clone, table: str, columns: list[str]) -> list[Index]:
    """Return the full btree indexes that begin with these columns."""
    return [
        index
        for index in clone.catalog.indexes
        if index.table == table
        and (index.method, index.predicate) == ("btree", None)
        and index.columns[: len(columns)] == columns
    ]


def test_every_key_is_one_uuid_made_by_the_database(clone: Clone) -> None:
    """Each table has a primary key of the one column id, a uuid with gen_random_uuid() as default."""
    keys = {key.table: key.columns for key in clone.catalog.constraints if key.kind == PRIMARY_KEY}
    assert keys == {table.name: ["id"] for table in clone.catalog.tables}
    ids = [clone.catalog.columns_of(table)["id"] for table in keys]
    assert {(i.type, i.nullable, i.default) for i in ids} == {("uuid", False, "gen_random_uuid()")}


def test_every_time_knows_its_zone(clone: Clone) -> None:
    """No column holds a time without its date or its zone, and *_at is always such a time."""
    times = [column for column in clone.catalog.columns if column.type.startswith(("time", "interval"))]
    times += [column for column in clone.catalog.columns if column.column.endswith("_at")]
    assert {column.name for column in times if column.type != "timestamp with time zone"} == set()


def test_every_json_is_jsonb(clone: Clone) -> None:
    """No column is of type json, of an array type, or numbered by a sequence."""
    odd = [column for column in clone.catalog.columns if column.type == "json" or "[]" in column.type]
    odd += [
        column for column in clone.catalog.columns if column.special or "nextval" in (column.default or "")
    ]
    assert odd == []


def test_every_metadata_column_is_an_object_from_the_start(clone: Clone) -> None:
    """A metadata column is jsonb, never null, and an empty object by default."""
    found = {c.name: c for c in clone.catalog.columns if c.column == "metadata"}
    assert {
        name
        for name, c in found.items()
        if (c.type, c.nullable, c.default) != ("jsonb", False, "'{}'::jsonb")
    } == set()


def test_every_foreign_key_leads_an_index(clone: Clone) -> None:
    """A full btree index begins with the columns of each foreign key."""
    keys = clone.catalog.foreign_keys()
    assert [key.name for key in keys if not leading(clone, key.table, key.columns)] == []


def test_every_status_leads_an_index(clone: Clone) -> None:
    """A full btree index begins with each status column."""
    states = [c for c in clone.catalog.columns if re.fullmatch(r"(\w+_)?status", c.column)]
    assert [c.name for c in states if not leading(clone, c.table, [c.column])] == []


def test_no_index_is_the_beginning_of_another(clone: Clone) -> None:
    """No full btree index only repeats the leading columns of another one."""
    full = [i for i in clone.catalog.indexes if (i.method, i.predicate) == ("btree", None)]
    covered = [
        (index.name, other.name)
        for index in full
        for other in leading(clone, index.table, index.columns)
        if other is not index
    ]
    assert covered == []


def test_every_index_is_valid(clone: Clone) -> None:
    """No index is left over from a failed concurrent build."""
    assert [index.name for index in clone.catalog.indexes if not index.valid] == []


def test_everything_carries_a_comment(clone: Clone) -> None:
    """Each table, column, index and function says what it is for."""
    facts = clone.catalog
    things = (*facts.tables, *facts.columns, *facts.indexes, *facts.functions)
    assert [thing.name for thing in things if not (thing.comment or "").strip()] == []


def test_columns_of_other_database_are_indexed_uuids_without_foreign_key(clone: Clone) -> None:
    """A column said to point into the other database is a uuid, leads an index, and is no foreign key."""
    keys = {f"{key.table}.{column}" for key in clone.catalog.foreign_keys() for column in key.columns}
    far = [column for column in clone.catalog.columns if says_cross_database(column)]
    assert {c.type for c in far} <= {"uuid"}
    assert [c.name for c in far if not leading(clone, c.table, [c.column])] == []
    assert [c.name for c in far if c.name in keys] == []


def test_the_sentence_for_tools_ends_the_comment(clone: Clone) -> None:
    """A comment that mentions the other database ends with exactly the sentence that tools read."""
    said = [column for column in clone.catalog.columns if says_cross_database(column)]
    assert [column.name for column in said if not str(column.comment).endswith(f" {SENTENCE}")] == []


def test_every_uuid_is_accounted_for(clone: Clone) -> None:
    """A uuid is the key, a foreign key, a cross-database reference, or listed with a reason."""
    keys = {f"{key.table}.{column}" for key in clone.catalog.foreign_keys() for column in key.columns}
    uuids = {c.name for c in clone.catalog.columns if c.type == "uuid" and not says_cross_database(c)}
    strangers = {name for name in uuids - keys if not name.endswith(".id")}
    here = {
        name for name in UNREFERENCED_UUIDS if name.split(".")[0] in {t.name for t in clone.catalog.tables}
    }
    assert strangers == here


def test_names_are_lower_case_words(clone: Clone) -> None:
    """No name needs quoting for its letters."""
    facts = clone.catalog
    names = {c.column for c in facts.columns}
    names |= {t.name for t in (*facts.tables, *facts.constraints, *facts.indexes, *facts.triggers)}
    names |= {function.name for function in facts.functions}
    assert {name for name in names if not NAME.fullmatch(name)} == set()


def test_constraints_are_named_after_table_and_columns(clone: Clone) -> None:
    """Each constraint is called by its kind, its table and, but for checks, all its columns."""
    wrong = [c.name for c in clone.catalog.constraints if not re.fullmatch(constraint_name(c), c.name)]
    assert wrong == []


def constraint_name(constraint: Constraint) -> str:
    """Return the pattern of the name a constraint should have."""
    columns = "_".join(constraint.columns)
    return {
        "p": f"{constraint.table}_pkey",
        "u": f"uq_{constraint.table}_{columns}",
        "f": f"fk_{constraint.table}_{columns}",
        "c": rf"ck_{constraint.table}_\w+",
    }[constraint.kind]


def test_indexes_are_named_after_table_and_columns(clone: Clone) -> None:
    """Each index of its own is called idx or uq, its table and its columns, and maybe a condition."""
    own = [index for index in clone.catalog.indexes if not index.of_constraint]
    assert [index.name for index in own if not re.fullmatch(index_name(index), index.name)] == []


def index_name(index: Index) -> str:
    """Return the pattern of the name an index should have; lower(email) counts as email_lower."""
    columns = [re.sub(r"lower\((\w+)(::text)?\)", r"\1_lower", key) for key in index.columns]
    kind = "(idx|uq)" if index.unique else "idx"
    return f"{kind}_{index.table}_{'_'.join(columns)}" + (r"(_\w+)?" if index.predicate else "")


def test_functions_pin_their_search_path(clone: Clone) -> None:
    """No function looks a name up where its caller may have put another one."""
    pinned = ["search_path=pg_catalog, pg_temp"]
    assert [function.name for function in clone.catalog.functions if function.settings != pinned] == []


def test_the_databases_are_as_large_as_designed(clone_of: Callable[[str], Clone]) -> None:
    """Both databases together hold 43 tables, 34 foreign keys and at least 200 indexes."""
    both = [clone_of(series).catalog for series in SERIES]
    assert sum(len(facts.tables) for facts in both) == 43
    assert sum(len(facts.foreign_keys()) for facts in both) == 34
    assert sum(len(facts.indexes) for facts in both) >= 200
