"""Follow PostgreSQL's own catalogs in one database from moment to moment, reading only what changed.

Each row of each catalog is a fact, so that an object of any kind is seen, also one that no query of ours has
heard of. The server itself says how a row is called (``pg_identify_object``) and which of its columns point
at other rows (``pg_get_catalog_foreign_keys``). Rows of the whole server (roles, databases) are not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.database import query, query_quoted
from runner.schema import origin, reach
from runner.schema.origin import AS_BORN, OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.database import Connection
    from runner.schema.origin import Catalog

# How much was written to each catalog so far: inserted and updated, deleted.
_COUNTERS = """
    select c.oid,
        pg_catalog.pg_stat_get_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid),
        pg_catalog.pg_stat_get_tuples_deleted(c.oid)
    from unnest(%s::pg_catalog.oid[]) as c (oid)
"""
_HORIZON = "select pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.xid::text"

_NUMBERED = re.compile(r'("(?:RI_ConstraintTrigger_[a-z]|(?:PK|Unique)_ConstraintTrigger))_\d+"')


class Row(NamedTuple):
    """One row of a catalog: what it describes, in the server's words, and its columns as text."""

    catalog: str
    is_ours: bool  # not one of those that every database is born with
    label: str
    facts: dict[str, str]
    relations: frozenset[int]  # oids of the tables, views, indexes and sequences it speaks of
    schema: str | None  # where it is; a trigger, say, is where its table is
    whole: int  # a hash of the row with what its facts leave out, and of what it depends on


_NO_COLUMN = ("", False, False)
Rows = dict[tuple[str, str], Row]  # by catalog, and a key that tells its rows apart


@dataclass(slots=True)
class Follower:
    """What is known of the catalogs of one database, brought up to date by ``follow``."""

    connection: Connection
    catalogs: tuple[Catalog, ...]
    since: str  # the oldest transaction that may have written what was not read yet
    counters: dict[int, tuple[int, int]]
    ties: str | None  # of extensions to objects
    roles: dict[int, str]  # how they are called now
    rows: Rows = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)  # of our rows, by catalog
    written: frozenset[tuple[str, str]] = frozenset()  # the keys that the last reading has found changed
    is_wide: bool = True  # whether something else changed than what belongs to relations


def start(connection: Connection) -> Follower:
    """Return a follower of a database to which nothing was done yet. Does not write."""
    catalogs = origin.catalogs(connection)
    [(horizon,)] = query(connection, _HORIZON)
    ties, roles = origin.ties(connection)
    return Follower(connection, catalogs, horizon, _counters(connection, catalogs), ties, roles)


def _counters(connection: Connection, catalogs: Sequence[Catalog]) -> dict[int, tuple[int, int]]:
    found = query(connection, _COUNTERS, [catalog.oid for catalog in catalogs])
    return {oid: (written, deleted) for oid, written, deleted in found}


def follow(follower: Follower, *, horizon: str) -> frozenset[int] | None:
    """Read what changed since the last time; return the relations concerned, ``None`` for all of them.

    All of them when something, or a role, got another name, which shows in the words for whatever depends on
    it, and may have when it is something that every database is born with; or when an extension owns
    something else. The sessions that wrote must have told the server what they counted; ``horizon`` is the
    oldest transaction that may go on.
    """
    counters = _counters(follower.connection, follower.catalogs)
    ties, roles = origin.ties(follower.connection)
    is_renamed = any(roles.get(oid, name) != name for oid, name in follower.roles.items())
    follower.roles = roles
    written = [c for c in follower.catalogs if counters[c.oid] != follower.counters.get(c.oid)]
    shrunk = [  # by another name for the value of an enum, which is one, a key is gone without its row
        c for c in written if c.name == "pg_enum" or counters[c.oid][1] != follower.counters[c.oid][1]
    ]
    new = _changed(follower, written, follower.since)
    is_ours = all(row.is_ours for row in new.values())
    lost = [*_gone(follower, shrunk), *_dropped(follower, new)]
    gone = [follower.rows.pop(key) for key in lost]
    new = {key: row for key, row in new.items() if row != follower.rows.get(key)}  # not written as it was
    old = {key: follower.rows[key] for key in new.keys() & follower.rows.keys()}
    is_renamed = is_renamed or any(row.label != new[key].label for key, row in old.items())
    is_whole = is_renamed or ties != follower.ties or not is_ours
    if is_whole:
        new |= _changed(follower, follower.catalogs, "")
        lost += _dropped(follower, new)
    follower.since, follower.counters, follower.ties = horizon, counters, ties
    follower.written = frozenset(new).union(lost)
    follower.rows.update(new)
    for (name, key), row in new.items():
        if row.is_ours:
            follower.keys.setdefault(name, set()).add(key)
    if is_whole:
        return None
    changed = [*new.values(), *old.values(), *gone]
    extended = bool(changed and follower.keys.get("pg_extension"))
    follower.is_wide = extended or reach.is_wide(follower.rows, changed, [one.name for one in shrunk])
    return reach.relations(follower.rows, changed)


def _changed(follower: Follower, catalogs: Sequence[Catalog], since: str) -> Rows:
    """Return the rows that came or changed since a transaction, or all that are ours."""
    found = [
        (catalog, row)
        for catalog in catalogs
        for row in query_quoted(follower.connection, catalog.changed, since)
    ]
    for catalog, (_, oid, _, identity, *_) in found:
        if catalog.name not in OTHERS and oid >= catalog.first:  # the server's own keep their numbers
            follower.names[oid] = _NUMBERED.sub(r'\1"', identity)
    names = follower.names | follower.roles
    return {(catalog.name, row[0]): _row(catalog, row, names) for catalog, row in found}


def _row(catalog: Catalog, row: Sequence[Any], names: Mapping[int, str]) -> Row:
    _, oid, type_, identity, schema, facts, whole = row
    label = _NUMBERED.sub(r'\1"', f"{type_} {identity}")
    relations = {oid}
    told = {}
    for column, value in facts.items():
        _, refers, relation = catalog.columns.get(column, _NO_COLUMN)
        if relation and value is not None:
            relations.update(int(one) for one in (value if isinstance(value, list) else [value]))
        told[column] = _told(value, names) if refers or column == "objoid" else _sorted(value)
    is_ours = oid >= catalog.first
    return Row(catalog.name, is_ours, label, told, frozenset(relations - {0}), schema, whole)


def _sorted(value: object) -> str:
    """Return a list of options in one order: it says nothing."""
    return str(sorted(value, key=str) if isinstance(value, list) else value)


def _told(value: object, names: Mapping[int, str]) -> str:
    """Return an oid as the name of its object where it was made here: made anew, it has another."""
    if isinstance(value, list):
        return ", ".join(_told(one, names) for one in value)
    text = str(value)
    return names.get(int(text), text) if text.isdigit() else text


def _dropped(follower: Follower, new: Rows) -> Iterator[tuple[str, str]]:
    """Yield the keys of rows that stay and say nothing, and take them out of the ``new`` ones.

    Such are dropped columns, and the server's own objects with the rights that they came with.
    """
    for key, row in list(new.items()):
        as_born = row.facts.pop(AS_BORN, None) == "True" and not row.is_ours
        if not as_born and row.facts.get("attisdropped") != "True":
            continue
        del new[key]
        if key in follower.rows:
            yield key


def _gone(follower: Follower, catalogs: Sequence[Catalog]) -> Iterator[tuple[str, str]]:
    """Yield the keys of rows that are no longer there, and forget them; a dropped column is so already."""
    for catalog in catalogs:
        [(text,)] = query_quoted(follower.connection, catalog.keys)
        known = follower.keys.get(catalog.name, set())
        gone = known.difference((text or "").split(","))
        known -= gone
        yield from ((catalog.name, key) for key in gone if (catalog.name, key) in follower.rows)
