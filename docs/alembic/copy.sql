-- Copies the rows of the schema "old" (made by read.sql) into the tables of the schema "public".
--
--     psql -X -q -v zone=UTC -f docs/alembic/copy.sql "$DATABASE_URL_AUTH"
--
-- zone is the one in which times without a zone are meant. Tables and columns are matched by name, parents
-- first. What does not fit is listed, and nothing is copied until it is decided, in the schema "old".
-- All or nothing, in one transaction; a second run finds every row there and changes nothing.

\set ON_ERROR_STOP on
\set SHOW_CONTEXT never
\pset null ''

\if :{?zone}
\else
do $body$ begin raise exception 'say in which zone times without a zone are meant: -v zone=UTC'; end $body$;
\endif

begin;
set local client_min_messages = warning;
set local search_path = pg_catalog;
set local datestyle = 'ISO, YMD';

-- PostgreSQL takes "UTC+2" as well, and means two hours west of Greenwich.
select not exists (select from pg_timezone_names where name = :'zone') as unknown \gset
\if :unknown
do $body$ begin raise exception 'the zone is in no row of pg_timezone_names'; end $body$;
\endif
set local timezone = :'zone';

create schema copying;  -- for the length of this transaction

create function copying.number(query text) returns bigint language plpgsql as $body$
declare
    answer bigint;
begin
    execute query into answer;
    return answer;
end;
$body$;

create function copying.fault(query text) returns text language plpgsql as $body$
begin
    execute query;
    return null;
exception
    when others then return sqlerrm;
end;
$body$;

-- Every column of the new tables, with the old one of that name and how its value is made from a row "o".
-- The way through text keeps every digit and cuts nothing but the hour from a date, which is listed below; a time
-- without zone is read in the zone set above.
create table copying.columns as
select n.oid as new_table, n.relname as table_name, o.oid as old_table, a.attnum, a.attname as column_name,
    a.attnotnull as required, a.atthasdef as has_default, p.old_type, p.new_type,
    format_type(a.atttypid, a.atttypmod) as stored_type,
    case
        when p.old_type = p.new_type then format('o.%I', a.attname)
        when p.old_type like '%[]' and p.new_type = 'jsonb' then format('to_jsonb(o.%I)', a.attname)
        else format('o.%I::text::%s', a.attname, p.new_type)
    end as value
from pg_class as n
join pg_attribute as a on a.attrelid = n.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
left join pg_class as o on o.relname = n.relname and o.relnamespace = 'old'::regnamespace
left join pg_attribute as b on b.attrelid = o.oid and b.attname = a.attname and not b.attisdropped
cross join lateral (
    select format_type(a.atttypid, -1) as new_type, format_type(b.atttypid, -1) as old_type
) as p
where n.relnamespace = 'public'::regnamespace
    and n.relkind in ('r', 'p')
    and n.relname <> 'schema_migrations';

-- Every old table that has a new one; depth is the longest way along foreign keys to a table without.
create table copying.tables as
with recursive reached (new_table, depth) as (
    select new_table, 0 from copying.columns
    union
    select f.conrelid, r.depth + 1
    from reached as r
    join pg_constraint as f on f.confrelid = r.new_table and f.contype = 'f' and f.conrelid <> f.confrelid
    where r.depth < 100
)
select c.new_table, c.table_name, c.old_table,
    (select max(r.depth) from reached as r where r.new_table = c.new_table) as depth,
    copying.number(format('select count(*) from old.%I', c.table_name)) as old_rows,
    coalesce(max(c.value) filter (where c.column_name = 'id' and c.old_type is not null), 'null::uuid') as id,
    string_agg(quote_ident(c.column_name), ', ' order by c.attnum) filter (where c.old_type is not null) as names,
    string_agg(c.value, ', ' order by c.attnum) filter (where c.old_type is not null) as row_values,
    -- The row as it would be stored, for checks; what the old table does not have is null.
    string_agg(
        format(case when c.old_type is null then 'null::%3$s as %1$I' else '%2$s as %1$I' end,
            c.column_name, c.value, c.new_type),
        ', ' order by c.attnum
    ) as new_row,
    string_agg(
        format('%1$s is not null and %1$s is distinct from n.%2$I', c.value, c.column_name), ' or ' order by c.attnum
    ) filter (where c.old_type is not null) as differs
from copying.columns as c
where c.old_table is not null
group by c.new_table, c.table_name, c.old_table;

\echo 'Columns that the old tables do not have (they take the default of the new one, or stay empty):'
select t.table_name as "table", string_agg(c.column_name, ', ' order by c.attnum) as columns
from copying.tables as t
join copying.columns as c using (new_table)
where t.old_rows > 0 and c.old_type is null
group by t.table_name
order by 1;

\echo 'Types that change:'
select old_type as "from", new_type as "to", count(*) as columns
from copying.columns
where old_type <> new_type
group by 1, 2
order by 1, 2;

create table copying.decide ("old" text, "rows" bigint, "what does not fit" text);

insert into copying.decide
select o.relname, copying.number(format('select count(*) from old.%I', o.relname)), 'no new table has this name'
from pg_class as o
where o.relnamespace = 'old'::regnamespace
    and o.relkind = 'r'
    and not exists (select from copying.columns as c where c.old_table = o.oid)
union all
select t.table_name || '.' || b.attname,
    copying.number(format('select count(%I) from old.%I', b.attname, t.table_name)),
    'no column of the new table has this name'
from copying.tables as t
join pg_attribute as b on b.attrelid = t.old_table and b.attnum > 0 and not b.attisdropped
where not exists (
    select from copying.columns as c where c.new_table = t.new_table and c.column_name = b.attname
)
union all
select t.table_name || '.' || c.column_name, t.old_rows, 'missing, and a new row needs it'
from copying.tables as t
join copying.columns as c using (new_table)
where c.old_type is null and (c.required and not c.has_default or c.column_name = 'id')
union all
select table_name || '.' || column_name,
    -- What JSON calls null is a value that the new column would take for the object that it is to hold.
    copying.number(
        format(case new_type when 'jsonb' then 'select count(*) from old.%I where nullif(%I::text, ''null'') is null'
            else 'select count(*) from old.%I where %I is null' end, table_name, column_name)
    ),
    'empty, and a new row needs it'
from copying.columns
where old_type is not null and required
union all
select c.table_name || '.' || c.column_name, t.old_rows, f.fault
from copying.tables as t
join copying.columns as c using (new_table)
cross join lateral (
    select copying.fault(
        format('select count((%s)::%s) from old.%I as o', c.value, c.stored_type, c.table_name)
    ) as fault
) as f
where c.old_type <> c.stored_type and f.fault is not null;

delete from copying.decide where "rows" = 0;

-- Values can be held against rules only when every one of them can have its new type.
insert into copying.decide
select table_name || '.' || column_name,
    copying.number(
        format('select count(*) from old.%I as o where (%s)::%s is distinct from %2$s',
            table_name, value, stored_type)
    ),
    'would be cut or rounded to ' || stored_type
from copying.columns
where old_type is not null and stored_type <> new_type and not exists (select from copying.decide)
union all
select table_name || '.' || column_name,
    copying.number(
        format('select count(*) from old.%I as o where o.%I::text::timestamp <> %s', table_name, column_name, value)
    ),
    'has an hour, which would be cut off to ' || stored_type
from copying.columns
where new_type = 'date' and old_type <> 'date' and not exists (select from copying.decide)
union all
select t.table_name,
    copying.number(
        format('select count(*) from (select %s from old.%I as o) as %2$I where not (%s)',
            t.new_row, t.table_name, pg_get_expr(k.conbin, k.conrelid))
    ),
    'breaks ' || k.conname || ': ' || pg_get_expr(k.conbin, k.conrelid)
from copying.tables as t
join pg_constraint as k on k.conrelid = t.new_table and k.contype = 'c'
where not exists (select from copying.decide)
union all
select t.table_name || '.' || c.column_name,
    copying.number(
        format('select count(*) from (select %s as it from old.%I as o) as child where it is not null'
                ' and not exists (select from (select %s as id from old.%I as o) as parent where id = it)',
            c.value, t.table_name, parent.id, parent.table_name)
    ),
    'points at no row of ' || parent.table_name
from copying.tables as t
join pg_constraint as f on f.conrelid = t.new_table and f.contype = 'f'
join copying.columns as c on c.new_table = t.new_table and c.attnum = f.conkey[1] and c.old_type is not null
join copying.tables as parent on parent.new_table = f.confrelid
where not exists (select from copying.decide);

delete from copying.decide where "rows" = 0;

select exists (select from copying.decide) as undecided \gset
\if :undecided
\echo 'To decide, by statements on the schema old:'
select * from copying.decide order by 1, 3;
do $body$ begin raise exception 'nothing is copied: see what does not fit'; end $body$;
\endif

select format('insert into public.%I (%s) select %s from old.%1$I as o on conflict (id) do nothing',
    table_name, names, row_values)
from copying.tables
where old_rows > 0
order by depth, table_name
\gexec

create table copying.result as
select depth, table_name as "table", old_rows as "old",
    copying.number(format('select count(distinct n.id) from old.%I as o join public.%1$I as n on n.id = %s',
        table_name, id)) as "arrived",
    copying.number(format('select count(*) from old.%I as o join public.%1$I as n on n.id = %s where %s',
        table_name, id, differs)) as "different",
    copying.number(format('select count(*) from public.%I', table_name)) as "new"
from copying.tables
where old_rows > 0;

\echo 'Rows:'
select "table", "old", "arrived", "different", "new" from copying.result order by depth, "table";

\echo 'Tables with nothing to copy:'
select distinct c.table_name as "table", case when c.old_table is null then 'missing' else 'empty' end as "old"
from copying.columns as c
left join copying.tables as t using (new_table)
where t.old_rows is null or t.old_rows = 0
order by 1;

select exists (select from copying.result where "old" <> "arrived" or "different" > 0) as unequal \gset
\if :unequal
do $body$ begin raise exception 'nothing is copied: rows are missing or came out different'; end $body$;
\endif

drop schema copying cascade;
commit;
