"""Apply a file that must not run in a transaction, and see from a second session what it locks.

Two more sessions hold locks on the tables it names, as ``vacuum`` and as a program that has written do:
behind them it has to wait, and what it has, or wants, can be read. Nothing is rolled back.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from runner import database, files
from runner.locks import between, probe
from runner.locks.effect import Loss, Traced, Work
from runner.locks.loss import plain
from runner.locks.probe import Probe
from runner.locks.run import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from runner.database import Connection
    from runner.errors import RunnerError
    from runner.locks.probe import Relation
    from runner.locks.run import Existing
    from runner.model import Migration
    from runner.schema import Bench

    Locks = dict[int, frozenset[str]]

_NOTE = "run outside a transaction: not traced, but seen from another session"
_HELD = ("share update exclusive", "row exclusive")
_PAUSE = 0.005  # seconds
_ROUNDS = 8  # of making way
_PATIENCE = 3  # looks that find it waiting before somebody makes way
_WAITS = "select exists (select from pg_catalog.pg_locks as l where l.pid = %s and not l.granted)"


def run(here: Bench, migration: Migration, known: Existing) -> tuple[tuple[Traced, ...], str | None]:
    """Apply the one statement of a file; return what it did, and why it failed if it did. Writes."""
    with database.connect(here.url, source=here.source, application="runner:locks") as looking:
        there = probe.relations(looking, besides=here.filler.besides)
        before = probe.look(looking, known)
        error, seen = _applied(here, migration, looking, _chosen(migration, there, known))
        after = probe.look(looking, known)
        now = probe.relations(looking, besides=here.filler.besides)
        works = probe.works(known, (before, after)) | _built(there, now, known)
    effects = tuple(between.effects(known, before._replace(locks={}), Probe(after.states, seen), works))
    traced = replace(_named(migration), effects=effects, losses=_gone(there, now, known))
    return (traced,), error.message if error else None


def _named(migration: Migration) -> Traced:
    [statement] = files.scan(migration.sql).statements
    place = files.locate(migration.sql, statement.start, path=migration.path)
    return Traced(place, shown(migration.sql[statement.start : statement.end]), note=_NOTE)


def _gone(before: Mapping[int, Relation], now: Mapping[int, Relation], known: Existing) -> tuple[Loss, ...]:
    """Return what is not there any more, nor anything else of its name."""
    left = {one.name for one in now.values()}
    gone = [one for oid, one in before.items() if oid in known and one.name not in left]
    return tuple(Loss(f"drops {one.kind} {one.name}", is_data=one.kind != "index") for one in gone)


def _built(
    before: Mapping[int, Relation], now: Mapping[int, Relation], known: Existing
) -> dict[int, frozenset[Work]]:
    """Return the tables that have a new index."""
    tables = {one.table for oid, one in now.items() if oid not in before and one.table in known}
    return {oid: frozenset({Work.BUILDS}) for oid in tables if oid is not None}


def _chosen(migration: Migration, there: Mapping[int, Relation], known: Existing) -> list[str]:
    """Return the tables that a file names, itself or by an index; all where it names none."""
    words = set(re.findall(r"[\w$]+", migration.sql))
    tables = {oid: one.name for oid, one in there.items() if oid in known and one.kind == "table"}
    named = {one.table or oid for oid, one in there.items() if plain(one.name)[-1] in words}
    return [name for oid, name in tables.items() if oid in named] or list(tables.values())


class _Holder:
    """A session that holds a lock on tables, so that whoever comes behind it has to wait."""

    def __init__(self, here: Bench, tables: list[str], mode: str) -> None:
        self.here, self.tables, self.mode = here, tables, mode
        self.connection = database.connect(here.url, source=here.source, application="runner:holds")
        names = ", only ".join(tables)
        text = f"begin; lock table only {names} in {mode} mode nowait" if tables else "begin"
        self.has_it = database.failure(database.send(self.connection, text)) is None

    def follow(self) -> _Holder | None:
        """Return another one that holds the same, if it may be had."""
        other = _Holder(self.here, self.tables, self.mode)
        if other.has_it:
            return other
        other.close()
        return None

    def close(self) -> None:
        """Make way."""
        self.connection.close()


def _applied(
    here: Bench, migration: Migration, looking: Connection, tables: list[str]
) -> tuple[RunnerError | None, Locks]:
    """Apply a file beside sessions that keep it waiting; return what went wrong, and the locks it had."""
    pid = here.connection.info.backend_pid
    holders = [_Holder(here, tables, mode) for mode in _HELD]
    with ThreadPoolExecutor(1) as pool:
        try:
            future = pool.submit(here.apply, migration)
            seen = _watch(looking, pid, future, holders)
        finally:
            for one in holders:
                one.close()
        return future.result(), seen


def _watch(
    looking: Connection, pid: int, future: Future[RunnerError | None], holders: list[_Holder]
) -> Locks:
    """Look again and again until a file is done; whenever it waits, the next of the others makes way.

    The last one leaves another behind, where it can: what has waited for those who were there before it does
    not wait for that one until it wants a lock, and then shows which.
    """
    seen: dict[int, frozenset[str]] = {}
    waited = rounds = 0
    while not future.done():
        time.sleep(_PAUSE)
        for oid, modes in probe.locks(looking, pid, None).items():
            seen[oid] = seen.get(oid, frozenset()) | modes
        [(waits,)] = database.query(looking, _WAITS, pid)
        waited = waited + 1 if waits else 0
        if waited >= _PATIENCE and holders:
            waited, rounds = 0, rounds + 1
            if len(holders) == 1 and rounds < _ROUNDS and (other := holders[0].follow()):
                holders.append(other)
            holders.pop(0).close()
    return seen
