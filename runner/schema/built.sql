-- Whether somebody builds the index right now that is x in pg_class and i in pg_index; a role that may not see
-- which index is built takes each for it. What rebuilds a whole table is often shown at its TOAST table.
exists (
    select from pg_catalog.pg_stat_progress_create_index as p
    where p.datname = pg_catalog.current_database()
        and coalesce(
            p.relid = i.indrelid
            or p.command = 'REINDEX CONCURRENTLY' and x.relname ~ '_cc(new|old)[0-9]*$',
            true
        )
)
