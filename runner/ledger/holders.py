"""Name who keeps everybody from reading the ledger, or another table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database
from runner.errors import LockTimeout
from runner.ledger.key import AS_OTHER, MAY_END, MAY_ROLL_BACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.database import Connection

# Who has the lock; where it is only waited for, who is in the way, too. The kind of a process is hidden from
# most roles, but in recovery only the one that replays has no user and a lock on a table.
_HOLDERS = f"""
    select distinct pg_catalog.format('%I.%I', n.nspname, c.relname), case
        when l.pid is null then pg_catalog.format(
            'prepared transaction %s -- to end it%s: rollback prepared %L;', p.gid,
            case when {MAY_ROLL_BACK.replace("{owner}", "p.owner")} then '' else '{AS_OTHER}' end, p.gid
        )
        when a.pid is not null and a.usesysid is null and pg_catalog.pg_is_in_recovery()
            then pg_catalog.format(
                'pid %s: the server itself, which replays a transaction of its primary or archive%s', l.pid,
                case pg_catalog.pg_get_wal_replay_pause_state()
                    when 'not paused' then ' until it ends there'
                    else ' and is paused -- to go on: select pg_wal_replay_resume();'
                end
            )
        else pg_catalog.format(
            'pid %s: user %s, application %s, %s -- to end it%s: select pg_terminate_backend(%s);', l.pid,
            coalesce(a.usename, 'the server itself'), coalesce(nullif(a.application_name, ''), 'unnamed'),
            coalesce(a.state, 'state hidden from this role'),
            case when {MAY_END.replace("{role}", "a.usesysid")} then '' else '{AS_OTHER}' end, l.pid
        )
    end
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_class as c on c.oid = l.relation and c.relkind in ('r', 'p', 'v', 'm', 'f')
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    left join pg_catalog.pg_locks as x
        on x.locktype = 'transactionid' and x.virtualtransaction = l.virtualtransaction and l.pid is null
    left join pg_catalog.pg_prepared_xacts as p on p.transaction = x.transactionid
    where (
            l.relation = pg_catalog.to_regclass({{table}})
            -- who began while somebody waited already is not the one he waits for
            or n.nspname = any ({{schemas}}::text[])
            and coalesce(pg_catalog.clock_timestamp() - a.xact_start, '1 day'::interval)
                > pg_catalog.interval_in(
                    pg_catalog.textout(pg_catalog.current_setting('lock_timeout')), 0, -1
                )
        )
        and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
        and (
            l.granted and l.mode = 'AccessExclusiveLock'
            or (
                select pg_catalog.bool_or(o.mode = 'AccessExclusiveLock')
                    and not pg_catalog.bool_or(o.mode = 'AccessExclusiveLock' and o.granted)
                from pg_catalog.pg_locks as o
                where o.relation = l.relation and o.database = l.database
            )
        )
    order by 2, 1
"""  # noqa: S608 - a text of ours


def kept(connection: Connection, *, table: str | None = None, schemas: Sequence[str] = ()) -> LockTimeout:
    """Return the error that names them, as the server sees them now. Does not write.

    Whoever keeps readers from ``table``, or from any in ``schemas``: the server does not say for which one a
    question was given up.
    """
    [result] = database.ask(connection, database.fill(_HOLDERS, table=table, schemas=list(schemas)))
    found = database.rows(connection, result)
    tables = list(dict.fromkeys(name for name, _ in found)) or [table or "a table"]
    which = f"{', '.join(tables[:3])}{' …' * (len(tables) > 3)}"  # noqa: PLR2004 - a line has room for three
    return LockTimeout(
        f"Somebody holds a lock on {which}, which nobody can read meanwhile."
        if found or table
        else "A question about the tables has waited too long for a lock.",
        remedy="Let that transaction end, then run again.",
        notes=tuple(dict.fromkeys(line for _, line in found)),
    )
