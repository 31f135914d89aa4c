"""Write the statement that makes the ledger as it was again, for each kind of fault that was found in it."""

from __future__ import annotations

from runner.ledger.faults import ANOTHER_KEY, COLUMNS, TABLE

_DEFAULTS = {"applied_at": "pg_catalog.now()", "applied_by": "session_user", "running": "false"}
_CURES = {
    "missing": "",  # such a table is another one
    "trigger": f"drop trigger {{}} on {TABLE};",
    "rule": f"drop rule {{}} on {TABLE};",
    "column": f"alter table {TABLE} drop column {{}};",
    "security": f"alter table {TABLE} disable row level security;",
    "key": f"alter table {TABLE} add primary key (series, version);",
    # A column that is one too many takes a key with it that it was in.
    ANOTHER_KEY: f"alter table {TABLE} drop constraint if exists {{}}, add primary key (series, version);",
    "unlogged": f"alter table {TABLE} set logged;",
    "child": f"alter table {{}} no inherit {TABLE};",
}


def cure(kind: str, name: str | None) -> str:
    """Return the statement for a fault; ``name`` is quoted, or that of a column and the type that it has."""
    if kind == "type" and name:
        return _retype(*name.split(" ", 1))
    return _CURES[kind].format(name)


def _retype(name: str, found: str) -> str:
    """Return the statement that gives a column its type; its default is of the other one until then."""
    column = f"alter column {name}"
    steps = [f"{column} drop default", f"{column} type {COLUMNS[name]} using {_value(name, found)}"]
    if name in _DEFAULTS:
        steps.append(f"{column} set default {_DEFAULTS[name]}")
    return f"alter table {TABLE} {', '.join(steps)};"


def _value(name: str, found: str) -> str:
    """Return how the values of another type are read, whatever the session says of times."""
    if COLUMNS[name] == "boolean":
        return f"{name}::text::boolean"  # of all numbers, only an integer is cast as it is
    if found == "date" or found.endswith("without time zone"):
        return f"{name}::timestamp at time zone 'UTC' /* if that is the zone they are of */"
    return f"{name}::{COLUMNS[name]}"
