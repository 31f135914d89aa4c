"""What each index is there for, and what is lost when it alone is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.rows import class_row

from benchmarks.schema import clock, databases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.schema.clock import Times
    from benchmarks.schema.databases import Connection
    from benchmarks.schema.queries import Query
    from benchmarks.schema.values import Choice


@dataclass(frozen=True, slots=True)
class Index:
    """An index of the schema. ``constrains``: a key or a unique constraint stands on it."""

    name: str
    table: str
    bytes: int
    comment: str
    constrains: bool
    unique: bool
    foreign_key: bool
    cross_database: bool

    @property
    def backs(self) -> str:
        """Name what it is there for besides queries; empty when nothing."""
        if self.unique:
            return "uniqueness"
        if self.foreign_key:
            return "foreign key"
        return "reference to auth" if self.cross_database else ""


def read(connection: Connection) -> list[Index]:
    """Return every index, by table and name."""
    text = Path(__file__).with_name("indexes.sql").read_bytes()
    return connection.cursor(row_factory=class_row(Index)).execute(text).fetchall()


def table_bytes(connection: Connection) -> dict[str, int]:
    """Return the bytes of each table together with all its indexes."""
    statement = """
        select relname, pg_total_relation_size(oid) from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'
    """
    return dict(connection.execute(statement).fetchall())


def gain_of(
    connection: Connection,
    index: Index,
    users: Sequence[Query],
    chosen: Mapping[str, Choice],
    before: Mapping[str, Times],
) -> float:
    """Return how many times longer the query that needs the index most takes without it alone.

    All other indexes stay: this is what dropping it would cost. Rolls back.
    """
    gains = [1.0]
    for query in users:
        without = _without(connection, index, query, chosen[query.name])
        with_it = before[query.name]
        gains += [without.typical / with_it.typical, without.heavy / with_it.heavy]
        if query.writes:
            databases.vacuum(connection)
    return max(gains)


def _without(connection: Connection, index: Index, query: Query, choice: Choice) -> Times:
    with connection.transaction(force_rollback=True):
        connection.execute(f"drop index public.{index.name}".encode())
        return clock.take(connection, query, choice, rounds=3)
