"""Run the whole benchmark on a server of its own, and return what it found."""

from __future__ import annotations

import sys
import time
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
    from benchmarks.schema.databases import Connection
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
    costs: dict[str, tuple[Cost, Cost]] = field(default_factory=dict)
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
            if series == "specs":
                found.costs = _costs(url, series, rounds)
            with (
                databases.copy(url, series, plain=True) as plain,
                databases.connect(full) as connection,
                databases.connect(plain) as other,
            ):
                _note(connection, found)
                if series == "specs":
                    _say("letter case")
                    found.spellings = letter_case.measure(connection, rounds=rounds)
                _measure(series, connection, other, found, rounds)
    return found


def _costs(url: str, series: str, rounds: int) -> dict[str, tuple[Cost, Cost]]:
    """Insert into copies, which are thrown away: rolled-back rows leave the tables larger than they were."""
    measured = []
    for plain in (False, True):
        with databases.copy(url, series, plain=plain) as there, databases.connect(there) as connection:
            _say(f"insert, plain: {plain}")
            measured.append([inserts.measure(connection, table, rounds=rounds) for table in inserts.TABLES])
    return dict(zip(inserts.TABLES, zip(*measured, strict=True), strict=True))


def _measure(series: str, full: Connection, plain: Connection, found: Found, rounds: int) -> None:
    listed = indexes.read(full)
    tables = indexes.table_bytes(full)
    asked = []
    chosen = {}
    # Those that write come last, because rolled-back changes leave dead rows.
    for one in sorted(queries.load(), key=lambda query: query.writes):
        if one.series == series:
            _say(f"{series}: {one.name}")
            chosen[one.name] = values.choose(full, one)
            asked.append(_ask(one, full, plain, chosen[one.name], rounds))
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


def _ask(query: Query, full: Connection, plain: Connection, choice: Choice, rounds: int) -> Asked:
    large = plans.tables_over(full, plans.LARGE)
    look = plans.look_at_all(full, query, choice)
    full.execute("set random_page_cost = 1.1")
    on_ssd = plans.look_at_all(full, query, choice)
    full.execute("reset random_page_cost")
    times = clock.take(full, query, choice, rounds=rounds)
    plain_times = clock.take(plain, query, choice, rounds=max(1, rounds // 3))
    return Asked(query, look.indexes, look.scanned & large, on_ssd.indexes, times, plain_times)


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
