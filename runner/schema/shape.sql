-- What rows of tables must look like: one row per column; a table without columns has one of nulls.
--
-- %(only)s names tables by their oids, null all of them; %(besides)s is left out. Names come back quoted. A key that is
-- numbered by a sequence comes with what draws the next number.

select c.oid, pg_catalog.format('%%I.%%I', n.nspname, c.relname), a.attname::text, pg_catalog.quote_ident(a.attname),
    a.atttypid, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
    coalesce(
        a.attidentity <> '' or pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~ '(nextval|uuid)\w*\(', false
    ),
    a.atthasdef,
    exists (
        select from pg_catalog.pg_index as i
        where i.indrelid = c.oid and (i.indisunique or i.indisexclusion)
            and (a.attnum = any (i.indkey) or 0 = any (i.indkey))
    ),
    exists (
        select from pg_catalog.pg_index as i
        where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)
    ),
    array(
        select pg_catalog.pg_get_expr(k.conbin, k.conrelid)
        from pg_catalog.pg_constraint as k
        where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
    ),
    array(
        select pg_catalog.pg_get_expr(k.conbin, k.conrelid)
        from pg_catalog.pg_constraint as k
        where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey)
            and pg_catalog.cardinality(k.conkey) > 1
        union all
        select pg_catalog.pg_get_expr(b.relpartbound, b.oid)
        from pg_catalog.pg_partition_tree(c.oid) as p
        join pg_catalog.pg_class as b on b.oid = p.relid and b.relispartition
        join pg_catalog.pg_partitioned_table as t on t.partrelid = p.parentrelid
        where c.relkind = 'p'
    ),
    (
        select array[
            k.confrelid::text, k.confrelid::pg_catalog.regclass::text, pg_catalog.quote_ident(f.attname),
            (
                select pg_catalog.string_agg(pg_catalog.quote_ident(o.attname), ', ' order by o.attnum)
                from pg_catalog.pg_attribute as o
                where o.attrelid = k.confrelid and o.attnum = any (k.confkey)
            )
        ]
        from pg_catalog.pg_constraint as k
        join pg_catalog.pg_attribute as f
            on f.attrelid = k.confrelid
            and f.attnum = k.confkey[pg_catalog.array_position(k.conkey, a.attnum)]
        where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any (k.conkey)
        order by pg_catalog.cardinality(k.conkey) desc, k.conname
        limit 1
    ),
    case when y.typcategory = 'N' then
        case when a.attidentity <> '' then pg_catalog.format(
            'pg_catalog.nextval(pg_catalog.pg_get_serial_sequence(%%L, %%L))',
            pg_catalog.format('%%I.%%I', n.nspname, c.relname), a.attname
        ) when pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~ 'nextval\(' then
            pg_catalog.pg_get_expr(d.adbin, d.adrelid)
        end
    end
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_attribute as a
    on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
left join pg_catalog.pg_type as y on y.oid = a.atttypid
left join pg_catalog.pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and c.oid is distinct from (select pg_catalog.to_regclass(%(besides)s))
    and (%(only)s::pg_catalog.oid[] is null or c.oid = any (%(only)s::pg_catalog.oid[]))
order by c.oid, a.attnum
