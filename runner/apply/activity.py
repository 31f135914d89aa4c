"""Ask the server, in one question, what a session is doing and whom it waits for. Does not write.

A role sees the wait and the progress of its own sessions only, unless it is in pg_read_all_stats: so the one
asks that has logged in. Who holds and wants which lock, everybody sees. Looking at locks stops the lock
manager for a moment, so that is done only for a session that waits for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner import database, ledger
from runner.apply.disclosure import veiled
from runner.apply.event import Activity, Session

if TYPE_CHECKING:
    from typing import LiteralString

    from runner.database import Connection

# Of "loading tuples" and what is alike, tuples are counted, else blocks. Waiting has no percentage.
_PROGRESS = """
    select pid, relid, command, phase,
        case when phase like '%% tuples%%' then tuples_done when phase not like '%%waiting%%' then blocks_done
        end as done,
        case when phase like '%% tuples%%' then tuples_total else blocks_total end as total
    from pg_catalog.pg_stat_progress_create_index
    union all
    select pid, relid, command, phase, heap_blks_scanned, heap_blks_total
    from pg_catalog.pg_stat_progress_cluster
    union all
    select pid, relid, 'VACUUM', phase,
        case phase when 'scanning heap' then heap_blks_scanned when 'vacuuming heap' then heap_blks_vacuumed
        end,
        heap_blks_total
    from pg_catalog.pg_stat_progress_vacuum
    union all
    select pid, relid, command, tuples_processed::text || ' rows', bytes_processed, bytes_total
    from pg_catalog.pg_stat_progress_copy
    union all
    select pid, relid, 'ANALYZE', phase, sample_blks_scanned, sample_blks_total
    from pg_catalog.pg_stat_progress_analyze
"""

_NAME = """
    select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
"""

_LONGEST = 1000  # characters of a statement; the server would not cut what is none of its letters
_SESSION = """
    pid, usename, application_name, coalesce(client_addr::text, 'local'), state,
    extract(epoch from pg_catalog.clock_timestamp() - least(xact_start, query_start))::int,
    query,
    """ + ledger.MAY_END.replace("{role}", "usesysid")

# In pg_blocking_pids 0 stands for prepared transactions; of these, those that hold the table are told.
_FACTS = f"""
    select a.pid, a.usename, a.application_name, a.client, a.state, a.seconds, a.query, a.may_end,
        a.wait_event_type || ' ' || a.wait_event, w.locktype, w.mode, w.name,
        p.command, p.name, p.phase, case when p.total > 0 then 100 * p.done / p.total end,
        (
            select pg_catalog.json_agg(pg_catalog.json_build_array({_SESSION}) order by xact_start)
            from pg_catalog.pg_stat_activity
            where pid = any (b.pids)
        ),
        (
            select pg_catalog.json_agg(pg_catalog.json_build_array(
                null, x.owner, x.gid, null, null,
                extract(epoch from pg_catalog.clock_timestamp() - x.prepared)::int, null,
                {ledger.MAY_ROLL_BACK.replace("{owner}", "x.owner")}
            ))
            from pg_catalog.pg_prepared_xacts as x
            where 0 = any (b.pids) and exists (
                select from pg_catalog.pg_locks as h
                join pg_catalog.pg_locks as t on t.virtualtransaction = h.virtualtransaction and t.pid is null
                where h.pid is null and h.granted and t.transactionid = x.transaction
                    and (h.relation = w.relation or h.transactionid = w.transactionid)
            )
        )
    from (
        select {_SESSION}, wait_event_type, wait_event,
            case when wait_event_type = 'Lock' or state is null then pid end
        from pg_catalog.pg_stat_activity
        where {{which}}
    ) as a (
        pid, usename, application_name, client, state, seconds, query, may_end, wait_event_type, wait_event,
        waiting
    )
    left join lateral (
        select l.locktype, l.mode, l.relation, l.transactionid,
            case when l.locktype = 'object'
                then (select relname from pg_catalog.pg_class where oid = l.classid)
                else ({_NAME} where c.oid = l.relation)
            end as name
        from pg_catalog.pg_locks as l
        where l.pid = a.waiting and not l.granted
        limit 1
    ) as w on true
    left join lateral (
        select case when w.locktype is not null then pg_catalog.pg_blocking_pids(a.pid) end
    ) as b (pids) on true
    left join lateral (
        select s.*, ({_NAME} where c.oid = s.relid) as name
        from ({_PROGRESS}) as s
        where s.pid = a.pid
        limit 1
    ) as p on true
    order by a.pid <> %(pid)s
"""  # noqa: S608 - only what stands above

# Behind a pooler the process that the client knows is none of the server's: the name of the session counts.
_OWN = """
    pid = %(pid)s or (
        application_name = any (%(applications)s) and datname = pg_catalog.current_database()
        and usename = session_user and pid <> pg_catalog.pg_backend_pid()
    )
"""
# What a role works as may see more than its own.
_AS_LOGIN = f"{database.AS_LOGIN} and not pg_catalog.pg_has_role('pg_read_all_stats', 'usage');"
_IS_HELD = f"select from pg_catalog.pg_locks where {ledger.HELD} limit 1"


def of(connection: Connection, pid: int, *, applications: list[str]) -> tuple[str | None, Activity]:
    """Return the name and the activity of session ``pid``, or else of one that bears one of these names."""
    found = _ask(connection, _OWN, pid=pid, applications=applications)
    return (found[0][0].application, found[0][1]) if found else (None, Activity())


def holders(connection: Connection) -> tuple[tuple[Session, Activity], ...]:
    """Return who holds the advisory lock of the runners in this database, and what they are doing.

    Mostly nobody does, as a short question tells: to plan the long one takes a new session much longer.
    """
    if not _rows(connection, _IS_HELD):
        return ()
    return _ask(connection, ledger.HOLDS, pid=0) or tuple(
        (Session(None, owner, gid, seconds=seconds, may_end=may_end), Activity())
        for owner, gid, seconds, may_end in _rows(connection, ledger.PREPARED)
    )


def _ask(
    connection: Connection, which: LiteralString, **named: object
) -> tuple[tuple[Session, Activity], ...]:
    rows = _rows(connection, _AS_LOGIN + _FACTS.replace("{which}", which), **named)
    return tuple((_session(row[:8]), _activity(row[8:])) for row in rows)


def _rows(connection: Connection, text: LiteralString, **named: object) -> list[tuple[Any, ...]]:
    """Return the rows of a question; none where a right is lacking: that may not end the rest."""
    try:
        return database.query(connection, text, **named)
    except database.Error as error:
        if error.sqlstate is None:
            raise
        return []


def _session(row: tuple[Any, ...] | list[Any]) -> Session:
    pid, user, application, client, state, seconds, query, may_end = row
    hidden = state is None or query is None
    return Session(
        pid,
        user or "the server itself",
        application or "",
        client,
        state,
        seconds if seconds is None else max(seconds, 0),
        None if hidden else veiled(query[:_LONGEST]),
        bool(may_end),
    )


def _activity(row: tuple[Any, ...]) -> Activity:
    wait, locktype, mode, name, command, table, phase, percent, sessions, prepared = row
    about = " ".join(filter(None, (command and command.lower(), table and f"on {table}")))
    blockers = tuple(map(_session, (sessions or []) + (prepared or [])))
    said = ": ".join(filter(None, (about, phase))) or None
    wants = _wants(locktype, mode or "", name) if locktype else None
    return Activity(said, None if percent is None else min(percent, 100), wait, wants, blockers)


def _wants(locktype: str, mode: str, name: str | None) -> str:
    """Return the lock in words: an access exclusive lock on public.orders."""
    if locktype in ("virtualxid", "transactionid"):
        return "the end of a transaction"
    if locktype == "tuple":
        return f"a lock on a row of {name}"
    if locktype == "advisory":
        return "an advisory lock"
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in mode).strip()
    article = "an" if words[0] in "ae" else "a"
    what = name if locktype == "relation" else f"an entry of {name}" if locktype == "object" else locktype
    return f"{article} {words} on {what or 'a table'}"
