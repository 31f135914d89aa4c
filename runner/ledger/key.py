"""Take and give the advisory lock that runners, rollback files and psql bundles share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.database import query

if TYPE_CHECKING:
    from runner.database import Connection

KEY = "pg_catalog.hashtextextended('public.schema_migrations', 0)"
_LOCK = f"select pg_catalog.pg_try_advisory_xact_lock({KEY})"
_SESSION_LOCK = f"select pg_catalog.pg_try_advisory_lock({KEY})"

# The condition for the sessions of pg_stat_activity that hold the lock of this database.
HOLDS = f"""
    pid in (
        select l.pid
        from pg_catalog.pg_locks as l
        where l.locktype = 'advisory' and l.granted and l.objsubid = 1
            and l.database = (
                select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()
            )
            and (l.classid::bigint << 32) | l.objid::bigint = {KEY}
    )
"""  # noqa: S608 - a text of ours

_HOLDER = f"select pid, usename, application_name from pg_catalog.pg_stat_activity where {HOLDS}"  # noqa: S608 - as above


def try_lock(connection: Connection, *, session: bool = False) -> bool:
    """Take the advisory lock for the transaction at hand, or the ``session``; false when another has it."""
    [(taken,)] = query(connection, _SESSION_LOCK if session else _LOCK)
    return bool(taken)


def holders(connection: Connection) -> tuple[str, ...]:
    """Return who holds the advisory lock, a line each."""
    rows = query(connection, _HOLDER)
    return tuple(f"held by pid {pid}, user {user}, application {name}" for pid, user, name in rows)
