-- Makes the database it is run in read-only for every new session, and ends those that are open.
-- The way back is: alter database NAME reset default_transaction_read_only;
--
-- Run by a superuser, or by the owner of the database who may end the sessions of other roles. While something would
-- go on writing behind the dump, it says what, and changes nothing.

\set ON_ERROR_STOP on
\set SHOW_CONTEXT never
set default_transaction_read_only = off;
-- Somebody may have made operators in public, for an administrator to run.
set search_path = pg_catalog;

-- What a session is, only a superuser sees of other roles: those of the server itself have no user, those of
-- replicas only read.
do $body$
declare
    kept constant text := (
        select string_agg(distinct quote_ident(r.rolname), ', ')
        from pg_stat_activity as a
        join pg_roles as r on r.oid = a.usesysid
        join pg_roles as me on me.rolname = current_user and not me.rolsuper
        where a.datname = current_database()
            and a.pid <> pg_backend_pid()
            and a.pid not in (select w.pid from pg_stat_replication as w)
            and (r.rolsuper or not (pg_has_role(r.oid, 'usage') or pg_has_role('pg_signal_backend', 'usage')))
    );
    prepared constant text := (
        select string_agg(quote_literal(gid), ', ') from pg_prepared_xacts where database = current_database()
    );
    subscribed constant text := (
        select string_agg(quote_ident(s.subname), ', ')
        from pg_subscription as s
        join pg_database as d on d.oid = s.subdbid
        where d.datname = current_database() and s.subenabled
    );
begin
    if kept is not null then
        raise exception '% may not end the sessions of %', current_user, kept
            using hint = format(
                'Run this as a superuser; or, to end those of roles that are none: grant pg_signal_backend to %I;',
                current_user
            );
    elsif prepared is not null then
        raise exception 'nobody has ended the prepared transactions %', prepared
            using hint = 'Ask whose they are, and end each: commit prepared or rollback prepared.';
    elsif subscribed is not null then
        raise exception 'rows arrive by the subscriptions %', subscribed
            using hint = 'Stop each: alter subscription NAME disable;';
    end if;
end;
$body$;

select format('alter database %I set default_transaction_read_only = on', current_database()) \gexec

select coalesce(array_agg(pid), '{}') as others
from pg_stat_activity
where datname = current_database() and usesysid is not null and pid <> pg_backend_pid()
    and pid not in (select w.pid from pg_stat_replication as w) \gset

select count(*) filter (where pg_terminate_backend(pid)) as ended from unnest(:'others'::int[]) as pid;

-- Before PostgreSQL 14 to end one does not wait until it is gone.
select set_config('freeze.others', :'others', false) as others \gset
do $body$
begin
    for tenth in 1..100 loop
        perform pg_stat_clear_snapshot();
        if not exists (select from pg_stat_activity where pid = any (current_setting('freeze.others')::int[])) then
            return;
        end if;
        perform pg_sleep(0.1);
    end loop;
    raise exception 'a session is still open after ten seconds' using hint = 'Run this again, before the dump.';
end;
$body$;
