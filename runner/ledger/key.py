"""Take and give the advisory lock that runners, rollback files and psql bundles share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.database import query

if TYPE_CHECKING:
    from runner.database import Connection

_LOCK = """
    select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('public.schema_migrations', 0))
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


def try_lock(connection: Connection) -> bool:
    """Take the advisory lock for the transaction at hand; false when somebody else holds it."""
    [(taken,)] = query(connection, _LOCK)
    return bool(taken)


def try_session_lock(connection: Connection) -> bool | None:
    """Take the advisory lock for the session; ``None`` when somebody else holds it."""
    [(taken,)] = query(connection, _SESSION_LOCK)
    return taken or None


def holders(connection: Connection) -> tuple[str, ...]:
    """Return who holds the advisory lock, a line each."""
    rows = query(connection, _HOLDER)
    return tuple(f"held by pid {pid}, user {user}, application {name}" for pid, user, name in rows)
