"""Read tables, functions and types of a database for ``facts``. Nothing here writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner import ledger
from runner.database import packaged, query
from runner.reference.facts import Check, Column, ForeignKey, Index, Other, Policy, Table, Trigger

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.database import Connection

Identity = tuple[int, int]  # oid of an object and 0, or oid of a table and number of a column

# An oid is never used twice in a database as young as a scratch database.
_IDENTITIES = """
    select attrelid::bigint, attnum::integer
    from pg_catalog.pg_attribute where attrelid >= 16384 and attnum > 0
    union all
    select oid::bigint, 0 from pg_catalog.pg_class where oid >= 16384
    union all
    select oid::bigint, 0 from pg_catalog.pg_proc where oid >= 16384
    union all
    select oid::bigint, 0 from pg_catalog.pg_type where oid >= 16384
"""


def identities(connection: Connection) -> set[Identity]:
    """Return what exists, so that two moments can be compared whatever was renamed in between."""
    return {(oid, number) for oid, number in query(connection, _IDENTITIES)}


def tables(connection: Connection, *, schemas: Collection[str] = ()) -> dict[int, Table]:
    """Return each table of ``schemas``, without any of all, by its oid; the ledger is left out."""
    return {oid: _table(facts) for oid, facts in _rows(connection, "tables.sql", schemas)}


def others(connection: Connection, *, schemas: Collection[str] = ()) -> dict[int, Other]:
    """Return each function, type and sequence of ``schemas``, without any of all, by its oid."""
    return {oid: Other(*facts) for oid, *facts in _rows(connection, "others.sql", schemas)}


def _rows(connection: Connection, file: str, schemas: Collection[str]) -> list[tuple[Any, ...]]:
    text = packaged(__package__, file)
    return query(connection, text, besides=ledger.TABLE, schemas=list(schemas) or None)


def _table(facts: dict[str, Any]) -> Table:
    parts: dict[str, type[Any]] = {
        "columns": Column,
        "checks": Check,
        "foreign_keys": ForeignKey,
        "indexes": Index,
        "triggers": Trigger,
        "policies": Policy,
    }
    made = {name: tuple(_made(part, one) for one in facts[name]) for name, part in parts.items()}
    return Table(**facts | made)


def _made(part: type[Any], facts: dict[str, Any]) -> Any:  # noqa: ANN401 - a dataclass of facts
    return part(**{k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()})
