"""Build a series in a scratch database, note which file made what, and read it as facts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from runner import apply, database, ledger, schema
from runner.database import Access
from runner.model import Limits
from runner.reference import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.config import Series
    from runner.database import Connection
    from runner.model import Migration
    from runner.reference.facts import Group, Other, Schema, Table

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
_PARTS: dict[str, type[Any]] = {  # of a table
    "columns": facts.Column,
    "checks": facts.Check,
    "foreign_keys": facts.ForeignKey,
    "indexes": facts.Index,
    "triggers": facts.Trigger,
    "policies": facts.Policy,
}


def describe(series: Series, migrations: Sequence[Migration], url: str, *, source: str) -> Schema:
    """Apply every file in a scratch database on the server of ``url`` and return the facts.

    Writes there only. Raises ``ServerUnusable`` when the server lacks an extension that a file requires.
    """
    with (
        schema.scratch_database(url, source=source) as there,
        database.connect(there, source=source) as connection,
    ):
        schema.check_extensions(connection, migrations, source=source)
        access = Access(connection, partial(database.connect, there, source=source))
        made: dict[Identity, str] = {}
        for migration in apply.one_by_one(access, migrations, Limits(statement_timeout=0)):
            found = {(oid, number) for oid, number in database.query(connection, _IDENTITIES)}
            made |= dict.fromkeys(found - made.keys(), migration.label)
        tables = {oid: _table(one) for oid, one in _read(connection, "tables.sql", series)}
        others = {oid: facts.Other(*rest) for oid, *rest in _read(connection, "others.sql", series)}
    groups = tuple(_group(migration, made, tables, others) for migration in migrations)
    return facts.Schema(series.name, series.database, groups)


def _read(connection: Connection, file: str, series: Series) -> list[tuple[Any, ...]]:
    """Ask what there is in the schemas that count, without any in all; the ledger is left out."""
    text = database.packaged(__package__, file)
    return database.query(connection, text, besides=ledger.TABLE, schemas=list(series.schemas) or None)


def _table(found: dict[str, Any]) -> Table:
    parts = {name: tuple(_made(part, one) for one in found[name]) for name, part in _PARTS.items()}
    return facts.Table(**found | parts)


def _made(part: type[Any], found: dict[str, Any]) -> Any:  # noqa: ANN401 - a dataclass of facts
    return part(**{k: tuple(v) if isinstance(v, list) else v for k, v in found.items()})


def _group(
    migration: Migration,
    made: Mapping[Identity, str],
    tables: Mapping[int, Table],
    others: Mapping[int, Other],
) -> Group:
    mine = {oid for (oid, number), label in made.items() if label == migration.label and not number}
    additions = []
    for oid, table in tables.items():
        columns = tuple(c for c in table.columns if made[oid, c.number] == migration.label)
        if columns and oid not in mine:
            additions.append(facts.Addition(table, columns))
    return facts.Group(
        migration,
        in_order(table for oid, table in tables.items() if oid in mine),
        tuple(additions),
        tuple(other for oid, other in others.items() if oid in mine),
    )


def in_order(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Return tables by name, each behind those that its foreign keys point at, where they allow it."""
    left = sorted(tables, key=lambda table: table.name)
    done: list[Table] = []
    while left:
        waiting = {table.name for table in left}
        free = (t for t in left if not {k.target for k in t.foreign_keys if k.target != t.name} & waiting)
        done.append(next(free, left[0]))
        left.remove(done[-1])
    return tuple(done)
