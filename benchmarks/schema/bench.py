"""Run the whole benchmark on a server of its own, and return what it found."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.schema import (
    clock,
    data,
    databases,
    indexes,
    inserts,
    letter_case,
    plans,
    queries,
    server,
    values,
)
from benchmarks.schema.report import Asked, Judged

if TYPE_CHECKING:
    from benchmarks.schema.databases import Connection, Variant
    from benchmarks.schema.inserts import Cost
    from benchmarks.schema.letter_case import Spelling
    from benchmarks.schema.queries import Query
    from benchmarks.schema.values import Choice


@dataclass
class Found:
    """All results of a run."""

    version: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    costs: dict[str, dict[Variant, Cost]] = field(default_factory=dict)
    spellings: list[Spelling] = field(default_factory=list)


def run(*, scale: float, seed: int, rounds: int) -> Found:
    """Build, fill and measure both databases; says on stderr what it does. Takes a while at full size."""
    found = Found()
    with server.running() as url:
        for series in databases.SERIES:
            _say(f"{series}: build and fill")
            full = databases.build(url, series, series)
            with databases.connect(full) as connection:
                data.fill(connection, series, data.sizes(scale), seed=seed)
            with ExitStack() as stack:
                others = _connect_copies(stack, url, series)
                if series == "specs":
                    found.costs = _costs(others, rounds)
                connection = stack.enter_context(databases.connect(full))
                _note(connection, found)
                if series == "specs":
                    _say("letter case")
                    found.spellings = letter_case.measure(connection, rounds=rounds)
                _measure(series, connection, others, found, rounds)
    return found


def _connect_copies(stack: ExitStack, url: str, series: str) -> dict[Variant, Connection]:
    """Copy the database once per variant; rolled-back rows leave a table larger, so the original stays."""
    connections: dict[Variant, Connection] = {}
    for variant in databases.VARIANTS:
        there = stack.enter_context(databases.copy(url, series, variant))
        connections[variant] = stack.enter_context(databases.connect(there))
    return connections


def _costs(connections: dict[Variant, Connection], rounds: int) -> dict[str, dict[Variant, Cost]]:
    measured = {}
    for table in inserts.TABLES:
        _say(f"insert into {table}")
        measured[table] = inserts.measure(connections, table, rounds=rounds)
    return measured


def _measure(
    series: str, full: Connection, others: dict[Variant, Connection], found: Found, rounds: int
) -> None:
    listed = indexes.read(full)
    tables = indexes.table_bytes(full)
    asked = []
    chosen = {}
    # Those that write come last, because rolled-back changes leave dead rows.
    for one in sorted(queries.load(), key=lambda query: query.writes):
        if one.series == series:
            _say(f"{series}: {one.name}")
            chosen[one.name] = values.choose(full, one)
            asked.append(_ask(one, full, others, chosen[one.name], rounds))
    databases.vacuum(full)
    times = {one.query.name: one.times for one in asked}
    for index in listed:
        _say(f"without {index.name}")
        users = [one.query for one in asked if index.name in one.indexes]
        gain = 1.0 if index.constrains else indexes.gain_of(full, index, users, chosen, times)
        names = tuple(query.name for query in users)
        on_ssd = tuple(one.query.name for one in asked if index.name in one.on_ssd)
        found.judged.append(Judged(index, names, on_ssd, gain, index.bytes / tables[index.table]))
    found.asked += sorted(asked, key=lambda one: queries.load().index(one.query))


def _ask(
    query: Query, full: Connection, others: dict[Variant, Connection], choice: Choice, rounds: int
) -> Asked:
    large = plans.tables_over(full, plans.LARGE)
    look = plans.look_at_all(full, query, choice)
    full.execute("set random_page_cost = 1.1")
    on_ssd = plans.look_at_all(full, query, choice)
    full.execute("reset random_page_cost")
    times = clock.take(full, query, choice, rounds=rounds)
    fewer = max(1, rounds // 3)
    plain, replaced = (
        clock.take(others[variant], query, choice, rounds=fewer) for variant in ("plain", "replaced")
    )
    return Asked(query, look.indexes, look.scanned & large, on_ssd.indexes, times, plain, replaced)


def _note(connection: Connection, found: Found) -> None:
    row = connection.execute("select version()").fetchone()
    found.version = row[0] if row else ""
    changed = "select name, current_setting(name) from pg_settings where name = any(%s)"
    found.settings = dict(connection.execute(changed, [list(server.SETTINGS)]).fetchall())
    counted = data.count(connection)
    found.rows.update(counted)
    connection.rollback()


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
