"""The contract in ``contract/*.yaml``, and the same schema built from it.

Comparing two schemas that one server holds spares us to compare spellings: the server writes types,
defaults, expressions and predicates of both in the same way.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = "contract"
FOLDER = Path(__file__).parent / "contract"
FUNCTIONS = {"refreshes": "set_updated_at", "fills": "fill_project_owner"}


@cache
def load(series: str) -> dict[str, Any]:
    """Return the contract of a series as the file gives it."""
    contract: dict[str, Any] = yaml.load(
        (FOLDER / f"{series}.yaml").read_text(encoding="utf-8"),
        Loader=yaml.CSafeLoader,
    )
    return contract


def last(series: str) -> str:
    """Return the number of the last file of the contract; what is in later ones, it does not know."""
    groups: dict[str, str] = load(series)["groups"]
    return max(groups.values()).partition("_")[0]


def checks(series: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every check with the table it is on."""
    for table, facts in load(series)["tables"].items():
        for check in facts.get("checks", []):
            yield table, check


def cross_database(series: str) -> set[str]:
    """Return the columns that point into the other database."""
    return {
        f"{table}.{column['name']}"
        for table, facts in load(series)["tables"].items()
        for column in facts["columns"]
        if column.get("references", {}).get("cross_database")
    }


def statements(series: str, *, with_vectors: bool) -> Iterator[str]:
    """Yield the SQL that builds the schema ``contract``; foreign keys last, when every table is there."""
    yield f"create schema {SCHEMA}"
    tables = load(series)["tables"]
    for table, facts in tables.items():
        yield _table(table, facts)
        yield _comment("table", table, facts["purpose"])
        yield from (_comment("column", f"{table}.{c['name']}", c["purpose"]) for c in facts["columns"])
        for index in facts.get("indexes", []):
            yield from _index(table, index)
        yield from (_trigger(table, trigger) for trigger in facts.get("triggers", []))
    for table, facts in tables.items():
        yield from _foreign_keys(table, facts["columns"])
    if with_vectors:
        for column in load(series)["pgvector"]["columns"]:
            yield from _vector(column)


def _table(table: str, facts: dict[str, Any]) -> str:
    parts = [_column(column) for column in facts["columns"]]
    key = facts["primary_key"]
    parts.append(f"constraint {key['name']} primary key ({', '.join(key['columns'])})")
    for unique in facts.get("unique", []):
        parts.append(f"constraint {unique['name']} unique ({', '.join(unique['columns'])})")
    for check in facts.get("checks", []):
        parts.append(f"constraint {check['name']} check ({check['expression']})")
    return f"create table {SCHEMA}.{table} ({', '.join(parts)})"


def _column(column: dict[str, Any]) -> str:
    null = "" if column["null"] else " not null"
    default = f" default {column['default']}" if "default" in column else ""
    return f'"{column["name"]}" {column["type"]}{null}{default}'


def _foreign_keys(table: str, columns: list[dict[str, Any]]) -> Iterator[str]:
    for column in columns:
        reference = column.get("references")
        if reference and not reference.get("cross_database"):
            target, key = reference["target"].split(".")
            yield (
                f"alter table {SCHEMA}.{table} add constraint {reference['constraint']}"
                f" foreign key ({column['name']}) references {SCHEMA}.{target} ({key})"
                f" on delete {reference['on_delete']}"
            )


def _index(table: str, index: dict[str, Any]) -> Iterator[str]:
    keys = index["expression"] if "expression" in index else ", ".join(index["columns"])
    unique = "unique " if index.get("unique") else ""
    where = f" where {index['where']}" if "where" in index else ""
    method = index.get("method", "btree")
    yield f"create {unique}index {index['name']} on {SCHEMA}.{table} using {method} ({keys}){where}"
    yield _comment("index", index["name"], index["why"])


def _trigger(table: str, trigger: dict[str, Any]) -> str:
    [function] = (FUNCTIONS[what] for what in FUNCTIONS if what in trigger)
    return (
        f"create trigger {trigger['name']} {trigger['timing']} on {SCHEMA}.{table}"
        f" for each row execute function public.{function}()"
    )


def _vector(column: dict[str, Any]) -> Iterator[str]:
    table, index = column["table"], column["index"]
    yield f"alter table {SCHEMA}.{table} add column {_column(column)}"
    yield _comment("column", f"{table}.{column['name']}", column["purpose"])
    key = f"{column['name']} {index['operator_class']}"
    yield from _index(table, {**index, "columns": [key]})


def _comment(kind: str, name: str, text: str) -> str:
    quoted = text.replace("'", "''")
    return f"comment on {kind} {SCHEMA}.{name} is '{quoted}'"
