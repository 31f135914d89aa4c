"""Build a series in a scratch database, and note which file made what."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runner import apply, database, schema
from runner.database import Access
from runner.model import Limits
from runner.reference import read
from runner.reference.facts import Addition, Group, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.config import Series
    from runner.model import Migration
    from runner.reference.facts import Other, Table
    from runner.reference.read import Identity


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
            made |= dict.fromkeys(read.identities(connection) - made.keys(), migration.label)
        tables = read.tables(connection, schemas=series.schemas)
        others = read.others(connection, schemas=series.schemas)
    groups = tuple(_group(migration, made, tables, others) for migration in migrations)
    return Schema(series.name, series.database, groups)


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
            additions.append(Addition(table, columns))
    return Group(
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
