-- Which statements take the server's time, most first, from the extension pg_stat_statements:
--
--     psql -X -f docs/operations/statements.sql "$DATABASE_URL_SPECS"
--
-- total_s   where the time went: the first lines are what is worth tuning, however fast each call is
-- mean_ms, worst_ms   far apart: a plan that fits some values only, or waiting for a lock
-- rows      per call; many rows read from disk or cache (blocks) for few returned: an index is missing
-- wal_kb    per call; what replicas and backups carry
-- Of other roles only a superuser sees the statements, or who has pg_read_all_stats: a line says so, and what an
-- administrator can grant.
-- A statement of seconds that nobody knows is somebody's report: look at its user before tuning it.

\set ON_ERROR_STOP on
\set QUIET on
-- In one transaction, along the path of the catalog alone: somebody may have made operators in public.
begin read only;
set local search_path = pg_catalog;

select exists (select from pg_extension where extname = 'pg_stat_statements') as installed \gset
\if :installed
select n.nspname as schema
from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements' \gset
select count(*) > 0 as hidden,
    format('hidden: %s statements of other roles; an administrator can: grant pg_read_all_stats to %I;',
        count(*), current_user) as remedy
from :"schema".pg_stat_statements as s
where s.query = '<insufficient privilege>'
    and s.dbid = (select oid from pg_database where datname = current_database()) \gset
\if :hidden
\echo :remedy
\endif
select
    round((s.total_exec_time / 1000)::numeric, 1) as total_s,
    s.calls,
    round(s.mean_exec_time::numeric, 2) as mean_ms,
    round(s.max_exec_time::numeric, 1) as worst_ms,
    round(s.rows::numeric / greatest(s.calls, 1), 1) as rows,
    round((s.shared_blks_hit + s.shared_blks_read)::numeric / greatest(s.calls, 1), 1) as blocks,
    round(100.0 * s.shared_blks_hit / greatest(s.shared_blks_hit + s.shared_blks_read, 1), 1) as hit_percent,
    round(s.wal_bytes / 1024 / greatest(s.calls, 1), 1) as wal_kb,
    pg_get_userbyid(s.userid) as "user",
    left(regexp_replace(s.query, '[[:space:]]+', ' ', 'g'), 80) as query
from :"schema".pg_stat_statements as s
where s.dbid = (select oid from pg_database where datname = current_database())
order by s.total_exec_time desc
limit 20;
\else
\echo 'pg_stat_statements is not installed in this database. An administrator adds it to'
\echo 'shared_preload_libraries, restarts the server, and runs: create extension pg_stat_statements;'
\endif

commit;
