"""See how the server runs a query: which indexes it uses, and which tables it reads from end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.schema.databases import Connection
    from benchmarks.schema.queries import Query
    from benchmarks.schema.values import Choice, Values

LARGE = 10_000  # rows; a table with more must not be read from end to end

_ROWS = """
select relname, reltuples::bigint from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'r'
"""
# What this transaction has done so far, the checks and cascades of foreign keys included.
_TABLE_SCANS = "select relname, seq_scan from pg_stat_xact_user_tables where seq_scan > 0"
_INDEX_SCANS = """
select relname, pg_stat_get_xact_numscans(oid) from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'i' and pg_stat_get_xact_numscans(oid) > 0
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What a query used when it ran: its indexes, and the tables it read from end to end."""

    indexes: frozenset[str]
    scanned: frozenset[str]


def tables_over(connection: Connection, rows: int) -> frozenset[str]:
    """Return the tables with more than so many rows, by the statistics."""
    return frozenset(table for table, held in connection.execute(_ROWS).fetchall() if held > rows)


def look(connection: Connection, query: Query, values: Values) -> Look:
    """Run a query with ``explain (analyze)`` and read off what it used. Changes are rolled back.

    The plan does not show what foreign keys do to other tables; the scans counted meanwhile do. Indexes are
    counted for writes only, because planning a range looks into an index too, to learn where it ends.
    """
    cursor = psycopg.RawCursor(connection)
    with connection.transaction(force_rollback=True):
        tables, indexes = _count(connection, _TABLE_SCANS), _count(connection, _INDEX_SCANS)
        row = cursor.execute(f"explain (analyze, format json) {query.sql}".encode(), values).fetchone()
        scanned = _more(_count(connection, _TABLE_SCANS), tables)
        looked_into = _more(_count(connection, _INDEX_SCANS), indexes) if query.writes else set()
    nodes = list(_nodes(row[0][0]["Plan"])) if row else []
    scanned |= {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    return Look(frozenset(used | looked_into), frozenset(scanned))


def look_at_all(connection: Connection, query: Query, choice: Choice) -> Look:
    """Look with every value; return what any of them used."""
    looks = [look(connection, query, values) for values in choice.all]
    indexes = frozenset[str]().union(*(one.indexes for one in looks))
    return Look(indexes, frozenset[str]().union(*(one.scanned for one in looks)))


def _count(connection: Connection, statement: str) -> dict[str, int]:
    return dict(connection.execute(statement.encode()).fetchall())


def _more(after: Mapping[str, int], before: Mapping[str, int]) -> set[str]:
    return {name for name, number in after.items() if number > before.get(name, 0)}


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan and all below it, those of subqueries included."""
    yield node
    for below in node.get("Plans", []):
        yield from _nodes(below)
