-- Functions, types and sequences that are not part of an extension: oid, name, comment, kind, what it is.
--
-- %(schemas)s are the schemas that count, null for all.

with own_schemas as (
    select n.oid
    from pg_catalog.pg_namespace as n
    where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        and (%(schemas)s::text[] is null or n.nspname = any (%(schemas)s::text[]))
)
select o.oid::bigint, o.name, o.comment, o.kind, o.definition
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
        case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range' else 'composite type' end,
        t.oid::pg_catalog.regtype::text,
        case t.typtype
            when 'e' then (
                select pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                from pg_catalog.pg_enum as e where e.enumtypid = t.oid
            )
            when 'r' then (
                select pg_catalog.concat('of ', pg_catalog.format_type(g.rngsubtype, null), (
                    select ' collate ' || g.rngcollation::pg_catalog.regcollation from pg_catalog.pg_type as b
                    where b.oid = g.rngsubtype and b.typcollation <> g.rngcollation
                ))
                from pg_catalog.pg_range as g where g.rngtypid = t.oid
            )
            when 'c' then (
                select '(' || pg_catalog.string_agg(
                    pg_catalog.concat(a.attname, ' ', pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum) || ')'
                from pg_catalog.pg_attribute as a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
            )
            else pg_catalog.concat_ws(' ', pg_catalog.format_type(t.typbasetype, t.typtypmod),
                'collate ' || (
                    select t.typcollation::pg_catalog.regcollation::text from pg_catalog.pg_type as b
                    where b.oid = t.typbasetype and b.typcollation <> t.typcollation
                ),
                case when t.typnotnull then 'not null' end,
                'default ' || pg_catalog.pg_get_expr(t.typdefaultbin, 0, true), (
                select pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(c.oid, true), ' ' order by c.conname)
                from pg_catalog.pg_constraint as c where c.contypid = t.oid and c.contype = 'c'
            ))
        end,
        pg_catalog.obj_description(t.oid, 'pg_type')
    from pg_catalog.pg_type as t
    join own_schemas as n on n.oid = t.typnamespace
    left join pg_catalog.pg_class as r on r.oid = t.typrelid
    where t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and r.relkind = 'c'

    union all
    -- That of an identity column belongs to the column.
    select c.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, 'sequence', c.oid::pg_catalog.regclass::text,
        pg_catalog.format('of %%s from %%s to %%s, step %%s%%s%%s', s.seqtypid::pg_catalog.regtype, s.seqstart,
            case when s.seqincrement > 0 then s.seqmax else s.seqmin end, s.seqincrement,
            case when s.seqcycle then ', cycle' end, ', owned by ' || (
                select pg_catalog.concat(d.refobjid::pg_catalog.regclass, '.', a.attname)
                from pg_catalog.pg_depend as d
                join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'a'
            )),
        pg_catalog.obj_description(c.oid, 'pg_class')
    from pg_catalog.pg_class as c
    join own_schemas as n on n.oid = c.relnamespace
    join pg_catalog.pg_sequence as s on s.seqrelid = c.oid
    where not exists (
        select from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'i'
    )
) as o
where not exists (
    select from pg_catalog.pg_depend as d
    where d.classid = o.classid and d.objid = o.oid
        and (d.deptype = 'e' or d.deptype = 'i' and o.kind = 'function')  -- that of a range type
)
order by o.kind collate "C" desc, o.name collate "C"
