-- What the rows of tables are read by: one row per column; a table without columns has one of nulls.
--
-- Text that means the same is made the same: json's spaces, the zeros behind a number. An attribute of a composite type
-- that is dropped takes its values along, in whatever holds the type; made anew it has another number.

select c.oid, pg_catalog.format('%%I.%%I', n.nspname, c.relname), c.relkind::text, a.attnum,
    a.attname::text,
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    case when a.attname is not null then pg_catalog.format(
        case t.typname when 'json' then '%%I::pg_catalog.jsonb::text'
            when 'numeric' then 'pg_catalog.trim_scale(%%I)::text' else '%%I::text' end, a.attname
    ) end,
    exists (
        select from pg_catalog.pg_index as i
        where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)
    ),
    case when t.oid >= 16384 then array(
        with recursive held as (
            select t.oid
            union
            select p.part from held as h
            join pg_catalog.pg_type as k on k.oid = h.oid
            left join pg_catalog.pg_attribute as s on s.attrelid = k.typrelid and not s.attisdropped
            cross join unnest(array[k.typbasetype, k.typelem, s.atttypid]) as p (part)
            where p.part >= 16384
        )
        select s.attnum::integer from held as h
        join pg_catalog.pg_type as k on k.oid = h.oid
        join pg_catalog.pg_attribute as s on s.attrelid = k.typrelid
        where s.attnum > 0 and not s.attisdropped order by k.typname, s.attnum
    ) end,
    a.attgenerated <> '',
    array(select p.relid::pg_catalog.oid::bigint from pg_catalog.pg_partition_tree(c.oid) as p)
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_type as t on t.oid = a.atttypid
where c.oid = any (%s)
order by c.oid, a.attname
