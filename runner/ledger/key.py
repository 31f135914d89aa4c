"""Take and give the advisory lock that runners, rollback files and psql bundles share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.database import query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg.pq.abc import PGresult

    from runner.database import Connection

# Tries to take the advisory lock until the transaction ends: the transaction's id, or null if it is held.
# An expression, so that a select may hold more: each statement costs the server a tenth of a millisecond.
LOCK = """
    case
        when pg_catalog.pg_try_advisory_xact_lock(
            pg_catalog.hashtextextended('public.schema_migrations', 0)
        )
            then pg_catalog.pg_current_xact_id()::text
    end as xid
"""

_SESSION_LOCK = """
    select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('public.schema_migrations', 0))
"""

_HOLDER = """
    select a.pid, a.usename, a.application_name
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.database = (
            select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()
        )
        and (l.classid::bigint << 32) | l.objid::bigint
            = pg_catalog.hashtextextended('public.schema_migrations', 0)
"""


def xid(results: Iterable[PGresult]) -> str:
    """Return the transaction id that ``LOCK`` gave, empty while somebody else holds the lock."""
    [value] = [r.get_value(0, 0) for r in results if r.nfields and r.fname(0) == b"xid"]
    return (value or b"").decode()


def try_session_lock(connection: Connection) -> bool | None:
    """Take the advisory lock for the session; ``None`` when somebody else holds it."""
    [(taken,)] = query(connection, _SESSION_LOCK)
    return taken or None


def holders(connection: Connection) -> tuple[str, ...]:
    """Return who holds the advisory lock, a line each."""
    rows = query(connection, _HOLDER)
    return tuple(f"held by pid {pid}, user {user}, application {name}" for pid, user, name in rows)
