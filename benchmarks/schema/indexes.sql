-- Every index of the schema, with what it is there for besides queries.
select
    i.relname as name,
    t.relname as table,
    pg_relation_size(i.oid) as bytes,
    coalesce(obj_description(i.oid, 'pg_class'), '') as comment,
    exists (select from pg_constraint as c where c.conindid = i.oid and c.contype in ('p', 'u')) as constrains,
    x.indisunique as "unique",
    exists (
        select from pg_constraint as c
        where coalesce(
                pg_get_expr(x.indpred, x.indrelid) = format('(%s IS NOT NULL)', pg_get_indexdef(i.oid, 1, true)),
                true
            )
            and c.contype = 'f' and c.conrelid = x.indrelid
            and c.conkey = (x.indkey::int2[])[0:cardinality(c.conkey) - 1]
    ) as foreign_key,
    x.indpred is null and exists (
        select from pg_attribute as a
        where a.attrelid = x.indrelid and a.attnum = x.indkey[0]
            and col_description(a.attrelid, a.attnum) like '%(cross-database, no foreign key).'
    ) as cross_database
from pg_index as x
join pg_class as i on i.oid = x.indexrelid
join pg_class as t on t.oid = x.indrelid
where t.relnamespace = 'public'::regnamespace and t.relname <> 'schema_migrations'
order by t.relname, i.relname
