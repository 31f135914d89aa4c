-- Functions and types that are not part of an extension: oid, kind, name, what it is, comment.
--
-- %(schemas)s are the schemas that count, null for all.

with own_schemas as (
    select n.oid
    from pg_catalog.pg_namespace as n
    where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        and (%(schemas)s::text[] is null or n.nspname = any (%(schemas)s::text[]))
)
select o.oid::bigint, o.kind, o.name, o.definition, o.comment
from (
    select p.oid, 'pg_catalog.pg_proc'::pg_catalog.regclass as classid,
        case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' when 'w' then 'window function'
            else 'function' end as kind,
        p.oid::pg_catalog.regprocedure::text as name,
        'returns ' || pg_catalog.pg_get_function_result(p.oid) as definition,
        pg_catalog.obj_description(p.oid, 'pg_proc') as comment
    from pg_catalog.pg_proc as p
    join own_schemas as n on n.oid = p.pronamespace

    union all
    select t.oid, 'pg_catalog.pg_type'::pg_catalog.regclass,
        case t.typtype when 'e' then 'enum' else 'domain' end,
        t.oid::pg_catalog.regtype::text,
        case t.typtype
            when 'e' then (
                select pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                from pg_catalog.pg_enum as e where e.enumtypid = t.oid
            )
            else pg_catalog.concat_ws(' ', pg_catalog.format_type(t.typbasetype, t.typtypmod), (
                select pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(c.oid, true), ' ' order by c.conname)
                from pg_catalog.pg_constraint as c where c.contypid = t.oid and c.contype = 'c'
            ))
        end,
        pg_catalog.obj_description(t.oid, 'pg_type')
    from pg_catalog.pg_type as t
    join own_schemas as n on n.oid = t.typnamespace
    where t.typtype in ('e', 'd')
) as o
where not exists (
    select from pg_catalog.pg_depend as d
    where d.classid = o.classid and d.objid = o.oid and d.deptype = 'e'
)
order by o.kind desc, o.name
