-- What the questions about a schema share. catalog.py puts one theme between this and tail.sql.
--
-- "besides" names a table that is left out with all that belongs to it; "schemas" are the schemas that count,
-- null for all, and the server's own always do; "only" are the relations and functions to read, and where all
-- are read, the lines that name them are left out.
-- The session's search_path must be empty, so that the server prints every name in full. What an extension
-- owns is left out: its version says what it is. Of the server's own schemas only what somebody put there counts: it has a normal oid.

with
roles (oid, name) as (
    select r.oid, pg_catalog.quote_ident(r.rolname) from pg_catalog.pg_roles as r
    union all
    select 0, 'public'
),
members as materialized (
    select d.classid, d.objid from pg_catalog.pg_depend as d
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
),
followers as (
    select d.classid, d.objid, pg_catalog.string_agg(e.extname::text, ', ' order by e.extname) as extensions
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_extension as e on e.oid = d.refobjid
    where d.deptype = 'x' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    group by d.classid, d.objid
),
schemas as (
    select n.oid, n.nspname, pg_catalog.quote_ident(n.nspname) as name, n.nspowner, n.nspacl,
        case when n.nspname in ('pg_catalog', 'information_schema') then 16384 else 0 end as since
    from pg_catalog.pg_namespace as n
    where n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
        and (
            {schemas}::text[] is null
            or n.nspname = any ({schemas}::text[])
            or n.nspname in ('pg_catalog', 'information_schema')
        )
        and not exists (
            select from members as d
            where d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.objid = n.oid
        )
),
relations as (
    select c.*, c.oid::pg_catalog.regclass::text as name
    from pg_catalog.pg_class as c
    join schemas as n on n.oid = c.relnamespace and c.oid >= n.since
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c')
        and c.oid is distinct from (select pg_catalog.to_regclass({besides}))
        and c.oid = any ({only}::pg_catalog.oid[])
        and not exists (
            select from members as d
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
        )
        and not exists (
            select from members as d
            where c.relkind = 'c' and d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = c.reltype
        )
),
objects (kind, name, parent, classid, objid, objsubid, owner, acltype, acl, facts) as (
