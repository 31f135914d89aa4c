"""Ask the live server how large tables are, and what else it has, with no right but to read the catalogs.

Where somebody holds the strongest lock the size is what vacuum or analyze saw last: to measure would wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database
from runner.locks.effect import Size

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.database import Connection

# Names are compared as text: to look one up takes the right to use its schema. Of a partitioned table, or one
# that others inherit from, what all together have.
_SIZES = """
    with recursive named as (
        select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name, c.oid
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    ), parts as (
        select n.name, n.oid from named as n where n.name = any (%(names)s::text[])
        union
        select p.name, i.inhrelid from parts as p join pg_catalog.pg_inherits as i on i.inhparent = p.oid
    ), sizes as (
        select p.name,
            case when c.relkind in ('p', 'I') then null  -- analyze writes there what all have together
                when c.reltuples >= 0 then c.reltuples::bigint
                else nullif(pg_catalog.pg_stat_get_live_tuples(c.oid), 0) end as rows,
            case when c.relkind in ('p', 'I') then 0
                when exists (
                    select from pg_catalog.pg_locks as l
                    where l.relation = c.oid and l.mode = 'AccessExclusiveLock'
                        and l.database = (
                            select d.oid from pg_catalog.pg_database as d
                            where d.datname = pg_catalog.current_database()
                        )
                )
                    then c.relpages::bigint
                        * pg_catalog.int8in(pg_catalog.textout(pg_catalog.current_setting('block_size')))
                else pg_catalog.pg_table_size(c.oid) end as bytes
        from parts as p
        join pg_catalog.pg_class as c on c.oid = p.oid
    )
    select s.name, coalesce(sum(s.bytes), 0)::bigint, sum(s.rows)::bigint from sizes as s group by s.name
"""

KINDS = ("role", "event trigger", "database", "tablespace")
_OUTSIDE = """
    select 'role', rolname::text from pg_catalog.pg_roles
    union all select 'event trigger', evtname::text from pg_catalog.pg_event_trigger
    union all select 'database', datname::text from pg_catalog.pg_database
    union all select 'tablespace', spcname::text from pg_catalog.pg_tablespace
"""


def outside(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return kind and name of each role, event trigger, database and tablespace. Does not write."""
    return frozenset(database.query(connection, _OUTSIDE))


def sizes(connection: Connection, names: Collection[str]) -> dict[str, Size]:
    """Return the size of each table that is there. Does not write."""
    found = database.query(connection, _SIZES, names=sorted(names)) if names else []
    return {name: Size(size, rows) for name, size, rows in found}
