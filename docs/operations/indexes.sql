-- Indexes that nobody has used, that hold more air than entries, or that no query may use.
--
-- unused    no scan since the statistics were reset (the date stands beside it), on this server: ask every
--           replica, too. None that keeps rows unique, and none that leads with a reference, be it a foreign
--           key, which deletes need, or into the other database. Drop one with a file, or it is drift.
-- bloated   a btree of 10 MB and more (-v least='100 MB' for another limit) and over twice the size that its
--           rows need; an estimate from the statistics of analyze. Many equal entries take less room than
--           it thinks, so such an index is found late, never falsely.
--           Remedy: reindex index concurrently public.NAME; it lets readers and writers go on.
-- invalid   left by a create or reindex concurrently that failed. Drop it and build it again.

\if :{?least}
\else
    \set least '10 MB'
\endif

with listed as (
    select
        i.oid, i.relname as index, t.relname as "table", x.indisvalid, x.indisunique, x.indkey, x.indrelid,
        pg_relation_size(i.oid) as bytes, greatest(i.reltuples, pg_stat_get_live_tuples(t.oid)) as entries, m.amname,
        coalesce(s.idx_scan, 0) as scans,
        exists (
            select from pg_constraint as k
            where k.contype = 'f' and k.conrelid = x.indrelid and k.conkey[1] = x.indkey[0]
        ) or col_description(t.oid, x.indkey[0]) like '%(cross-database, no foreign key).' as refers
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
        l.entries * (12 + 8 * ceil((
            select coalesce(sum(coalesce(p.avg_width, 8)), 8)
            from unnest(l.indkey::int2[]) as k (attnum)
            left join pg_attribute as a on a.attrelid = l.indrelid and a.attnum = k.attnum
            left join pg_stats as p
                on p.schemaname = 'public' and p.tablename = l.table and p.attname = a.attname
        ) / 8.0)) / 0.9 as bytes_needed
    from listed as l
)
select
    f.finding, n.index, n.table, pg_size_pretty(n.bytes) as size, n.scans,
    (select stats_reset from pg_stat_database where datname = current_database())::timestamptz(0) as since,
    case when f.finding = 'bloated' then round((n.bytes / greatest(n.bytes_needed, 1))::numeric, 1) end as times_as_large
from needed as n
cross join lateral (
    values
        ('invalid', not n.indisvalid),
        ('unused', n.indisvalid and n.scans = 0 and not n.indisunique and not n.refers),
        ('bloated', n.indisvalid and n.amname = 'btree' and n.bytes >= pg_size_bytes(:'least')
            and n.entries >= 0 and n.bytes > 2 * greatest(n.bytes_needed, 1))
) as f (finding, applies)
where f.applies
order by f.finding, n.bytes desc, n.index;
