"""Look at a scratch database again and again, each time reading only what has changed since.

A moment is all that a proof compares: the schema, the rows, where sequences stand, what belongs to the whole
server, and what the ledger records.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner import database, ledger
from runner.schema import catalog, contents, system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection
    from runner.schema.catalog import Snapshot
    from runner.schema.contents import Table

_SERVER = Path(__file__).parent / "server.sql"
_SEQUENCES = """
    select s.seqrelid::pg_catalog.regclass::text, pg_catalog.pg_sequence_last_value(s.seqrelid), s.seqincrement < 0,
        exists (
            select from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = s.seqrelid
                and d.refobjsubid > 0 and d.deptype in ('a', 'i')
        )
    from pg_catalog.pg_sequence as s
"""
_OTHERS_LEFT = """
    select count(*) from pg_catalog.pg_stat_activity
    where datname = pg_catalog.current_database() and backend_type = 'client backend' and not pid = any (%s)
"""
_NOW = "select pg_catalog.pg_snapshot_xmin(s)::text, pg_catalog.pg_snapshot_xmax(s)::text from pg_catalog.pg_current_snapshot() as s"
_NAMES = "select oid, oid::pg_catalog.regclass::text from pg_catalog.pg_class where oid = any (%s)"
_ALL_NAMES = "select oid, oid::pg_catalog.regclass::text from pg_catalog.pg_class where oid >= %s"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Where a sequence stands; ``is_owned`` by a column, whose gaps nobody minds."""

    value: int | None
    is_descending: bool
    is_owned: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A database at one moment. ``has_ledger`` tells whether the runner has made its own table yet."""

    schema: Snapshot = field(default_factory=dict)
    system: system.Rows = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    server: dict[str, str] = field(default_factory=dict)
    recorded: tuple[str, ...] = ()
    has_ledger: bool = False
    touched: frozenset[int] = frozenset()  # relations that changed since the moment before, or their rows


class Watcher:
    """A second session in a scratch database, which no file can disturb, and what it knows so far.

    ``working`` is the session that runs the files: what it counts must be made known before a look.
    """

    def __init__(self, connection: Connection, working: Connection, series: str) -> None:
        connection.prepare_threshold = 0  # the same few questions, hundreds of times
        database.run(
            connection, "set search_path = ''; set jit = off; set timezone = 'UTC'; set datestyle = 'ISO'"
        )
        self.connection = connection
        self.working = working
        self.series = series
        self.follower = system.start(connection)
        self.moment = Moment()
        self._loose: Snapshot = {}
        self._of: dict[str, Snapshot] = {}  # items by the relation they belong to
        self._names: dict[int, str] = {}
        self._tables: dict[int, Table] = {}
        self._counters: dict[int, str] = {}
        self._now: tuple[str, str] | None = None

    def look(self) -> Moment:
        """Return the database as it is now. Does not write."""
        self._settle()
        [now] = database.query(self.connection, _NOW)
        sequences = {
            name: Sequence(value, down, owned)
            for name, value, down, owned in database.query(self.connection, _SEQUENCES)
        }
        if now[0] == now[1] and now == self._now:  # no transaction has written anything
            self.moment = self._moment(sequences, frozenset())
            return self.moment
        self._now = now
        relations = system.follow(self.follower)
        if relations != frozenset():
            self._schema(relations)
        touched = self._rows(relations)
        recorded = ledger.read(self.connection, series=self.series)
        self.moment = Moment(
            {key: item for part in (self._loose, *self._of.values()) for key, item in part.items()},
            dict(self.follower.rows),
            {table.name: table for table in self._tables.values()},
            sequences,
            dict(self._server()),
            tuple(sorted(row.version for row in recorded or ())),
            recorded is not None,
            touched if relations is None else touched | relations,
        )
        return self.moment

    def _moment(self, sequences: dict[str, Sequence], touched: frozenset[int]) -> Moment:
        last = self.moment
        return Moment(
            last.schema,
            last.system,
            last.tables,
            sequences,
            last.server,
            last.recorded,
            last.has_ledger,
            touched,
        )

    def _settle(self) -> None:
        """Wait until psql's session is gone, and let the other tell what it wrote: both count rows at leisure."""
        database.run(self.working, "select pg_catalog.pg_stat_force_next_flush()")
        pids = [self.connection.info.backend_pid, self.working.info.backend_pid]
        deadline = time.monotonic() + 5
        while database.query(self.connection, _OTHERS_LEFT, pids)[0][0] and time.monotonic() < deadline:
            time.sleep(0.002)

    def _schema(self, relations: frozenset[int] | None) -> None:
        """Read the objects that changed, and all that belong to no relation."""
        chosen = None if relations is None else [oid for oid in relations if oid >= system.FIRST_OID]
        names = dict(
            database.query(self.connection, _ALL_NAMES, system.FIRST_OID)
            if chosen is None
            else database.query(self.connection, _NAMES, chosen)
        )
        fresh = catalog.snapshot(self.connection, besides=ledger.TABLE, only=chosen)
        if chosen is None:
            self._of.clear()
        for oid in chosen or ():
            self._of.pop(self._names.get(oid, ""), None)
            self._of.pop(names.get(oid, ""), None)
        self._names |= names
        self._loose = {}
        known = set(names.values())
        for key, item in fresh.items():
            home = next((name for name in (item.name, item.parent) if name in known), None)
            (self._loose if home is None else self._of.setdefault(home, {}))[key] = item

    def _rows(self, relations: frozenset[int] | None) -> frozenset[int]:
        now = contents.counters(self.connection, besides=ledger.TABLE)
        written = {oid for oid, count in now.items() if self._counters.get(oid) != count}
        changed = written | (set(now) if relations is None else relations & now.keys())
        for oid in self._tables.keys() - now.keys():
            del self._tables[oid]
        if changed:
            self._tables |= contents.read(self.connection, changed)
        self._counters = now
        return frozenset(written)

    def _server(self) -> Iterator[tuple[str, str]]:
        text = _SERVER.read_bytes()  # a file of this package
        yield from ((name, value or "") for name, value in self.connection.execute(text).fetchall())
