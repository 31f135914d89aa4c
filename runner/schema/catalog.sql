-- Every fact of a schema, one per row: kind, name, parent (the table it belongs to), attribute, value.
--
-- %(besides)s names a table that is left out with all that belongs to it; %(schemas)s are the schemas that
-- count, null for all. The session's search_path must be empty, so that the server prints every name in full.
-- What an extension owns is left out.

with
own_schemas as (
    select n.oid, n.nspname, n.nspowner, n.nspacl
    from pg_catalog.pg_namespace as n
    where n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and (%(schemas)s::text[] is null or n.nspname = any (%(schemas)s::text[]))
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                and d.objid = n.oid and d.deptype = 'e'
        )
),
relations as (
    select c.*, c.oid::pg_catalog.regclass::text as name
    from pg_catalog.pg_class as c
    join own_schemas as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
        and c.oid is distinct from pg_catalog.to_regclass(%(besides)s)
        and (%(only)s::pg_catalog.oid[] is null or c.oid = any (%(only)s::pg_catalog.oid[]))
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and d.objid = c.oid and d.deptype = 'e'
        )
),
-- What others may do: the owner's own rights say nothing, and maintain exists since PostgreSQL 17 only.
grants (classid, objid, objsubid, value) as (
    select a.classid, a.objid, a.objsubid,
        pg_catalog.string_agg(
            pg_catalog.concat(
                case a.grantee when 0 then 'public' else a.grantee::pg_catalog.regrole::text end,
                '=', lower(a.privilege_type), case when a.is_grantable then '*' end
            ),
            ', ' order by case a.grantee when 0 then 'public' else a.grantee::pg_catalog.regrole::text end,
            a.privilege_type
        )
    from (
        select 'pg_catalog.pg_class'::pg_catalog.regclass as classid, r.oid as objid, 0 as objsubid,
            r.relowner as owner, x.*
        from relations as r, pg_catalog.aclexplode(r.relacl) as x
        union all
        select 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, t.attnum, r.relowner, x.*
        from relations as r
        join pg_catalog.pg_attribute as t on t.attrelid = r.oid and t.attacl is not null,
            pg_catalog.aclexplode(t.attacl) as x
        union all
        select 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, 0, n.nspowner, x.*
        from own_schemas as n, pg_catalog.aclexplode(n.nspacl) as x
        union all
        select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0, p.proowner, x.*
        from pg_catalog.pg_proc as p
        join own_schemas as n on n.oid = p.pronamespace,
            pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as x
        union all
        select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 0, t.typowner, x.*
        from pg_catalog.pg_type as t
        join own_schemas as n on n.oid = t.typnamespace,
            pg_catalog.aclexplode(coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))) as x
    ) as a
    where a.grantee <> a.owner and a.privilege_type <> 'MAINTAIN'
    group by a.classid, a.objid, a.objsubid
),
comments as (
    select classoid as classid, objoid as objid, objsubid, description as value from pg_catalog.pg_description
),
objects (kind, name, parent, classid, objid, objsubid, facts) as (
    select 'schema', n.nspname::text, null::text, 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, 0,
        array[['exists', 'yes']]
    from own_schemas as n

    union all
    select
        case r.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
            else 'table' end,
        r.name, null, 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, 0,
        array[
            ['exists', 'yes'],
            ['persistence', case r.relpersistence when 'p' then 'logged' when 'u' then 'unlogged' else 'temporary' end],
            ['partitioning', case when r.relkind = 'p' then pg_catalog.pg_get_partkeydef(r.oid) end],
            ['partition bound', pg_catalog.pg_get_expr(r.relpartbound, r.oid)],
            ['parents', (
                select pg_catalog.string_agg(i.inhparent::pg_catalog.regclass::text, ', ' order by i.inhseqno)
                from pg_catalog.pg_inherits as i where i.inhrelid = r.oid
            )],
            ['options', (select pg_catalog.string_agg(x, ', ' order by x) from unnest(r.reloptions) as x)],
            ['row security', case when r.relrowsecurity then 'on' end],
            ['row security for the owner', case when r.relforcerowsecurity then 'on' end],
            ['definition', case when r.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(r.oid) end]
        ]
    from relations as r
    where r.relkind <> 'S'

    union all
    select 'sequence', r.name, o.refobjid::pg_catalog.regclass::text,
        'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, 0,
        array[
            ['definition', pg_catalog.format(
                '%%s from %%s to %%s, start %%s, step %%s, cache %%s, %%s', s.seqtypid::pg_catalog.regtype,
                s.seqmin, s.seqmax, s.seqstart, s.seqincrement, s.seqcache,
                case when s.seqcycle then 'cycle' else 'no cycle' end
            )]
        ]
    from relations as r
    join pg_catalog.pg_sequence as s on s.seqrelid = r.oid
    left join pg_catalog.pg_depend as o
        on o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.objid = r.oid
        and o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.deptype in ('a', 'i')

    union all
    select 'column', r.name || '.' || a.attname, r.name, 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, a.attnum,
        array[
            ['type', replace(replace(
                pg_catalog.format_type(a.atttypid, a.atttypmod), 'character varying', 'varchar'),
                'timestamp with time zone', 'timestamptz')],
            ['nullability', case when a.attnotnull then 'not null' else 'null' end],
            ['default', case when a.attgenerated = '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end],
            ['generation', case when a.attgenerated <> '' then pg_catalog.format(
                '%%s (%%s)', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
                case a.attgenerated when 's' then 'stored' else 'virtual' end) end],
            ['identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end],
            ['collation', case when a.attcollation <> t.typcollation
                then a.attcollation::pg_catalog.regcollation::text end]
        ]
    from relations as r
    join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
    where r.relkind <> 'S'

    union all
    -- PostgreSQL 18 lists not null here as well (n), which the columns say, but for one that is not validated;
    -- constraint triggers (t) are triggers.
    select 'constraint', r.name || '.' || c.conname, r.name,
        'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid, 0,
        array[
            ['definition', replace(pg_catalog.pg_get_constraintdef(c.oid), ' NOT VALID', '')],
            ['validation', case when not c.convalidated then 'not done' end]
        ]
    from relations as r
    join pg_catalog.pg_constraint as c
        on c.conrelid = r.oid and c.contype <> 't' and (c.contype <> 'n' or not c.convalidated)

    union all
    select 'index', i.indexrelid::pg_catalog.regclass::text, r.name,
        'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, 0,
        array[
            ['definition', pg_catalog.pg_get_indexdef(i.indexrelid)],
            ['validity', case when not (i.indisvalid and i.indisready) then 'invalid' end],
            ['clustering', case when i.indisclustered then 'on' end],
            ['replica identity', case when i.indisreplident then 'on' end]
        ]
    from relations as r
    join pg_catalog.pg_index as i on i.indrelid = r.oid

    union all
    select 'trigger', r.name || '.' || t.tgname, r.name, 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 0,
        array[
            ['definition', pg_catalog.pg_get_triggerdef(t.oid)],
            ['firing', case t.tgenabled when 'D' then 'disabled' when 'R' then 'on replicas' when 'A' then 'always' end]
        ]
    from relations as r
    join pg_catalog.pg_trigger as t on t.tgrelid = r.oid and not t.tgisinternal

    union all
    select 'rule', r.name || '.' || w.rulename, r.name, 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid, 0,
        array[
            ['definition', pg_catalog.pg_get_ruledef(w.oid)],
            ['firing', case w.ev_enabled when 'D' then 'disabled' when 'R' then 'on replicas' when 'A' then 'always' end]
        ]
    from relations as r
    join pg_catalog.pg_rewrite as w on w.ev_class = r.oid and w.rulename <> '_RETURN'

    union all
    select 'policy', r.name || '.' || p.polname, r.name, 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, 0,
        array[
            ['definition', pg_catalog.concat_ws(
                ' ', case when p.polpermissive then 'permissive' else 'restrictive' end, 'for',
                case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                    when 'd' then 'delete' else 'all' end,
                'to', (
                    select pg_catalog.string_agg(x, ', ' order by x)
                    from (
                        select case o when 0 then 'public' else o::pg_catalog.regrole::text end as x
                        from unnest(p.polroles) as o
                    ) as roles
                ),
                'using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
                'with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')'
            )]
        ]
    from relations as r
    join pg_catalog.pg_policy as p on p.polrelid = r.oid

    union all
    select 'statistics', n.nspname || '.' || s.stxname, r.name,
        'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid, 0,
        array[['definition', pg_catalog.pg_get_statisticsobjdef(s.oid)]]
    from relations as r
    join pg_catalog.pg_statistic_ext as s on s.stxrelid = r.oid
    join own_schemas as n on n.oid = s.stxnamespace

    union all
    select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
        p.oid::pg_catalog.regprocedure::text, null, 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0,
        array[
            ['exists', 'yes'],
            ['definition', case when p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid) end]
        ]
    from pg_catalog.pg_proc as p
    join own_schemas as n on n.oid = p.pronamespace
    where (%(only)s::pg_catalog.oid[] is null or p.oid = any (%(only)s::pg_catalog.oid[]))
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
        )

    union all
    select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range' else 'type' end,
        t.oid::pg_catalog.regtype::text, null, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 0,
        array[
            ['exists', 'yes'],
            ['labels', (
                select pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                from pg_catalog.pg_enum as e where e.enumtypid = t.oid
            )],
            ['type', case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) end],
            ['nullability', case when t.typtype = 'd' and t.typnotnull then 'not null' end],
            ['default', pg_catalog.pg_get_expr(t.typdefaultbin, 'pg_catalog.pg_type'::pg_catalog.regclass)],
            ['constraints', (
                select pg_catalog.string_agg(c.conname || ' ' || pg_catalog.pg_get_constraintdef(c.oid), ', ' order by c.conname)
                from pg_catalog.pg_constraint as c where c.contypid = t.oid and c.contype = 'c'
            )],
            ['columns', (
                select pg_catalog.string_agg(
                    a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
                from pg_catalog.pg_attribute as a
                where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
            )]
        ]
    from pg_catalog.pg_type as t
    join own_schemas as n on n.oid = t.typnamespace
    where (
            t.typtype in ('e', 'd', 'r')
            or t.typtype = 'c' and exists (
                select from pg_catalog.pg_class as c where c.oid = t.typrelid and c.relkind = 'c'
            )
        )
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e'
        )

    union all
    select 'extension', e.extname::text, null, 'pg_catalog.pg_class'::pg_catalog.regclass, 0, 0,
        array[['schema', n.nspname::text]]
    from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
    where %(schemas)s::text[] is null or n.nspname = 'pg_catalog' or n.nspname = any (%(schemas)s::text[])
)
select o.kind, o.name, o.parent, f.attribute, f.value
from objects as o
cross join lateral (
    select o.facts[i][1] as attribute, o.facts[i][2] as value
    from generate_subscripts(o.facts, 1) as i
    union all
    select 'grants', g.value from grants as g
    where g.classid = o.classid and g.objid = o.objid and g.objsubid = o.objsubid
    union all
    select 'comment', c.value from comments as c
    where c.classid = o.classid and c.objid = o.objid and c.objsubid = o.objsubid
) as f
where f.value is not null
order by 1, 2, 4
