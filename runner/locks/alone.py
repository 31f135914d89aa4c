"""Apply a file that must not run in a transaction, and say what it did, by what was there before and is now.

What it locks is seen from another session while it runs; what it destroys the server tells. Nothing is rolled
back.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner import database, files
from runner.locks import beside, between, loss, outside, probe
from runner.locks.effect import Loss, Traced, Work
from runner.locks.loss import Losses
from runner.locks.probe import Probe
from runner.locks.run import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.database import Connection
    from runner.locks.probe import Relation
    from runner.locks.run import Existing
    from runner.model import Migration
    from runner.schema import Bench

_NOTE = "run outside a transaction: not traced, but seen from another session"
_FORGET = "drop event trigger if exists runner_trace_drop; drop schema runner_trace cascade"


def run(here: Bench, migration: Migration, known: Existing) -> tuple[tuple[Traced, ...], str | None]:
    """Apply the one statement of a file; return what it did, and why it failed if it did. Writes."""
    [statement] = files.scan(migration.sql).statements
    with database.connect(here.url, source=here.source, application="runner:locks") as looking:
        there = probe.relations(looking, besides=here.filler.besides)
        full = _full(looking, there, probe.look(looking, known))  # it counts as a scan of this session
        before = probe.look(looking, known)
        with _watched(looking, known) as losses:
            error, seen = beside.apply(here, migration, looking, _chosen(migration, there, known))
            lost = [*map(loss.drop, losses.dropped()), *losses.narrowed()]
        after = probe.look(looking, known)
        now = probe.relations(looking, besides=here.filler.besides)
        emptied = full - _full(looking, now, after)
    works = probe.works(known, (before, after), truncates=statement.word in probe.EMPTYING)
    works |= {oid: {Work.BUILDS} for oid in _built(there, now, known)}
    for oid in _rebuilt(known, before, after):
        table = known[oid].table or oid
        seen[oid].add("AccessExclusiveLock")
        seen[table].add("ShareLock")
        works[table].add(Work.BUILDS)
    effects = tuple(between.effects(known, before._replace(locks={}), Probe(after.states, seen), works))
    lost += map(loss.drop, loss.named(statement, migration.sql, known, in_transaction=False))
    truncated = {oid for oid, kinds in works.items() if Work.EMPTIES in kinds}
    without = sorted((emptied & now.keys()) - truncated)
    lost += [*_gone(there, now, known), *loss.emptied(works, without, known)]
    place = files.locate(migration.sql, statement.start, path=migration.path)
    text = shown(migration.sql[statement.start : statement.end])
    traced = Traced(place, text, effects, tuple(dict.fromkeys(lost)), _NOTE)
    return (traced,), error.message if error else None


@contextmanager
def _watched(looking: Connection, known: Existing) -> Iterator[Losses]:
    """Let the server tell of every drop; afterwards nothing is left of that."""
    losses = Losses(looking, known)
    try:
        yield losses
    finally:
        database.run(looking, _FORGET)


def _full(looking: Connection, there: Mapping[int, Relation], now: Probe) -> set[int]:
    """Return the tables that hold a row of their own, of those that existed before."""
    own = (oid for oid, state in now.states.items() if state.file and there[oid].kind == "table")
    return {oid for oid in own if database.query_quoted(looking, loss.row_of(there[oid]))}


def _rebuilt(known: Existing, before: Probe, after: Probe) -> list[int]:
    """Return the indexes that were built anew in place, as reindex does: too fast here to be seen."""
    return [
        oid
        for oid, now in after.states.items()
        if known[oid].kind == "index"
        and now.file != before.states[oid].file
        and not _is_moved(known[oid].table, before, after)
    ]


def _is_moved(table: int | None, before: Probe, after: Probe) -> bool:
    """Tell whether a table has another file, or none any more: its indexes have then as well."""
    old, new = (one.states.get(table or 0) for one in (before, after))
    return (old and old.file) != (new and new.file)


def _gone(before: Mapping[int, Relation], now: Mapping[int, Relation], known: Existing) -> tuple[Loss, ...]:
    """Return what is not there any more, nor anything else of its name."""
    left = {one.name for one in now.values()}
    gone = [one for oid, one in before.items() if oid in known and one.name not in left]
    return tuple(Loss(f"drops {one.kind} {one.name}", is_data=one.kind != "index") for one in gone)


def _built(before: Mapping[int, Relation], now: Mapping[int, Relation], known: Existing) -> set[int]:
    """Return the tables that have a new index."""
    made = (one.table for oid, one in now.items() if oid not in before)
    return {table for table in made if table and table in known}


def _chosen(migration: Migration, there: Mapping[int, Relation], known: Existing) -> list[str]:
    """Return the tables that a file may name, itself or by an index; all where it names none."""
    text = migration.sql.lower()  # names are written in letters of any size, and one too many does no harm
    tables = {oid: one.name for oid, one in there.items() if oid in known and one.kind == "table"}
    named = {one.table or oid for oid, one in there.items() if outside.plain(one.name)[-1].lower() in text}
    return [name for oid, name in tables.items() if oid in named] or list(tables.values())
