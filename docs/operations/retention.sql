-- Deletes what is old from one trail, some thousand rows at a time, each batch in a transaction of its own:
--
--     psql -X -v trail=activity_logs -v keep='400 days' -f docs/operations/retention.sql "$DATABASE_URL_SPECS"
--
-- trail  auth: refresh_tokens, password_reset_requests, audit_logs, admin_audit_logs;
--        specs: activity_logs, conversation_history (for llm_usage_tracking: usage_by_month.sql)
-- keep   an interval with its unit; what is older goes. Tokens and reset requests age from when they expire.
-- batch  rows per transaction, 5000 unless given
-- pause  seconds between two batches, 0.05 unless given: replicas and autovacuum keep up
--
-- A batch walks the index on the trail's time from where the last one ended, and locks the rows it deletes
-- and nothing else; a row that somebody holds is left for the next run. Breaking it off loses one batch.
-- Not with -1, because every batch commits; nor with a statement_timeout, to which a run is one statement: where
-- the role has one, PGOPTIONS='-c statement_timeout=0'. The application's role may not delete; another than the owner
-- needs select, delete and, for the lock, update of one column: grant update (id), by a file, or it is drift.

\set ON_ERROR_STOP on
\if :{?batch}
\else
    \set batch 5000
\endif
\if :{?pause}
\else
    \set pause 0.05
\endif

-- What is given goes into the text of the block: behind a pool in transaction mode the next statement may run in
-- another session, where a setting would be that of another run.
select pg_catalog.replace($do$
declare
    given constant pg_catalog.jsonb := {given};
    trail pg_catalog.text;
    clock pg_catalog.text;
    keep pg_catalog.text;
    cutoff pg_catalog.timestamptz;
    statement pg_catalog.text;
    reached pg_catalog.timestamptz := '-infinity';
    gone bigint;
    total bigint := 0;
    batches integer := 0;
    began pg_catalog.timestamptz;
    longest interval := '0';
begin
    -- Somebody may have made operators in public, so nothing is reckoned before it. A commit ends it.
    set local search_path = pg_catalog;
    trail := given ->> 'trail';
    clock := case trail
        when 'refresh_tokens' then 'expires_at'
        when 'password_reset_requests' then 'expires_at'
        when 'audit_logs' then 'timestamp'
        when 'admin_audit_logs' then 'created_at'
        when 'activity_logs' then 'created_at'
        when 'conversation_history' then 'created_at'
    end;
    keep := given ->> 'keep';
    cutoff := now() - keep::interval;
    if clock is null then
        raise exception '% is no trail that this script knows', trail
            using hint = 'They stand at the top of docs/operations/retention.sql.';
    end if;
    if keep !~ '[[:alpha:]]' or cutoff > now() then
        raise exception 'keep is %, which has no unit or reaches into the future', keep
            using hint = 'Say how long to keep rows, like ''400 days''; a bare number would be seconds.';
    end if;
    statement := format(
        $batch$
            with old as (
                select id from public.%1$I
                where %2$I >= $1 and %2$I < $2
                order by %2$I limit $3
                for update skip locked
            ), gone as (
                delete from public.%1$I where id = any (array(select id from old)) returning %2$I as at
            )
            select count(*), max(at) from gone
        $batch$,
        trail, clock
    );
    loop
        began := clock_timestamp();
        execute statement into gone, reached using reached, cutoff, (given ->> 'batch')::integer;
        commit;
        set local search_path = pg_catalog;
        exit when gone = 0;
        total := total + gone;
        batches := batches + 1;
        longest := greatest(longest, clock_timestamp() - began);
        perform pg_sleep((given ->> 'pause')::float8);
    end loop;
    raise notice '%: % rows from before % deleted in % batches, the longest took % ms',
        trail, total, cutoff::timestamptz(0), batches, round(extract(epoch from longest) * 1000);
end;
$do$,
    '{given}',
    pg_catalog.quote_literal(
        pg_catalog.jsonb_build_object('trail', :'trail', 'keep', :'keep', 'batch', :'batch', 'pause', :'pause')::pg_catalog.text
    )
) as block
\gset
do :'block';
