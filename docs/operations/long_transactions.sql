-- What keeps vacuum from removing dead rows, and migrations from their locks; oldest first:
--
--     psql -X -v longer='5 minutes' -f docs/operations/long_transactions.sql "$DATABASE_URL_SPECS"
--
-- Transactions of this database that are open for longer (an interval with its unit), prepared ones that nobody
-- has ended, slots that hold rows back, and replicas that do so without a slot (hot_standby_feedback). A logical slot
-- of any database holds back those of the catalogs of all, and log, while nobody reads it: that may be over in a
-- moment, or never.
-- "remedy" is the statement that ends it, or where to end it; nothing is ended here. Of other roles' sessions only
-- a superuser sees how long they last, or who has pg_read_all_stats: "hidden" says that some were not seen, and
-- what an administrator can grant.

\set ON_ERROR_STOP on
\if :{?longer}
\else
    \set longer '5 minutes'
\endif

\set QUIET on
-- In one transaction, along the path of the catalog alone: somebody may have made operators in public.
begin read only;
set local search_path = pg_catalog;
-- Who works as another role would not see the sessions of the role that logged in.
set local role none;

select :'longer' !~ '[[:alpha:]]' or :'longer'::interval < '0' as wrong \gset
\if :wrong
do $$
begin
    raise exception 'longer has no unit or is negative'
        using hint = 'Say how long, like ''5 minutes''; a bare number would be seconds.';
end
$$;
\endif

select
    'transaction' as kind, pid::text as name, usename as "user", application_name as application,
    date_trunc('second', clock_timestamp() - xact_start) as age, state,
    left(regexp_replace(query, '[[:space:]]+', ' ', 'g'), 60) as query,
    format('select pg_terminate_backend(%s);', pid) as remedy
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
    and xact_start < clock_timestamp() - :'longer'::interval
union all
select
    'hidden', count(*) || ' sessions', null, null, null, null, 'nobody knows how long they have been open',
    format('grant pg_read_all_stats to %I;', current_user)
from pg_stat_activity
where query = '<insufficient privilege>' and pid <> pg_backend_pid()
    and usesysid is not null  -- those of autovacuum have no user, and end by themselves
    -- Everybody sees who has a transaction open, by its lock on itself, but not since when.
    and (
        datname = current_database() and pid in (select l.pid from pg_locks as l where l.locktype = 'virtualxid')
        or pid in (select r.pid from pg_stat_replication as r)
    )
having count(*) > 0
union all
select
    'prepared', gid, owner, null, date_trunc('second', clock_timestamp() - prepared), 'prepared', null,
    format('rollback prepared %L;', gid)
from pg_prepared_xacts
where database = current_database() and prepared < clock_timestamp() - :'longer'::interval
union all
select
    'slot', slot_name, null, plugin, null, case when active then 'active' else 'inactive' end,
    case
        when xmin is not null then format('holds rows back since transaction %s', xmin)
        else format('holds log and rows of the catalogs back since transaction %s', catalog_xmin)
    end,
    case
        when not active
        then format('/* only if its %s is gone for good */ select pg_drop_replication_slot(%L);',
            case slot_type when 'logical' then 'subscriber' else 'replica' end, slot_name)
    end
from pg_replication_slots
where xmin is not null or not active and catalog_xmin is not null
union all
select
    'replica', pid::text, usename, application_name, null, state,
    format('holds rows back since transaction %s, %s ago', backend_xmin, age(backend_xmin)),
    '-- on that replica: end the query whose backend_xmin in pg_stat_activity is the oldest'
from pg_stat_replication
where backend_xmin is not null
order by age desc nulls last;

commit;
