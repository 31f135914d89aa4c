"""Take the time of queries as the application sees it: sent, planned, run, and all rows read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from benchmarks.schema.databases import Connection
    from benchmarks.schema.queries import Query
    from benchmarks.schema.values import Choice, Values

LIMIT = 5.0  # seconds; a run that takes longer is broken off and counts as this long
_ENOUGH = 2.0  # seconds spent on one value; then no further round


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds at p50: with values drawn by chance, and with the slowest of the heavy ones."""

    typical: float
    heavy: float

    @property
    def broken_off(self) -> bool:
        """Tell whether the p50 is the limit, not a result."""
        return max(self.typical, self.heavy) >= LIMIT * 1000


def take(connection: Connection, query: Query, choice: Choice, *, rounds: int) -> Times:
    """Run a query ``rounds`` times with each of its values, after one round that warms up. Rolls back."""
    runs = {one: _runs(connection, query, one, rounds) for one in choice.all}
    typical = [run for one in choice.typical for run in runs[one]]
    return Times(median(typical), max(median(runs[one]) for one in choice.heavy))


def _runs(connection: Connection, query: Query, values: Values, rounds: int) -> list[float]:
    first = _run(connection, query, values)
    if first >= LIMIT * 1000:
        return [first]
    runs: list[float] = []
    while len(runs) < rounds and sum(runs) + first < _ENOUGH * 1000:
        runs.append(_run(connection, query, values))
    return runs or [first]


def _run(connection: Connection, query: Query, values: Values) -> float:
    cursor = psycopg.RawCursor(connection)
    with connection.transaction(force_rollback=True):
        connection.execute(f"set local statement_timeout = '{LIMIT}s'".encode())
        begin = time.perf_counter()
        try:
            cursor.execute(query.sql.encode(), values)
            if cursor.description:
                cursor.fetchall()
        except psycopg.errors.QueryCanceled:
            return LIMIT * 1000
        return (time.perf_counter() - begin) * 1000
