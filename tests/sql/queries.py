"""The queries behind ``catalog``: one per kind of thing, selecting the fields of its class."""

TABLES = """
    select c.relname as name, c.relkind::text as kind, c.relpersistence::text as persistence,
        c.relacl::text as privileges, obj_description(c.oid, 'pg_class') as comment
    from pg_class as c
    where c.relnamespace = %(schema)s::regnamespace and c.relkind not in ('i', 'I', 'S', 'c', 't')
        and c.relname <> 'schema_migrations'
    order by c.relname
"""
COLUMNS = """
    select c.relname || '.' || a.attname as name, c.relname as table, a.attname as column,
        format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
        pg_get_expr(d.adbin, d.adrelid) as default, a.attidentity::text || a.attgenerated::text as special,
        col_description(c.oid, a.attnum) as comment
    from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid
    left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = %(schema)s::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
        and not a.attisdropped and c.relname <> 'schema_migrations'
    order by c.relname, a.attnum
"""
# PostgreSQL 18 keeps "not null" here too (kind n); the columns tell that already.
CONSTRAINTS = """
    select n.conname as name, c.relname as table, n.contype::text as kind,
        array(
            select a.attname::text
            from unnest(n.conkey) with ordinality as k (attnum, place)
            join pg_attribute as a on a.attrelid = n.conrelid and a.attnum = k.attnum
            order by k.place
        ) as columns,
        t.relname as target,
        array(
            select a.attname::text
            from unnest(n.confkey) with ordinality as k (attnum, place)
            join pg_attribute as a on a.attrelid = n.confrelid and a.attnum = k.attnum
            order by k.place
        ) as target_columns,
        case n.confdeltype
            when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
            when 'n' then 'set null' when 'd' then 'set default' else ''
        end as on_delete,
        replace(pg_get_constraintdef(n.oid), %(schema)s || '.', '') as definition
    from pg_constraint as n
    join pg_class as c on c.oid = n.conrelid
    left join pg_class as t on t.oid = n.confrelid
    where c.relnamespace = %(schema)s::regnamespace and n.contype <> 'n'
        and c.relname <> 'schema_migrations'
    order by c.relname, n.conname
"""
INDEXES = """
    select i.relname as name, c.relname as table, m.amname as method, x.indisunique as unique,
        array(
            select trim('"' from pg_get_indexdef(x.indexrelid, k, true))
                || case when x.indoption[k - 1] & 1 = 1 then ' desc' else '' end
            from generate_series(1, x.indnkeyatts) as k
        ) as keys,
        pg_get_expr(x.indpred, x.indrelid) as predicate,
        exists (select from pg_constraint as n where n.conindid = i.oid and n.contype in ('p', 'u', 'x'))
            as of_constraint,
        x.indisvalid as valid,
        replace(pg_get_indexdef(i.oid), %(schema)s || '.', '') as definition,
        obj_description(i.oid, 'pg_class') as comment
    from pg_index as x
    join pg_class as i on i.oid = x.indexrelid
    join pg_class as c on c.oid = x.indrelid
    join pg_am as m on m.oid = i.relam
    where c.relnamespace = %(schema)s::regnamespace and c.relname <> 'schema_migrations'
    order by i.relname
"""
TRIGGERS = """
    select t.tgname as name, c.relname as table, p.proname as function, t.tgenabled::text as enabled,
        replace(pg_get_triggerdef(t.oid), %(schema)s || '.', '') as definition
    from pg_trigger as t
    join pg_class as c on c.oid = t.tgrelid
    join pg_proc as p on p.oid = t.tgfoid
    where c.relnamespace = %(schema)s::regnamespace and not t.tgisinternal
    order by t.tgname
"""
FUNCTIONS = """
    select p.proname as name, coalesce(p.proconfig, '{}') as settings,
        pg_get_functiondef(p.oid) as definition, obj_description(p.oid, 'pg_proc') as comment
    from pg_proc as p
    where p.pronamespace = %(schema)s::regnamespace and p.prokind in ('f', 'p')
        and not exists (
            select from pg_depend as d
            where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        )
    order by p.proname
"""
# Whatever a user made depends on something; numbers below 16384 are the server's own.
OBJECTS = """
    select i.type as kind, i.identity as name, obj_description(d.objid, d.classid::regclass::text) as comment
    from (select distinct classid, objid from pg_depend where objid >= 16384) as d
    cross join lateral pg_identify_object(d.classid, d.objid, 0) as i
    where i.schema is distinct from 'pg_toast' and not exists (
        select from pg_depend as o
        where o.classid = d.classid and o.objid = d.objid and o.deptype in ('e', 'i', 'P')
    )
    union all
    select 'schema', nspname, obj_description(oid, 'pg_namespace')
    from pg_namespace
    where oid >= 16384 and nspname !~ '^pg_'
    order by 1, 2
"""
