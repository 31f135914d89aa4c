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

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.database import Connection

FIRST_OID = 16384  # below are the objects that every database is born with

# Catalogs without an oid of their own: class, oid and part of what a row describes, what else makes it
# unique, and which rows count. An enum's labels are told as the enum's.
_OTHERS = {
    "pg_aggregate": ("pg_proc", "c.aggfnoid::oid", "0", "''", "true"),
    "pg_attribute": ("pg_class", "c.attrelid", "c.attnum", "''", "c.attnum > 0"),
    "pg_description": ("", "c.objoid", "c.objsubid", "''", "true"),
    "pg_enum": ("pg_type", "c.enumtypid", "0", "c.enumlabel", "true"),
    "pg_foreign_table": ("pg_class", "c.ftrelid", "0", "''", "true"),
    "pg_index": ("pg_class", "c.indexrelid", "0", "''", "true"),
    "pg_inherits": ("pg_class", "c.inhrelid", "0", "c.inhparent::text", "true"),
    "pg_partitioned_table": ("pg_class", "c.partrelid", "0", "''", "true"),
    "pg_range": ("pg_type", "c.rngtypid", "0", "''", "true"),
    "pg_sequence": ("pg_class", "c.seqrelid", "0", "''", "true"),
    "pg_ts_config_map": ("pg_ts_config", "c.mapcfg", "0", "c.maptokentype || ' ' || c.mapseqno", "true"),
}  # fmt: skip
_CLASS = {
    "pg_description": "c.classoid",
    "pg_largeobject_metadata": "'pg_catalog.pg_largeobject'::pg_catalog.regclass::pg_catalog.oid",
}

# What the server keeps for itself or derives from other rows: it may differ after an undo, and means nothing.
# A column's number among them: the order of columns cannot be undone in PostgreSQL.
_NOISE = [
    "oid",
    "relfilenode",
    "relpages",
    "reltuples",
    "relallvisible",
    "relallfrozen",
    "relfrozenxid",
    "relminmxid",
    "reltoastrelid",
    "relhasindex",
    "relhasrules",
    "relhastriggers",
    "relhassubclass",
    "relrewrite",
    "reltype",
    "relnatts",
    "relchecks",
    "attnum",
    "adnum",
    "attcacheoff",
    "atthasmissing",
    "attnotnull",
    "attinhcount",
    "attislocal",
    "indcheckxmin",
    "typarray",
    "enumsortorder",
    "objsubid",
    "refobjsubid",
    "coninhcount",
    "conislocal",
    "tgname",
    "maptokentype",
    "partnatts",
]

# A right that is granted and revoked leaves the list of rights written out where it was understood before.
_RIGHTS = {
    "relacl": "case c.relkind when 'S' then 's' else 'r' end::\"char\", c.relowner",
    "proacl": "'f', c.proowner",
    "typacl": "'T', c.typowner",
    "nspacl": "'n', c.nspowner",
    "lanacl": "'l', c.lanowner",
    "fdwacl": "'F', c.fdwowner",
    "srvacl": "'S', c.srvowner",
    "lomacl": "'L', c.lomowner",
}

_COLUMNS = """
    select c.relname::text, c.oid, a.attname::text, a.atttypid::pg_catalog.regtype::text,
        f.pktable is not null, f.pktable = 'pg_catalog.pg_class'::pg_catalog.regclass
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and (a.attnum > 0 or a.attname = 'oid')
    left join pg_catalog.pg_get_catalog_foreign_keys() as f
        on f.fktable = c.oid and a.attname = f.fkcols[array_upper(f.fkcols, 1)]
    where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace and c.relkind = 'r' and not c.relisshared
        and pg_catalog.has_table_privilege(c.oid, 'select')
    order by c.relname, a.attnum
"""
# How much was written to each catalog so far: inserted and updated, deleted.
_COUNTERS = """
    select c.oid, pg_catalog.pg_stat_get_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid),
        pg_catalog.pg_stat_get_tuples_deleted(c.oid)
    from unnest(%s::pg_catalog.oid[]) as c (oid)
"""
_HORIZON = "select pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.xid::text"

# Tables that hold large values aside, and the schemas of temporary tables: the server's own affair.
_ATTENDANT = re.compile(r"\bpg_(?:toast|temp)")
_NUMBERED = re.compile(r'("RI_ConstraintTrigger_[a-z])_\d+"')


class Row(NamedTuple):
    """One row of a catalog: what it describes, in the server's words, and its columns as text."""

    catalog: str
    oid: int
    label: str
    facts: dict[str, str]
    relations: frozenset[int]  # oids of the tables, views, indexes and sequences it speaks of


Rows = dict[tuple[str, str], Row]  # by catalog, and a key that tells its rows apart


class Change(NamedTuple):
    """A row that two moments do not share; ``attributes`` are empty when one of them lacks it."""

    label: str
    attributes: tuple[tuple[str, str, str], ...]  # column, what it was, what it is
    is_gone: bool


class _Catalog(NamedTuple):
    name: str
    oid: int
    columns: Mapping[str, tuple[str, bool, bool]]  # type, whether it refers to rows, and to pg_class

    @property
    def source(self) -> str:
        """Where its rows come from, those of the objects made here only."""
        _, oid, _, _, counts = self.shape
        return f"from pg_catalog.{self.name} as c where {oid} >= {FIRST_OID} and ({counts})"

    @property
    def shape(self) -> tuple[str, str, str, str, str]:
        """Class, oid and part of what a row describes, the rest of its key, and which rows count."""
        return _OTHERS.get(self.name, (self.name, "c.oid", "0", "''", "true"))

    @property
    def key(self) -> str:
        """An expression that tells its rows apart."""
        _, oid, part, rest, _ = self.shape
        return f"pg_catalog.concat_ws(' ', {_CLASS.get(self.name, 'null')}, {oid}, {part}, {rest})"

    @property
    def keys(self) -> str:
        """The query that lists its keys."""
        return f"select pg_catalog.string_agg({self.key}, ',') {self.source}"

    @property
    def changed(self) -> str:
        """The query of the rows that a transaction since $1 has written."""
        name, oid, part, _, counts = self.shape
        class_ = _CLASS.get(self.name, f"'pg_catalog.{name}'::pg_catalog.regclass::pg_catalog.oid")
        left_out = [
            column
            for column, (type_, refers, _) in self.columns.items()
            if column in _NOISE
            or type_ in ("pg_node_tree", "anyarray")
            or (refers and type_ in ("smallint[]", "int2vector", "smallint"))
        ]
        rights = "".join(
            f" || pg_catalog.jsonb_build_object('{column}', (select pg_catalog.jsonb_agg(x::text order by x::text)"
            f" from unnest(coalesce(c.{column}, pg_catalog.acldefault({owner}))) as x))"
            for column, owner in _RIGHTS.items()
            if column in self.columns
        )
        return f"""
            select {self.key}, {oid}, i.type, i.identity,
                pg_catalog.to_jsonb(c) - '{{{",".join(left_out)}}}'::text[]{rights}
            from pg_catalog.{self.name} as c, pg_catalog.pg_identify_object({class_}, {oid}, {part}) as i
            where ({counts}) and case $1 when '' then {oid} >= {FIRST_OID}
                else pg_catalog.age(c.xmin) <= pg_catalog.age(nullif($1, '')::pg_catalog.xid) end
        """


@dataclass(slots=True)
class Follower:
    """What is known of the catalogs of one database, brought up to date by ``follow``."""

    connection: Connection
    catalogs: tuple[_Catalog, ...]
    since: str  # the oldest transaction that may have written what was not read yet
    counters: dict[int, tuple[int, int]]
    rows: Rows = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)  # of our rows, by catalog
    written: frozenset[tuple[str, str]] = frozenset()  # the keys that the last reading has found written


def start(connection: Connection) -> Follower:
    """Return a follower of a database to which nothing was done yet. Does not write."""
    tables: dict[tuple[str, int], dict[str, tuple[str, bool, bool]]] = {}
    for table, oid, column, type_, refers, relation in query(connection, _COLUMNS):
        tables.setdefault((table, oid), {})[column] = (type_, refers, relation)
    catalogs = tuple(
        _Catalog(name, oid, columns)
        for (name, oid), columns in tables.items()
        if "oid" in columns or name in _OTHERS
    )
    [(horizon,)] = query(connection, _HORIZON)
    return Follower(connection, catalogs, horizon, _counters(connection, catalogs))


def _counters(connection: Connection, catalogs: Sequence[_Catalog]) -> dict[int, tuple[int, int]]:
    found = query(connection, _COUNTERS, [catalog.oid for catalog in catalogs])
    return {oid: (written, deleted) for oid, written, deleted in found}


def follow(follower: Follower, *, horizon: str) -> frozenset[int] | None:
    """Read what changed since the last time; return the relations concerned, ``None`` for all of them.

    All of them when something got another name, which shows in the words for whatever depends on it. The
    sessions that wrote must have told the server what they counted; ``horizon`` is the oldest transaction
    that may go on.
    """
    counters = _counters(follower.connection, follower.catalogs)
    written = [c for c in follower.catalogs if counters[c.oid] != follower.counters.get(c.oid)]
    shrunk = [c for c in written if counters[c.oid][1] != follower.counters[c.oid][1]]
    new = _changed(follower, written, follower.since)
    lost = [*_gone(follower, shrunk), *_dropped(follower, new)]
    gone = [follower.rows.pop(key) for key in lost]
    old = {key: follower.rows[key] for key in new.keys() & follower.rows.keys()}
    renamed = any(row.label != new[key].label for key, row in old.items())
    if renamed:
        new |= _changed(follower, follower.catalogs, "")
    follower.since, follower.counters = horizon, counters
    follower.written = frozenset(new).union(lost)
    follower.rows.update(new)
    for (name, key), row in new.items():
        if row.oid >= FIRST_OID:
            follower.keys.setdefault(name, set()).add(key)
    if renamed:
        return None
    concerned = [row for key, row in new.items() if row != old.get(key)] + gone + list(old.values())
    direct = frozenset().union(*(row.relations for row in concerned))
    return direct.union(*(row.relations for oid in direct for row in _described(follower, oid)))


def _described(follower: Follower, oid: int) -> Iterator[Row]:
    """Yield what an index, or whatever else a comment may be on, belongs to."""
    for name in ("pg_index", "pg_constraint", "pg_trigger", "pg_rewrite", "pg_policy", "pg_statistic_ext"):
        if row := follower.rows.get((name, f"{oid} 0 ")):
            yield row


def compare(before: Rows, after: Rows, keys: Collection[tuple[str, str]]) -> Iterator[Change]:
    """Yield the rows that two moments do not share, by their names, in order; ``keys`` are those written since."""
    old, new = _by_label(before, keys), _by_label(after, keys)
    for label, catalog in sorted(old.keys() | new.keys()):
        was, now = old.get((label, catalog), []), new.get((label, catalog), [])
        if sorted(map(str, was)) == sorted(map(str, now)):
            continue
        pairs = zip(was, now, strict=True) if len(was) == len(now) else ()
        differing = tuple(one for pair in pairs for one in _differing(*pair))
        yield Change(label, differing, is_gone=len(now) < len(was))


def _by_label(rows: Rows, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return the facts of chosen rows by label and catalog."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for key in keys:
        if (row := rows.get(key)) and not _ATTENDANT.search(row.label):
            found.setdefault((row.label, row.catalog), []).append(row.facts)
    return found


def _differing(was: dict[str, str], now: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            yield name, was.get(name, ""), now.get(name, "")


def _changed(follower: Follower, catalogs: Sequence[_Catalog], since: str) -> Rows:
    """Return the rows that came or changed since a transaction, or all that are ours."""
    found = [
        (catalog, row)
        for catalog in catalogs
        for row in query_quoted(follower.connection, catalog.changed, since)
    ]
    for catalog, (_, oid, _, identity, _) in found:
        if catalog.name not in _OTHERS:
            follower.names[oid] = identity
    return {
        (catalog.name, key): _row(catalog, f"{type_} {identity}", oid, facts, follower.names)
        for catalog, (key, oid, type_, identity, facts) in found
        if type_ is not None
    }


def _row(catalog: _Catalog, label: str, oid: int, facts: Mapping[str, Any], names: Mapping[int, str]) -> Row:
    relations = {oid}
    told = {}
    for column, value in facts.items():
        _, refers, relation = catalog.columns[column]
        if relation and value is not None:
            relations.update(int(one) for one in (value if isinstance(value, list) else [value]))
        told[column] = _told(value, names) if refers or column == "objoid" else _sorted(value)
    return Row(catalog.name, oid, _NUMBERED.sub(r'\1"', label), told, frozenset(relations - {0}))


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
    """Yield the keys of columns that were dropped, whose rows stay, and take them out of the ``new`` ones."""
    for key in [key for key, row in new.items() if row.facts.get("attisdropped") == "True"]:
        del new[key]
        if key in follower.rows:
            yield key


def _gone(follower: Follower, catalogs: Sequence[_Catalog]) -> Iterator[tuple[str, str]]:
    """Yield the keys of rows that are no longer there, and forget them."""
    for catalog in catalogs:
        [(text,)] = query_quoted(follower.connection, catalog.keys)
        known = follower.keys.get(catalog.name, set())
        gone = known.difference((text or "").split(","))
        known -= gone
        yield from ((catalog.name, key) for key in gone)
