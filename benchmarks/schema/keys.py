"""What random keys cost a trail beside keys that grow with time: ``python -m benchmarks.schema.keys``.

``audit_logs`` is built twice, with the index of its key alone, because its other indexes cost the same both
times: with ``gen_random_uuid()``, as the files have it, and with ``uuidv7()``, which PostgreSQL has from 18
on. Memory is short on purpose. What was decided by the figures is in KEYS.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.schema import databases, server

if TYPE_CHECKING:
    from benchmarks.schema.databases import Connection

SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "autovacuum": "off",
    "synchronous_commit": "off",
}
DEFAULTS = ("gen_random_uuid()", "uuidv7()")
BATCH = 500_000  # rows per statement while the table is loaded
LIVE, TOGETHER = 100_000, 100  # rows of everyday work at the end, and how many of them are committed together

_ROWS = """
insert into public.{table} (user_id, action, resource_type, resource_id, ip_address, user_agent, timestamp)
select
    md5('user' || (n * 7919 % 200000))::uuid,
    (array['user.login', 'user.logout', 'user.refresh', 'user.password', 'project.open'])[1 + n * 31 % 5],
    'session', md5('thing' || n % 500000),
    '10.0.0.0'::inet + n * 13 % 60000, 'Mozilla/5.0 (X11; Linux x86_64)',
    '2024-01-01 00:00+00'::timestamptz + n * interval '5 seconds'
from generate_series({first}::bigint, {last}::bigint) as n
"""
_COUNTED = """
select
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
    (select idx_blks_read from pg_statio_user_indexes where relname = %(table)s),
    (select idx_blks_hit from pg_statio_user_indexes where relname = %(table)s)
"""


@dataclass(frozen=True, slots=True)
class Phase:
    """What inserts took; of the index, the blocks fetched into the cache and those found there."""

    rows: int
    seconds: float
    log: int
    read: int
    found: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One default: the load, the everyday work on the full table, and the sizes in bytes."""

    default: str
    load: Phase
    live: Phase
    key: int
    heap: int


def main() -> None:
    """Parse the options, run, print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schema.keys", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    with server.running(SETTINGS) as url:
        there = databases.build(url, "auth", "auth")
        with databases.connect(there) as connection:
            connection.autocommit = True
            kept = [_keep(connection, default, options.rows) for default in DEFAULTS]
    sys.stdout.write(_report(kept, options.rows))


def _keep(connection: Connection, default: str, rows: int) -> Kept:
    table = f"trail_{default.removesuffix('()')}"
    connection.execute(f"create table public.{table} (like public.audit_logs including defaults)".encode())
    connection.execute(
        f"alter table public.{table} alter id set default {default}, add primary key (id)".encode()
    )
    load = _insert(connection, table, 1, rows, BATCH)
    # Everyday work begins behind a checkpoint: the first change of a page writes the page whole into the log.
    connection.execute("vacuum (analyze)")
    connection.execute("checkpoint")
    live = _insert(connection, table, rows + 1, rows + LIVE, TOGETHER)
    sizes = connection.execute(
        "select pg_indexes_size(%(table)s), pg_relation_size(%(table)s)", {"table": f"public.{table}"}
    ).fetchone() or (0, 0)
    connection.execute(f"drop table public.{table}".encode())
    return Kept(default, load, live, *sizes)


def _insert(connection: Connection, table: str, first: int, last: int, together: int) -> Phase:
    before = _count(connection, table)
    begin = time.perf_counter()
    for start in range(first, last + 1, together):
        text = _ROWS.format(table=table, first=start, last=min(last, start + together - 1))
        connection.execute(text.encode())
        if together == BATCH:
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {table}: {start + together - 1:,}\n")
    seconds = time.perf_counter() - begin
    log, read, found = (after - b for after, b in zip(_count(connection, table), before, strict=True))
    return Phase(last - first + 1, seconds, log, read, found)


def _count(connection: Connection, table: str) -> tuple[int, ...]:
    connection.execute("select pg_stat_force_next_flush()")
    connection.execute("select pg_stat_clear_snapshot()")
    row = connection.execute(_COUNTED, {"table": table}).fetchone()
    return tuple(int(value) for value in row or ())


def _report(kept: list[Kept], rows: int) -> str:
    lines = [
        "| key | phase | rows/s | log B/row | blocks fetched per 1,000 rows | found in the cache |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for one in kept:
        for name, phase in (
            (f"load to {rows:,}", one.load),
            (f"{LIVE:,} more, {TOGETHER} at a time", one.live),
        ):
            per_thousand = [1000 * blocks / phase.rows for blocks in (phase.read, phase.found)]
            figures = (phase.rows / phase.seconds, phase.log / phase.rows, *per_thousand)
            lines.append(
                f"| `{one.default}` | {name} | {' | '.join(f'{figure:,.0f}' for figure in figures)} |"
            )
    lines += ["", "| key | index MB | table MB |", "|---|--:|--:|"]
    for one in kept:
        sizes = " | ".join(f"{size / 1e6:,.0f}" for size in (one.key, one.heap))
        lines.append(f"| `{one.default}` | {sizes} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
