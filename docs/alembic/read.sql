-- Prints the tables of an old database as a script that rebuilds them in the schema "old" of a new one.
--
--     psql -X -qAt -f docs/alembic/read.sql "$OLD_AUTH_URL" > old_auth.sql
--     psql -X -q -f old_auth.sql "$DATABASE_URL_AUTH"
--
-- It only reads, in one snapshot. What comes out is bare rows: no keys, no defaults, no lengths, and text
-- where a type belongs to the old database alone (enums, extensions). alembic_version is left out.
--
--     -v only='users|teams'       reads these tables alone (a regular expression over whole names)
--     -v without='users|teams'    reads all others

\set ON_ERROR_STOP on
\encoding UTF8

\if :{?only}
\else
\set only .*
\endif
\if :{?without}
\else
\set without ''
\endif

begin isolation level repeatable read read only;
set local search_path = pg_catalog;
set local datestyle = 'ISO, YMD';
set local row_security = off;  -- a row policy shall be an error, not a missing row

\qecho '\\set ON_ERROR_STOP on'
\qecho 'begin;'
\qecho 'set local client_encoding = ''UTF8'';'
\qecho 'set local client_min_messages = warning;'
\qecho 'create schema if not exists old;'

with flat as (
    select c.oid, c.oid::regclass as table_name, c.relname, a.attnum, quote_ident(a.attname) as column_name,
        case
            when t.typnamespace = 'pg_catalog'::regnamespace then format_type(a.atttypid, -1)
            when t.typcategory = 'A' then 'text[]'
            else 'text'
        end as kind
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type as t on t.oid = a.atttypid
    where c.relkind in ('r', 'p')
        and not c.relispartition
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and c.relname <> 'alembic_version'
        and c.relname ~ ('^(' || :'only' || ')$')
        and c.relname !~ ('^(' || :'without' || ')$')
        and not exists (
            select from pg_depend as d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
)
select
    format(
        'select %L',
        format('create table old.%I (%s);', relname, string_agg(column_name || ' ' || kind, ', ' order by attnum))
            || format(E'\ncopy old.%I from stdin;', relname)
    ),
    format(
        'copy (select %s from %s) to stdout',
        string_agg(column_name || '::' || kind, ', ' order by attnum), table_name
    ),
    'select ''\.'''
from flat
group by oid, table_name, relname
order by relname
\gexec

-- A file that was cut off has no end, so psql rolls back what it has loaded of it.
\qecho 'commit;'
rollback;
