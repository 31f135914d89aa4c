-- What is in the way of a first run: up to four tables, views and routines that no extension owns. There are none
-- where the ledger is there although the database is not known to be adopted.
select f.name
from (
    select n.nspname || '.' || c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and n.nspname = any ({schemas}::text[])
        and (n.nspname, c.relname) <> ({schema}, {name})
        and not exists (
            select from pg_catalog.pg_depend as e
            where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and e.objid = c.oid and e.deptype = 'e'
        )
    union
    select n.nspname || '.' || p.proname || '()'
    from rows from (
        pg_catalog.unnest({places}::text[]), pg_catalog.unnest({routines}::text[]),
        pg_catalog.unnest({types}::text[])
    ) as r (place, name, type)
    join pg_catalog.pg_namespace as n on n.nspname = r.place and n.nspname = any ({schemas}::text[])
    join pg_catalog.pg_proc as p on p.pronamespace = n.oid and p.proname = r.name
    where p.prorettype = coalesce(pg_catalog.to_regtype(r.type), p.prorettype) and not exists (
        select from pg_catalog.pg_depend as e
        where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            and e.objid = p.oid and e.deptype = 'e'
    )
) as f (name)
where {adopted}
    or not exists (
        select from pg_catalog.pg_class as l
        join pg_catalog.pg_namespace as s on s.oid = l.relnamespace
        where s.nspname = {schema} and l.relname = {name}
    )
order by 1
limit 4;

