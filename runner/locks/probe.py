"""Ask the session that runs a file what it holds and what it has done so far, inside its transaction."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from runner import database
from runner.locks.effect import Work
from runner.locks.mode import strongest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from runner.database import Connection

_KINDS = {
    "r": "table", "p": "table", "f": "foreign table", "v": "view", "m": "materialized view",
    "S": "sequence", "i": "index", "I": "index",
}  # fmt: skip

_RELATIONS = """
    select c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
        c.relkind::text, i.indrelid
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_index as i on i.indexrelid = c.oid
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and coalesce(i.indrelid, c.oid) is distinct from pg_catalog.to_regclass(%(besides)s)
"""

# The counters are those of this session's transaction, before anybody else can see them.
_STATES = """
    select c.oid, c.relname::text, pg_catalog.pg_relation_filenode(c.oid)::bigint,
        case when c.relkind in ('r', 'm') then pg_catalog.pg_relation_size(c.oid) end,
        case when c.relkind in ('r', 'm') then pg_catalog.pg_stat_get_xact_numscans(c.oid) else 0 end,
        pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)
            + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid),
        pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid),
        pg_catalog.pg_stat_get_vacuum_count(c.oid),
        array(
            select k.oid::text || ' ' || k.conname from pg_catalog.pg_constraint as k
            where k.conrelid = c.oid and k.contype = 'f' and k.convalidated
        ),
        c.relispopulated
    from pg_catalog.pg_class as c
    where c.oid = any (%s)
"""

_LOCKS = """
    select l.relation, l.mode from pg_catalog.pg_locks as l
    where l.pid = %(pid)s and l.locktype = 'relation'
        and (%(chosen)s::oid[] is null or l.relation = any (%(chosen)s::oid[]))
"""

# PostgreSQL's own messages of the level DEBUG1; the names in them are not qualified.
_MESSAGES = {
    Work.REWRITES: re.compile(r'rewriting table "(.+)"'),
    Work.BUILDS: re.compile(r'building index ".+" on table "(.+)"'),
}
_KEY = re.compile(r'validating foreign key constraint "(.+)"')

EMPTYING = ("truncate", "refresh")  # the last of a materialized view, with no data


class Relation(NamedTuple):
    """Something that existed before: its name as it was, what it is, and of an index its table."""

    name: str
    kind: str
    table: int | None


class State(NamedTuple):
    """How a relation stands at one moment of a transaction."""

    name: str  # as it is now, not quoted
    file: int | None
    bytes: int | None
    scans: int
    written: int
    deleted: int
    vacuums: int
    keys: list[str]  # foreign keys that are validated: number and name
    is_populated: bool  # always, but for a materialized view


Pair = tuple[int, State, State]  # how a relation stands at two moments


class Probe(NamedTuple):
    """All that existed before, at one moment: states, and the locks that the session holds."""

    states: dict[int, State]
    locks: dict[int, set[str]]


def relations(connection: Connection, *, besides: str) -> dict[int, Relation]:
    """Return what exists, but for the ledger. Does not write."""
    found = database.query(connection, _RELATIONS, besides=besides)
    return {oid: Relation(name, _KINDS[kind], table) for oid, name, kind, table in found}


def look(connection: Connection, known: Mapping[int, Relation]) -> Probe:
    """Return how things stand, as the session itself sees them. Does not write."""
    states = {oid: State(*rest) for oid, *rest in database.query(connection, _STATES, list(known))}
    return Probe(states, locks(connection, connection.info.backend_pid, known))


def locks(connection: Connection, pid: int, known: Iterable[int] | None) -> dict[int, set[str]]:
    """Return the locks that a session has or waits for, on what is ``known`` or on all. Does not write."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    chosen = None if known is None else list(known)
    for oid, mode in database.query(connection, _LOCKS, pid=pid, chosen=chosen):
        found[oid].add(mode)
    return found


def works(
    known: Mapping[int, Relation],
    between: tuple[Probe, Probe],
    said: Sequence[str] = (),
    *,
    truncates: bool = False,
) -> defaultdict[int, set[Work]]:
    """Return what was done to each relation between two moments, from messages, files and counters.

    ``truncates`` says that the statement is one of ``EMPTYING``: over one without a row nothing else tells.
    """
    pairs = tuple(_pairs(between))
    new = {oid: (old, now) for oid, old, now in pairs if old.file != now.file or _is_emptied(old, now)}
    found: defaultdict[int, set[Work]] = defaultdict(set)
    for oid, work in _counted(pairs):
        found[oid].add(work)
    for oid, work in _told(pairs, said, {*found, *new}):
        found[oid].add(work)
    for oid, (old, now) in new.items():
        if known[oid].kind == "materialized view":
            empties = not now.is_populated and (old.is_populated or truncates)
        else:
            is_emptied = _is_emptied(old, now) and Work.REWRITES not in found[oid]
            empties = known[oid].kind == "table" and (truncates or is_emptied)
        if empties:
            found[oid] = found[oid] - {Work.BUILDS, Work.READS} | {Work.EMPTIES}
        else:
            found[oid].add(Work.REWRITES)
    return found


def _pairs(between: tuple[Probe, Probe]) -> Iterator[Pair]:
    before, after = between
    yield from ((oid, before.states.get(oid, now), now) for oid, now in after.states.items())


def _told(pairs: Iterable[Pair], said: Sequence[str], touched: Collection[int]) -> Iterator[tuple[int, Work]]:
    """Find what messages name: it bears the name and was read or written anew, or has the key now."""
    named = [
        (match[1], work) for text in said for work, one in _MESSAGES.items() if (match := one.match(text))
    ]
    keys = {match[1] for text in said if (match := _KEY.match(text))}
    for oid, old, now in pairs:
        yield from ((oid, work) for name, work in named if oid in touched and name in (old.name, now.name))
        if any(key.partition(" ")[2] in keys for key in {*now.keys} - {*old.keys}):
            yield oid, Work.VALIDATES


def _counted(pairs: Iterable[Pair]) -> Iterator[tuple[int, Work]]:
    """See what messages do not tell: more scans, more rows."""
    for oid, old, now in pairs:
        if now.scans > old.scans or now.vacuums > old.vacuums:
            yield oid, Work.READS
        if now.written > old.written or now.deleted > old.deleted:
            yield oid, Work.WRITES


def _is_emptied(old: State, now: State) -> bool:
    """Tell it also of what is emptied in place, in the file that it has had."""
    return bool(old.bytes and not now.bytes)


def emptied(between: tuple[Probe, Probe]) -> Iterator[int]:
    """Yield what lost rows: by a new file without any, or by deleting some."""
    return (oid for oid, old, now in _pairs(between) if now.deleted > old.deleted or _is_emptied(old, now))


def taken(before: Probe, after: Probe, oid: int) -> str | None:
    """Return the strongest lock on a relation that is new; ``None`` where there is none."""
    return strongest(after.locks.get(oid, set()) - before.locks.get(oid, set()))
