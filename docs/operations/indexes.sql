-- Indexes that nobody has used, that hold more air than entries, or that no query may use.
--
-- unused    no scan since the statistics began, on this server: ask every replica, too. "since" says when they
--           were reset last, or lost in a crash, or the server made; PostgreSQL does not tell when a database
--           that was restored, or an index, was made, and then they are younger: an index that is needed once
--           a quarter may be named while they are younger than that. None that keeps rows unique, and none that
--           leads with a reference, be it a foreign key, which deletes need, or into the other database. Drop one
--           with a file, or it is drift.
-- bloated   a btree of 10 MB and more (-v least='100 MB' for another limit) and over twice the size that its
--           rows need; an estimate from the statistics of analyze. Many equal entries take less room than
--           it thinks, so such an index is found late, never falsely; without statistics not at all; nor one of text
--           or of documents in a table that keeps a good deal outside its rows (toast).
--           Remedy: reindex index concurrently public.NAME; it lets readers and writers go on.
-- hidden    one of that size whose statistics this role may not see: ask as the owner of its table, who may.
-- invalid   left by a create or reindex concurrently that failed. Drop it and build it again. While a table has an
--           index built, none of its own is named: it may be that one.

\set ON_ERROR_STOP on
\if :{?least}
\else
    \set least '10 MB'
\endif

\set QUIET on
-- In one transaction, along the path of the catalog alone: somebody may have made operators in public.
begin read only;
set local search_path = pg_catalog;

with listed as (
    select
        i.oid, i.relname as index, t.relname as "table", x.indisvalid, x.indisunique, x.indkey, x.indrelid,
        pg_relation_size(i.oid) as bytes, m.amname,
        case when i.reltuples >= 0 then greatest(i.reltuples, pg_stat_get_live_tuples(t.oid)) end as entries,
        coalesce(s.idx_scan, 0) as scans,
        exists (
            select from pg_constraint as k
            where k.contype = 'f' and k.conrelid = x.indrelid and k.conkey[1] = x.indkey[0]
        ) or coalesce(col_description(t.oid, x.indkey[0]), '') like '%(cross-database, no foreign key).' as refers
    from pg_index as x
    join pg_class as i on i.oid = x.indexrelid
    join pg_class as t on t.oid = x.indrelid
    join pg_am as m on m.oid = i.relam
    left join pg_stat_user_indexes as s on s.indexrelid = i.oid
    where t.relnamespace = 'public'::regnamespace and i.relkind = 'i'
), needed as (
    -- An entry: 8 bytes of header and 4 of pointer, its values aligned to 8; pages are filled to nine tenths.
    select
        l.*,
        l.entries * (12 + 8 * ceil(w.width / 8.0)) / 0.9 as bytes_needed,
        w.is_hidden,
        -- The statistics of such a value are those of the pointer to it; the index has all of it, and so has toast.
        exists (
            select from pg_class as t
            join pg_class as o on o.oid = t.reltoastrelid and 4 * pg_relation_size(o.oid) > l.bytes
            join pg_attribute as a
                on a.attrelid = l.oid and a.attstorage in ('x', 'e') and a.atttypmod not between 0 and 512
            where t.oid = l.indrelid
        ) as may_be_outside
    from listed as l
    cross join lateral (
        select
            case when bool_and(p.avg_width is not null) then sum(p.avg_width) end as width,
            -- As pg_stats says it, which has none either of a table that was never analyzed.
            bool_or(
                not has_column_privilege(a.attrelid, a.attnum, 'select') or row_security_active(a.attrelid)
            ) as is_hidden
        -- Of an expression they stand under the name of the index.
        from unnest(l.indkey::int2[]) with ordinality as k (attnum, place)
        join pg_attribute as a
            on a.attrelid = case k.attnum when 0 then l.oid else l.indrelid end
            and a.attnum = case k.attnum when 0 then k.place else k.attnum end
        left join pg_stats as p
            on p.schemaname = 'public' and p.attname = a.attname
            and p.tablename = case k.attnum when 0 then l.index else l.table end
    ) as w
)
select
    f.finding, n.index, n.table, pg_size_pretty(n.bytes) as size, n.scans,
    -- A database has a date once somebody has reset it; the server has one from its beginning and after a crash.
    (
        select greatest(d.stats_reset, (select stats_reset from pg_stat_bgwriter))
        from pg_stat_database as d
        where d.datname = current_database()
    )::timestamptz(0) as since,
    case when f.finding = 'bloated' then round((n.bytes / greatest(n.bytes_needed, 1))::numeric, 1) end as times_as_large
from needed as n
cross join lateral (
    values
        ('invalid', not n.indisvalid and not exists (
            -- As `verify` does it: while a table has one built, or one that this role may not see, none is judged.
            select from pg_stat_progress_create_index as p
            where p.datname = current_database() and coalesce(
                p.relid = n.indrelid or p.command = 'REINDEX CONCURRENTLY' and n.index ~ '_cc(new|old)[0-9]*$', true
            )
        )),
        ('unused', n.indisvalid and n.scans = 0 and not n.indisunique and not n.refers),
        ('bloated', n.indisvalid and n.amname = 'btree' and n.bytes >= pg_size_bytes(:'least')
            and n.bytes > 2 * n.bytes_needed and not n.may_be_outside),
        ('hidden', n.indisvalid and n.amname = 'btree' and n.bytes >= pg_size_bytes(:'least')
            and n.entries > 0 and n.bytes_needed is null and n.is_hidden)
) as f (finding, applies)
where f.applies
order by f.finding, n.bytes desc, n.index;

commit;
