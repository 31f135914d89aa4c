    -- Tables, views, sequences and their columns, those of composite types too.

    select
        case r.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
            else 'table' end,
        r.name, null::text, 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, 0, r.relowner, 'r'::"char", r.relacl,
        array[
            ['exists', 'yes'],
            ['persistence', case r.relpersistence when 'p' then 'logged' when 'u' then 'unlogged' else 'temporary' end],
            ['partitioning', case when r.relkind = 'p' then pg_catalog.pg_get_partkeydef(r.oid) end],
            ['partition bound', pg_catalog.pg_get_expr(r.relpartbound, r.oid)],
            ['parents', (
                select pg_catalog.string_agg(pg_catalog.concat(
                    i.inhparent::pg_catalog.regclass, case when i.inhdetachpending then ' (detach pending)' end
                ), ', ' order by i.inhseqno)
                from pg_catalog.pg_inherits as i where i.inhrelid = r.oid
            )],
            ['row type', case when r.reloftype <> 0 then r.reloftype::pg_catalog.regtype::text end],
            ['column order', case when r.relkind <> 'v' then (
                select pg_catalog.json_agg(a.attname order by a.attnum)::text
                from pg_catalog.pg_attribute as a
                where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
            ) end],
            ['options', (
                select pg_catalog.string_agg(x.one, ', ' order by x.one)
                from (
                    select unnest(r.reloptions) as one
                    union all
                    select 'toast.' || unnest(t.reloptions) from pg_catalog.pg_class as t where t.oid = r.reltoastrelid
                ) as x
            )],
            ['access method', case when r.relkind in ('r', 'm', 'p') then (
                select m.amname::text from pg_catalog.pg_am as m where m.oid = r.relam
            ) end],
            ['tablespace', (
                select s.spcname::text from pg_catalog.pg_tablespace as s where s.oid = r.reltablespace
            )],
            ['row security', case when r.relrowsecurity then 'on' end],
            ['row security for the owner', case when r.relforcerowsecurity then 'on' end],
            ['replica identity', case r.relreplident when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'an index' end],
            ['data', case when r.relkind = 'm' then case when r.relispopulated then 'there' else 'missing' end end],
            ['server', (
                select s.srvname || coalesce(' ' || x.options, '')
                from pg_catalog.pg_foreign_table as t
                join pg_catalog.pg_foreign_server as s on s.oid = t.ftserver
                cross join lateral (
                    select pg_catalog.string_agg(o, ', ' order by o) as options from unnest(t.ftoptions) as o
                    where o !~* {secret}::text
                ) as x
                where t.ftrelid = r.oid
            )],
            ['hidden options', (
                select pg_catalog.string_agg(o, ', ' order by o)
                from pg_catalog.pg_foreign_table as t, unnest(t.ftoptions) as o
                where t.ftrelid = r.oid and o ~* {secret}::text
            )],
            ['definition', case when r.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(r.oid) end]
        ]
    from relations as r
    where r.relkind not in ('S', 'c')

    union all
    select 'sequence', r.name, o.refobjid::pg_catalog.regclass::text,
        'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, 0, r.relowner, 's', r.relacl,
        array[
            ['definition', pg_catalog.format(
                '%s from %s to %s, start %s, step %s, cache %s, %s', s.seqtypid::pg_catalog.regtype,
                s.seqmin, s.seqmax, s.seqstart, s.seqincrement, s.seqcache,
                case when s.seqcycle then 'cycle' else 'no cycle' end
            )],
            ['persistence', case when r.relpersistence = 'u' then 'unlogged' end],
            ['owning column', o.refobjid::pg_catalog.regclass::text || '.' || pg_catalog.quote_ident(a.attname)]
        ]
    from relations as r
    join pg_catalog.pg_sequence as s on s.seqrelid = r.oid
    left join pg_catalog.pg_depend as o
        on o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.objid = r.oid
        and o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.deptype in ('a', 'i')
    left join pg_catalog.pg_attribute as a on a.attrelid = o.refobjid and a.attnum = o.refobjsubid

    union all
    select 'column', r.name || '.' || pg_catalog.quote_ident(a.attname), r.name,
        'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, a.attnum, r.relowner, 'c', a.attacl,
        array[
            ['type', replace(replace(
                pg_catalog.format_type(a.atttypid, a.atttypmod), 'character varying', 'varchar'),
                'timestamp with time zone', 'timestamptz')],
            ['nullability', case when r.relkind = 'c' then null when a.attnotnull then 'not null' else 'null' end],
            ['default', case when a.attgenerated = '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end],
            ['generation expression', case when a.attgenerated <> '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end],
            ['generation', case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end],
            ['identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end],
            ['collation', case when a.attcollation <> t.typcollation
                then a.attcollation::pg_catalog.regcollation::text end],
            ['storage', case when a.attstorage <> t.typstorage and r.relkind not in ('v', 'c') then
                case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end
            end],
            ['compression', case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end],
            ['statistics target', nullif(coalesce(a.attstattarget, -1), -1)::text],
            ['options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(a.attoptions) as o)],
            ['foreign options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(a.attfdwoptions) as o where o !~* {secret}::text)],
            ['hidden options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(a.attfdwoptions) as o where o ~* {secret}::text)]
        ]
    from relations as r
    join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
    where r.relkind <> 'S'
