-- Rolls calls to language models up by month, then deletes them, in batches like retention.sql:
--
--     psql -X -v keep='13 months' -f docs/operations/usage_by_month.sql "$DATABASE_URL_SPECS"
--
-- keep   an interval, 13 months unless given; only whole months (UTC) that ended before go
-- batch, pause  as in retention.sql
--
-- Of each month, person, provider and model one row of analytics_metrics stays: metric_type llm_usage,
-- metric_name cost_usd, date the first of the month, value the sum in US dollars (to the hundredth of a cent),
-- tags who and what, metadata the number of calls and tokens. Nothing is made beside the files, so nothing drifts.
-- A month is rolled up in one transaction, before its first call is deleted. What is broken off goes on with
-- the next run; calls that arrive later than that get a row of their own. So read the sum over the rows.

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

set timezone = 'UTC';
select
    set_config('retention.keep', :'keep', false) as keep,
    set_config('retention.batch', :'batch', false) as batch,
    set_config('retention.pause', :'pause', false) as pause
\gset

do $do$
declare
    cutoff constant timestamptz := date_trunc('month', now() - current_setting('retention.keep')::interval);
    month timestamptz;
    next_month timestamptz := '-infinity';
    rolled_up timestamptz;
    here timestamptz;
    reached timestamptz;
    gone bigint;
    total bigint := 0;
    figures bigint := 0;
    batches integer := 0;
    began timestamptz;
    longest interval := '0';
begin
    if not pg_try_advisory_lock(hashtextextended('public.llm_usage_tracking by month', 0)) then
        raise exception 'another session is rolling up llm_usage_tracking' using hint = 'Let it end.';
    end if;
    loop
        select date_trunc('month', min(timestamp)) into month
        from public.llm_usage_tracking
        where timestamp >= next_month and timestamp < cutoff;
        exit when month is null;
        next_month := month + interval '1 month';

        select max(created_at) into rolled_up
        from public.analytics_metrics
        where date = month::date and metric_type = 'llm_usage' and metric_name = 'cost_usd';
        here := clock_timestamp();
        insert into public.analytics_metrics (metric_type, metric_name, date, value, tags, metadata, created_at)
        select
            'llm_usage', 'cost_usd', month::date, coalesce(sum(cost_usd), 0),
            jsonb_build_object('user_id', user_id, 'provider', provider, 'model', model),
            jsonb_build_object(
                'calls', count(*), 'tokens_input', sum(tokens_input),
                'tokens_output', sum(tokens_output), 'tokens_total', sum(tokens_total)
            ),
            here
        from public.llm_usage_tracking
        where timestamp >= month and timestamp < next_month
            and created_at > coalesce(rolled_up, '-infinity') and created_at <= here
        group by user_id, provider, model;
        get diagnostics gone = row_count;
        figures := figures + gone;
        rolled_up := case when gone > 0 then here else rolled_up end;
        commit;

        reached := month;
        loop
            began := clock_timestamp();
            with old as (
                select id from public.llm_usage_tracking
                where timestamp >= reached and timestamp < next_month and created_at <= rolled_up
                order by timestamp limit current_setting('retention.batch')::integer
                for update skip locked
            ), gone as (
                delete from public.llm_usage_tracking where id = any (array(select id from old))
                returning timestamp as at
            )
            select count(*), max(at) into gone, reached from gone;
            commit;
            exit when gone = 0;
            total := total + gone;
            batches := batches + 1;
            longest := greatest(longest, clock_timestamp() - began);
            perform pg_sleep(current_setting('retention.pause')::float8);
        end loop;
    end loop;
    perform pg_advisory_unlock(hashtextextended('public.llm_usage_tracking by month', 0));
    raise notice 'llm_usage_tracking: % calls from before % became % figures; % batches, the longest took % ms',
        total, cutoff::date, figures, batches, round(extract(epoch from longest) * 1000);
end;
$do$;
