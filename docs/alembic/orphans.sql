-- Counts the rows whose reference into the accounts database points at no account. Writes nothing.
--
--     psql -X -qc 'copy (select id from public.users) to stdout' "$DATABASE_URL_AUTH" |
--         psql -X -q -f docs/alembic/orphans.sql "$DATABASE_URL_SPECS"
--
-- Which columns these are is read from their comments. Ends with exit code 3 when there is an orphan.

\set ON_ERROR_STOP on
\set SHOW_CONTEXT never

begin;
set local client_min_messages = warning;
set local search_path = pg_catalog;

create schema copying;
create table copying.accounts (id uuid primary key);
\copy copying.accounts from pstdin

create table copying.orphans (account uuid, in_column text);

select format(
    'insert into copying.orphans select %2$I, %3$L from public.%1$I where %2$I is not null'
        ' and not exists (select from copying.accounts as a where a.id = %2$I)',
    c.relname, a.attname, c.relname || '.' || a.attname
)
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace
    and col_description(c.oid, a.attnum) like '%References auth.users.id (cross-database, no foreign key).'
order by c.relname, a.attnum
\gexec

select in_column as "column", count(*) as "rows", count(distinct account) as accounts, min(account::text) as example
from copying.orphans
group by 1
order by 1;

select exists (select from copying.orphans) as found \gset
\if :found
do $body$ begin raise exception 'references point at accounts that do not exist'; end $body$;
\endif

\echo 'every reference points at an account'
rollback;
