"""Build a series in a scratch database, and note which file made what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import apply, database, planning, schema
from runner.database import Access
from runner.errors import ServerUnusable
from runner.model import Before, Limits
from runner.reference import read
from runner.reference.facts import Addition, Group, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.config import Series
    from runner.database import Connection
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
        _check_extensions(connection, migrations, source=source)
        access = Access(connection, lambda: database.connect(there, source=source))
        made: dict[Identity, str] = {}
        for event in apply.apply(access, migrations, Before(has_ledger=False), Limits(statement_timeout=0)):
            if isinstance(event, apply.Outcome):
                made |= dict.fromkeys(read.identities(connection) - made.keys(), event.migration.label)
        tables, others = read.tables(connection), read.others(connection)
    groups = tuple(_group(migration, made, tables, others) for migration in migrations)
    return Schema(series.name, series.database, groups)


def _check_extensions(connection: Connection, migrations: Sequence[Migration], *, source: str) -> None:
    wanted = {name for migration in migrations for name in migration.requires}
    known = planning.available(connection, wanted)
    for migration in migrations:
        if missing := [name for name in migration.requires if name not in known]:
            raise ServerUnusable(
                f"The server of {source} cannot offer the extension {missing[0]}, which {migration.path} "
                "requires; without that file the reference would not be the same.",
                remedy="Use a server that has it; the embedded one has vector.",
            )


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
