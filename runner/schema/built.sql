-- Whether somebody builds the index right now that is x in pg_class and i in pg_index; a role that may not see
-- which index is built takes each for it. What rebuilds a whole table is often shown at its TOAST table, and who
-- has track_activities off, by his lock alone. A standby does not know who is at work on its primary.
(
    pg_catalog.pg_is_in_recovery()
    or exists (
        select from pg_catalog.pg_stat_progress_create_index as p
        where p.datname = pg_catalog.current_database()
            and coalesce(
                p.relid = i.indrelid
                or p.command = 'REINDEX CONCURRENTLY' and x.relname ~ '_cc(new|old)[0-9]*$',
                true
            )
    )
    or exists (
        select from pg_catalog.pg_locks as l
        join pg_catalog.pg_stat_activity as a on a.pid = l.pid
        where l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock' and l.granted
            and l.database = (
                select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database()
            )
            and coalesce(a.state, 'disabled') = 'disabled'
    )
)
