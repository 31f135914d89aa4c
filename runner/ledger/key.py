"""Take and give the advisory lock that runners, rollback files and psql bundles share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.database import fill, query
from runner.errors import LockHeld

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.database import Connection

KEY = "pg_catalog.hashtextextended('public.schema_migrations', 0)"
_LOCK = f"select pg_catalog.pg_try_advisory_xact_lock({KEY})"
_SESSION_LOCK = f"select pg_catalog.pg_try_advisory_lock({KEY})"

# The condition for the rows of pg_locks that say who holds the lock of this database.
HELD = f"""
    locktype = 'advisory' and granted and objsubid = 1
    and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and (classid::bigint << 32) | objid::bigint = {KEY}
"""  # noqa: S608 - a text of ours

# The condition for the sessions of pg_stat_activity that do.
HOLDS = f"""
    pid in (select l.pid from pg_catalog.pg_locks as l where {HELD})
"""  # noqa: S608 - as above

# Whether who has logged in may end what another does: a session of the role of this number, which is null
# where it is the server's own, or a prepared transaction of this owner.
MAY_END = """(
    select me.rolsuper or not coalesce(other.rolsuper, true) and (
        pg_catalog.pg_has_role(me.oid, other.oid, 'usage')
        or pg_catalog.pg_has_role(me.oid, 'pg_signal_backend', 'usage')
    )
    from pg_catalog.pg_roles as me left join pg_catalog.pg_roles as other on other.oid = {role}
    where me.rolname = session_user
)"""
MAY_ROLL_BACK = """(
    select me.rolsuper or me.rolname = {owner} from pg_catalog.pg_roles as me where me.rolname = session_user
)"""

# A prepared transaction is no session: its locks have no pid, and one of them has its number.
PREPARED = f"""
    select x.owner, x.gid, extract(epoch from pg_catalog.clock_timestamp() - x.prepared)::int,
        {MAY_ROLL_BACK.replace("{owner}", "x.owner")}
    from pg_catalog.pg_prepared_xacts as x
    where x.transaction in (
        select t.transactionid from pg_catalog.pg_locks as t
        where t.pid is null and t.virtualtransaction in (
            select virtualtransaction from pg_catalog.pg_locks where pid is null and {HELD}
        )
    )
"""  # noqa: S608 - as above

ROLLBACK = "rollback prepared {gid};"
AS_OTHER = ", as an administrator"

_HOLDER = f"select pid, usename, application_name from pg_catalog.pg_stat_activity where {HOLDS}"  # noqa: S608 - as above
_STAYS = "It stays until somebody ends it: ask whose it is, end it, and run again."


def try_lock(connection: Connection, *, session: bool = False) -> bool:
    """Take the advisory lock for the transaction at hand, or the ``session``; false when another has it."""
    [(taken,)] = query(connection, _SESSION_LOCK if session else _LOCK)
    return bool(taken)


def refused(connection: Connection) -> LockHeld:
    """Return the error for a lock that another has, with who holds it, a line each. Does not write."""
    sessions = [
        f"pid {pid}, user {user}, application {name}" for pid, user, name in query(connection, _HOLDER)
    ]
    prepared = [
        f"the prepared transaction {gid} -- to end it{'' if may else AS_OTHER}: {fill(ROLLBACK, gid=gid)}"
        for _, gid, _, may in query(connection, PREPARED)
    ]
    return refusal([f"held by {one}" for one in sessions + prepared], is_prepared=bool(prepared))


def refusal(notes: Sequence[str], *, is_prepared: bool, after: str = "", more: str = "") -> LockHeld:
    """Return the error for a lock that another has ``after`` it was waited for; ``more`` can be done then."""
    if is_prepared:
        what, remedy = "A prepared transaction holds the lock of the runners on this database", _STAYS
    else:
        what, remedy = "Another runner is at work on this database", f"Try again when it has finished{more}."
    return LockHeld(f"{what}{after}.", remedy=remedy, notes=tuple(notes))
