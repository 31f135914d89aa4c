-- rollback/001_create_tasks_table.sql (series todo)
--
-- Undoes 001_create_tasks_table: drops tasks.
-- Lost: all tasks of everybody, done or not. The people stay.
--
-- Run: psql -X -v ON_ERROR_STOP=1 -1 -f sql/rollback/001_create_tasks_table.sql "$DATABASE_URL"
-- It is one statement, so it happens whole or not at all.

do $rollback$
declare
    this_series constant text := 'todo';
    this_version constant text := '001';
    this_name constant text := 'create_tasks_table';
    has_ledger boolean;
    recorded text;
    newest text;
begin
    set local lock_timeout = '5s';

    -- The runner's lock, never waited for: a waiter would deadlock with a concurrent index build.
    if not pg_catalog.pg_try_advisory_xact_lock(
        pg_catalog.hashtextextended('public.schema_migrations', 0)
    ) then
        raise exception 'a migration or another rollback is running in this database'
            using hint = 'Nothing was changed. Try again when it is done.';
    end if;

    -- Without a ledger the files were run by hand, and keeping their order is up to the DBA.
    has_ledger := pg_catalog.to_regclass('public.schema_migrations') is not null;

    -- By operators of PostgreSQL's own, whatever the search_path of this database finds first.
    if has_ledger then
        select name into recorded
        from public.schema_migrations
        where (series, version) operator(pg_catalog.=) (this_series, this_version);

        if recorded is null then
            raise exception '% % is not recorded here', this_series, this_version
                using hint = 'Nothing was changed. Is this the right database?';
        end if;

        if recorded operator(pg_catalog.<>) this_name then
            raise exception '% %_% is not recorded here: number % is %_%',
                this_series, this_version, this_name, this_version, this_version, recorded
                using hint = 'Nothing was changed. Another branch may have applied another file.';
        end if;

        select pg_catalog.concat(version, '_', name) into newest
        from public.schema_migrations
        where series operator(pg_catalog.=) this_series
            and version::integer operator(pg_catalog.>) this_version::integer
        order by version::integer desc
        limit 1;

        if found then
            raise exception '% % cannot be rolled back while % is recorded', this_series, this_version, newest
                using hint = pg_catalog.format('Nothing was changed. Newest first: rollback/%s.sql', newest);
        end if;
    end if;

    drop table public.tasks;

    if has_ledger then
        delete from public.schema_migrations
        where (series, version, name) operator(pg_catalog.=) (this_series, this_version, this_name);
    end if;
end;
$rollback$;
