-- Where the room goes, and whether autovacuum keeps up; largest table first.
-- It waits for whoever alters a table: begin psql with PGOPTIONS="-c lock_timeout=5s" where that may be.
-- Rows are estimates; of a table that was never analyzed there is none. Dead rows far above a fifth of the live
-- ones, or an old last_vacuum, deserve a look.

\set ON_ERROR_STOP on
\set QUIET on
-- In one transaction, along the path of the catalog alone: somebody may have made operators in public.
begin read only;
set local search_path = pg_catalog;

select
    s.relname as "table",
    nullif(c.reltuples, -1)::bigint as rows,
    pg_size_pretty(pg_relation_size(c.oid)) as heap,
    pg_size_pretty(pg_indexes_size(c.oid)) as indexes,
    pg_size_pretty(pg_table_size(c.oid) - pg_relation_size(c.oid)) as toast_and_maps,
    pg_size_pretty(pg_total_relation_size(c.oid)) as total,
    s.n_dead_tup as dead_rows,
    greatest(s.last_vacuum, s.last_autovacuum)::timestamptz(0) as last_vacuum,
    greatest(s.last_analyze, s.last_autoanalyze)::timestamptz(0) as last_analyze
from pg_stat_user_tables as s
join pg_class as c on c.oid = s.relid
where s.schemaname = 'public'
order by pg_total_relation_size(c.oid) desc;

commit;
