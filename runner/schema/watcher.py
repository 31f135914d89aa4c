"""Look at a scratch database again and again, each time reading only what has changed since."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner import database, ledger
from runner.errors import ServerUnusable
from runner.schema import beyond, catalog, contents, reach, sequence, system
from runner.schema.moment import Moment
from runner.schema.origin import FIRST_OID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Sequence_

    from runner.database import Connection
    from runner.schema.catalog import Snapshot
    from runner.schema.contents import Table
    from runner.schema.sequence import Sequence

# Of what kind a session of another role is, only a superuser sees; those of the server itself have no user.
_OTHERS_LEFT = """
    select count(*) from pg_catalog.pg_stat_activity
    where datname = pg_catalog.current_database() and not pid = any (%s)
        and usesysid is not null and coalesce(backend_type, 'client backend') = 'client backend'
"""
_EVERY_ROW = "set local row_security = on"
_NOW = """
    select pg_catalog.pg_snapshot_xmin(s)::pg_catalog.xid::text,
        pg_catalog.pg_snapshot_xmax(s)::pg_catalog.xid::text
    from pg_catalog.pg_current_snapshot() as s
"""
_NAMES = """
    select oid, oid::pg_catalog.regclass::text from pg_catalog.pg_class where oid {which}
    union all
    select oid, oid::pg_catalog.regprocedure::text from pg_catalog.pg_proc where oid {which}
"""


class Watcher:
    """A second session in a scratch database, which no file can disturb, and what it knows so far.

    ``working`` is the session that runs the files: what it counts must be made known before a look. It
    works as ``role``, which may be a superuser for a while.
    """

    def __init__(
        self,
        connection: Connection,
        working: Connection,
        *,
        schemas: Sequence_[str] = (),
        role: str | None = None,
    ) -> None:
        connection.prepare_threshold = 0  # the same questions, hundreds of times: each is planned once
        connection.prepared_max = None
        database.run(connection, "set plan_cache_mode = force_generic_plan")
        self.connection = connection
        self.schemas = schemas
        self.working = working
        self.role = role
        [(counts,)] = database.query(connection, "select pg_catalog.current_setting('track_counts') = 'on'")
        self._beyond = beyond.questions(connection)
        if not counts:
            raise ServerUnusable(
                "The server of the scratch database does not count rows, so that changes would be missed.",
                remedy="Set track_counts = on there, as it is by default.",
            )
        self.series = ""  # whose ledger rows count
        self.follower = system.start(connection)
        self.moment = Moment()
        self._items: Snapshot = {}
        self._of: dict[str, list[tuple[str, str]]] = {}  # the keys of items by the relation they belong to
        self._names: dict[int, str] = {}
        self._sequences: dict[int, list[Any]] = {}  # name, sign, owner
        self._tables: dict[int, Table] = {}
        self._counters: Mapping[int, str] = {}
        self._counted: tuple[str | None, str] | None = None  # the writes to the ledger, and its series
        self._recorded: tuple[str, ...] | None = None
        self._now: tuple[str, str] | None = None

    def look(self) -> Moment:
        """Return the database as it is now. Does not write."""
        self.flush()
        try:  # one transaction of questions; a table's owner may be subject to its policies
            database.run(self.connection, database.opening(self.connection) + _EVERY_ROW)
            return self._look()
        finally:
            database.roll_back(self.connection)

    def flush(self) -> None:
        """Let the session that runs the files make known what it has counted: it does so at leisure."""
        database.run(self.working, "select pg_catalog.pg_stat_force_next_flush()")

    def _look(self) -> Moment:
        [now] = database.query(self.connection, _NOW)
        if now[0] == now[1] and now == self._now:  # no transaction has written anything
            self.moment = replace(self.moment, sequences=self._values(), touched=frozenset())
            return self.moment
        relations = system.follow(self.follower, horizon=now[0])
        if self._now is None:
            relations = None  # of what the database was born with nothing has been read
        self._now = now
        server = beyond.read(self.connection, self._beyond, risen=self.role)
        if relations != frozenset() or self.follower.is_wide:
            self._schema(relations)
            self._sequences = {
                oid: facts
                for oid, *facts in database.query(
                    self.connection, sequence.KNOWN, schemas=list(self.schemas) or None
                )
            }
        counts = contents.counters(self.connection, besides=ledger.TABLE, schemas=self.schemas)
        may_differ = bool(self.follower.written) or server != self.moment.server
        recorded = self._ledger((counts.pop(0, None), self.series), may_differ=may_differ)
        touched = self._rows(relations, counts)
        self.moment = Moment(
            dict(self._items),
            dict(self.follower.rows),
            {table.name: table for table in self._tables.values()},
            self._values(),
            server,
            recorded or (),
            recorded is not None,
            self.schemas,
            touched if relations is None else touched | relations,
            (*self.moment.written, self.follower.written),
        )
        return self.moment

    def _values(self) -> dict[str, Sequence]:
        return sequence.values(self.connection, self._sequences)

    def settle(self) -> None:
        """Wait until other sessions, as that of psql, are gone: only then all they wrote is counted."""
        pids = [self.connection.info.backend_pid, self.working.info.backend_pid]
        deadline = time.monotonic() + 5
        while database.query(self.connection, _OTHERS_LEFT, pids)[0][0] and time.monotonic() < deadline:
            time.sleep(0.002)

    def _schema(self, relations: frozenset[int] | None) -> None:
        """Read the objects that changed, and all that belong to no relation if one of them may have."""
        is_wide = relations is None or self.follower.is_wide
        chosen = None if relations is None else [oid for oid in relations if oid >= FIRST_OID]
        which, value = (">= %s", FIRST_OID) if chosen is None else ("= any (%s)", chosen)
        names = dict(database.query(self.connection, _NAMES.replace("{which}", which), value, value))
        fresh = catalog.snapshot(
            self.connection,
            besides=ledger.TABLE,
            server=False,
            schemas=self.schemas,
            only=list(names),
            is_wide=is_wide,
        )
        fresh = {key: item for key, item in fresh.items() if key[0] not in beyond.KINDS}
        if chosen is None:
            self._items.clear()
            self._of.clear()
        stale = {*names.values(), *(self._names[oid] for oid in chosen or () if oid in self._names)}
        stale |= {""} if is_wide else set()
        for key in [key for home in stale for key in self._of.pop(home, ())]:
            self._items.pop(key, None)
        self._names |= names
        known = set(names.values())
        for key, item in fresh.items():
            home = next((name for name in (item.name, item.parent) if name in known), "")
            self._of.setdefault(home or "", []).append(key)
        self._items |= fresh

    def _ledger(self, count: tuple[str | None, str], *, may_differ: bool) -> tuple[str, ...] | None:
        """Return the versions that the ledger records, read anew where it or its rights may differ."""
        if may_differ or count != self._counted:
            rows = ledger.read(self.connection, series=self.series)
            self._recorded = None if rows is None else tuple(sorted(row.version for row in rows))
            self._counted = count
        return self._recorded

    def _rows(self, relations: frozenset[int] | None, now: Mapping[int, str]) -> frozenset[int]:
        written = {oid for oid, count in now.items() if self._counters.get(oid) != count}
        if relations is None or reach.is_composite(self.follower.rows, relations):
            relations = frozenset(now)
        changed = written | relations & now.keys()
        for oid in self._tables.keys() - now.keys():
            del self._tables[oid]
        if changed:
            self._tables |= contents.read(self.connection, changed)
        self._counters = now
        return frozenset(written)
