-- Rolls calls to language models up by month, then deletes them, in batches like retention.sql:
--
--     psql -X -v keep='13 months' -f docs/operations/usage_by_month.sql "$DATABASE_URL_SPECS"
--
-- keep   an interval with its unit, 13 months unless given; only whole months (UTC) that ended before go
-- batch, pause  as in retention.sql
--
-- Another role than the owner needs select, delete and update (id) of the calls, and select, insert and update of
-- analytics_metrics. Not through a pool in transaction mode: what is broken off there leaves its lock behind. Nor
-- with a statement_timeout, as with retention.sql.
--
-- Of each month, person, provider and model one row of analytics_metrics stays: metric_type llm_usage,
-- metric_name cost_usd, date the first of the month, value the sum in US dollars (to the hundredth of a cent),
-- tags who and what, metadata the number of calls and tokens, and the sum to the last digit. Nothing is made
-- beside the files, so nothing drifts. A call is added to its figure in the statement that deletes it, whenever
-- it was written. What is broken off goes on with the next run; what that finds gets rows of its own. So read
-- the sum over the rows. A call whose cost is no number (NaN) stays, and a warning says so.

\set ON_ERROR_STOP on
\if :{?keep}
\else
    \set keep '13 months'
\endif
\if :{?batch}
\else
    \set batch 5000
\endif
\if :{?pause}
\else
    \set pause 0.05
\endif

-- What is given goes into the text of the block: behind a pool in transaction mode the next statement may run in
-- another session, where a setting, such as the zone of time, would be that of another run.
select pg_catalog.replace($do$
declare
    given constant pg_catalog.jsonb := {given};
    keep pg_catalog.text;
    cutoff pg_catalog.timestamptz;
    month pg_catalog.timestamptz;
    next_month pg_catalog.timestamptz := '-infinity';
    this_run constant pg_catalog.timestamptz := pg_catalog.clock_timestamp();
    reached pg_catalog.timestamptz;
    gone bigint;
    begun bigint;
    total bigint := 0;
    figures bigint := 0;
    batches integer := 0;
    began pg_catalog.timestamptz;
    longest interval := '0';
begin
    -- Somebody may have made operators in public, so nothing is reckoned before it. A commit ends it.
    set local search_path = pg_catalog;
    keep := given ->> 'keep';
    cutoff := date_trunc('month', now() at time zone 'UTC' - keep::interval) at time zone 'UTC';
    if keep !~ '[[:alpha:]]' or now() - keep::interval > now() then
        raise exception 'keep is %, which has no unit or reaches into the future', keep
            using hint = 'Say how long to keep calls, like ''13 months''; a bare number would be seconds.';
    end if;
    if not pg_try_advisory_lock(hashtextextended('public.llm_usage_tracking by month', 0)) then
        raise exception 'another session is rolling up llm_usage_tracking' using hint = 'Let it end.';
    end if;
    loop
        select date_trunc('month', min(timestamp), 'UTC') into month
        from public.llm_usage_tracking
        where timestamp >= next_month and timestamp < cutoff and isfinite(timestamp);
        exit when month is null;
        next_month := (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';

        reached := month;
        loop
            began := clock_timestamp();
            with old as (
                select id from public.llm_usage_tracking
                where timestamp >= reached and timestamp < next_month and cost_usd is distinct from 'NaN'
                order by timestamp limit (given ->> 'batch')::integer
                for update skip locked
            ), gone as (
                delete from public.llm_usage_tracking where id = any (array(select id from old))
                returning *
            ), figure as (
                -- A figure of this run has an id that says so, by which the next batch finds it.
                insert into public.analytics_metrics as m
                    (id, metric_type, metric_name, date, value, tags, metadata, created_at)
                select
                    md5(jsonb_build_array(this_run, month, user_id, provider, model)::text)::uuid,
                    'llm_usage', 'cost_usd', (month at time zone 'UTC')::date, coalesce(sum(cost_usd), 0),
                    jsonb_build_object('user_id', user_id, 'provider', provider, 'model', model),
                    jsonb_build_object(
                        'calls', count(*), 'tokens_input', sum(tokens_input),
                        'tokens_output', sum(tokens_output), 'tokens_total', sum(tokens_total),
                        'cost_usd', coalesce(sum(cost_usd), 0)
                    ),
                    this_run
                from gone
                group by user_id, provider, model
                on conflict (id) do update
                set value = (m.metadata ->> 'cost_usd')::numeric + (excluded.metadata ->> 'cost_usd')::numeric,
                    metadata = (
                        select jsonb_object_agg(key, value::numeric + (excluded.metadata ->> key)::numeric)
                        from jsonb_each_text(m.metadata)
                    )
                returning xmax = 0 as is_new
            )
            select
                (select count(*) from gone), (select max(timestamp) from gone),
                (select count(*) from figure where is_new)
            into gone, reached, begun;
            figures := figures + begun;
            commit;
            set local search_path = pg_catalog;
            exit when gone = 0;
            total := total + gone;
            batches := batches + 1;
            longest := greatest(longest, clock_timestamp() - began);
            perform pg_sleep((given ->> 'pause')::float8);
        end loop;
    end loop;
    perform pg_advisory_unlock(hashtextextended('public.llm_usage_tracking by month', 0));
    select count(*) into gone
    from public.llm_usage_tracking
    where timestamp < cutoff and cost_usd = 'NaN';
    if gone > 0 then
        raise warning 'llm_usage_tracking: % calls stay, whose cost_usd is NaN', gone;
    end if;
    raise notice 'llm_usage_tracking: % calls from before % became % figures; % batches, the longest took % ms',
        total, (cutoff at time zone 'UTC')::date, figures, batches, round(extract(epoch from longest) * 1000);
end;
$do$,
    '{given}',
    pg_catalog.quote_literal(pg_catalog.jsonb_build_object('keep', :'keep', 'batch', :'batch', 'pause', :'pause')::pg_catalog.text)
) as block
\gset
do :'block';
