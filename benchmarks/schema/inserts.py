"""What the indexes cost the five large tables: time, write-ahead log and room per row."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.schema import databases

if TYPE_CHECKING:
    from benchmarks.schema.databases import Connection

BATCH = 10_000  # rows per statement
_LATER = "interval '1100 days'"
# How a copy of existing rows becomes new ones: of the same owners, with new keys, later than all others.
TABLES = {
    "activity_logs": {"created_at": f"created_at + {_LATER}"},
    "conversation_history": {"created_at": f"created_at + {_LATER}"},
    # Vectors are written later, and would hide what the other indexes cost.
    "document_chunks": {
        "created_at": f"created_at + {_LATER}",
        "chunk_index": "chunk_index + 1000",
        "embedding_vec": "null",
    },
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
class Cost:
    """Rows inserted per second, bytes of write-ahead log per row, and bytes of table and indexes."""

    rows_per_second: float
    log_per_row: float
    table: int
    constraints: int
    indexes: int


def measure(connection: Connection, table: str, *, rounds: int) -> Cost:
    """Insert a batch of new rows ``rounds`` times, each in one statement; rolls back and vacuums.

    One statement, so that the way to the server and the commit do not hide what the indexes cost.
    """
    sizes = connection.execute(_SIZES, [f"public.{table}"]).fetchone() or (0, 0, 0)
    connection.rollback()
    runs = [_insert(connection, table) for _ in range(rounds + 1)][1:]
    rows_per_second = median(rows / seconds for rows, seconds, _ in runs)
    return Cost(rows_per_second, median(log / rows for rows, _, log in runs), *sizes)


def _insert(connection: Connection, table: str) -> tuple[int, float, int]:
    """Return the rows inserted, the seconds taken and the bytes of log."""
    assignments = ", ".join(f"{column} = {value}" for column, value in TABLES[table].items())
    with connection.transaction(force_rollback=True):
        for statement in (
            f"create temp table fresh as select * from public.{table} order by md5(id::text) limit {BATCH}",  # noqa: S608
            f"update fresh set id = gen_random_uuid(), {assignments}",  # noqa: S608
        ):
            rows = connection.execute(statement.encode()).rowcount
        start = _log_position(connection)
        begin = time.perf_counter()
        connection.execute(f"insert into public.{table} select * from fresh".encode())  # noqa: S608
        seconds = time.perf_counter() - begin
        log = _log_position(connection) - start
    databases.vacuum(connection)
    return rows, seconds, log


def _log_position(connection: Connection) -> int:
    row = connection.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
    return int(row[0]) if row else 0
