"""What the indexes cost the tables that grow: time, write-ahead log and room per row."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.schema import databases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.schema.databases import Connection, Variant

BATCH = 10_000  # rows per statement
_LATER = "interval '1100 days'"
# How a copy of existing rows becomes new ones: of the same owners, with new keys, later than all others. The
# first column is the time they come in the order of.
TABLES = {
    "activity_logs": {"created_at": f"created_at + {_LATER}"},
    "conversation_history": {"created_at": f"created_at + {_LATER}"},
    # Vectors are written later, and would hide what the other indexes cost.
    "document_chunks": {
        "created_at": f"created_at + {_LATER}",
        "chunk_index": "chunk_index + 1000",
        "embedding_vec": "null",
    },
    "knowledge_base_documents": {"uploaded_at": f"uploaded_at + {_LATER}", "embedding_vec": "null"},
    "llm_usage_tracking": {"timestamp": f"timestamp + {_LATER}"},
    "specifications": {"created_at": f"created_at + {_LATER}"},
}

_SIZES = """
select
    pg_table_size(c.oid),
    coalesce(sum(pg_relation_size(x.indexrelid)) filter (where k.oid is not null), 0)::bigint,
    coalesce(sum(pg_relation_size(x.indexrelid)) filter (where k.oid is null), 0)::bigint
from pg_class as c
join pg_index as x on x.indrelid = c.oid
left join pg_constraint as k on k.conindid = x.indexrelid and k.contype in ('p', 'u')
where c.oid = %s::regclass
group by c.oid
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One batch: the rows inserted, the seconds the server computed, the bytes of write-ahead log."""

    rows: int
    seconds: float
    log: int


@dataclass(frozen=True, slots=True)
class Cost:
    """The batches inserted, and the bytes of the table, of its constraints and other indexes."""

    runs: tuple[Run, ...]
    table: int
    constraints: int
    indexes: int

    @property
    def rows_per_second(self) -> float:
        """Return the median."""
        return median(run.rows / run.seconds for run in self.runs)

    @property
    def log_per_row(self) -> float:
        """Return the median, in bytes."""
        return median(run.log / run.rows for run in self.runs)

    def times(self, other: Cost) -> float:
        """Return how many times as long it takes as another: the median over the rounds, each by itself."""
        return median(mine.seconds / its.seconds for mine, its in zip(self.runs, other.runs, strict=True))


def measure(connections: Mapping[Variant, Connection], table: str, *, rounds: int) -> dict[Variant, Cost]:
    """Insert batches of new rows, in the order of time, into each database in turn; roll back and vacuum.

    In turn, because a machine has slower minutes, which must not meet one variant alone. One statement, so
    that the way to the server and the commit do not hide what the indexes cost. The first round warms up.
    """
    sizes = {variant: _prepare(connection, table) for variant, connection in connections.items()}
    runs: dict[Variant, list[Run]] = {variant: [] for variant in connections}
    for _ in range(rounds + 1):
        for variant, connection in connections.items():
            runs[variant].append(_insert(connection, table))
    for connection in connections.values():
        connection.execute("drop table chosen")
        connection.commit()
    return {variant: Cost(tuple(found[1:]), *sizes[variant]) for variant, found in runs.items()}


def _prepare(connection: Connection, table: str) -> tuple[int, int, int]:
    """Choose the rows that are copied, and return the sizes of the table and its indexes."""
    sizes = connection.execute(_SIZES, [f"public.{table}"]).fetchone()
    changed = ", ".join(f"{column} = {value}" for column, value in TABLES[table].items())
    chosen = f"select * from public.{table} order by md5(id::text) limit {BATCH}"  # noqa: S608 - from above
    connection.execute(f"create temp table chosen as {chosen}".encode())
    connection.execute(f"update chosen set {changed}".encode())  # noqa: S608 - from above
    connection.commit()
    return sizes or (0, 0, 0)


def _insert(connection: Connection, table: str) -> Run:
    time_of_row = next(iter(TABLES[table]))
    with connection.transaction(force_rollback=True):
        rows = connection.execute("update chosen set id = gen_random_uuid()").rowcount
        fresh = f"select * from chosen order by {time_of_row}"  # noqa: S608 - from above
        connection.execute(f"create temp table fresh as {fresh}".encode())
        start = _log_position(connection)
        begin = _seconds(connection)
        connection.execute(f"insert into public.{table} select * from fresh".encode())  # noqa: S608 - from above
        seconds = _seconds(connection) - begin
        log = _log_position(connection) - start
    databases.vacuum(connection, f"public.{table}")
    return Run(rows, seconds, log)


def _seconds(connection: Connection) -> float:
    """Return the seconds the server's process has computed where the system tells (Linux), else the time."""
    try:
        told = Path("/proc", str(connection.info.backend_pid), "schedstat").read_text(encoding="ascii")
    except OSError:
        return time.perf_counter()
    return int(told.split()[0]) / 1e9


def _log_position(connection: Connection) -> int:
    row = connection.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
    return int(row[0]) if row else 0
