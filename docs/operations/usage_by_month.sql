-- Rolls calls to language models up by month, then deletes them, in batches like retention.sql:
--
--     psql -X -v keep='13 months' -f docs/operations/usage_by_month.sql "$DATABASE_URL_SPECS"
--
-- keep   an interval, 13 months unless given; only whole months (UTC) that ended before go
-- batch, pause  as in retention.sql
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
    this_run constant timestamptz := clock_timestamp();
    reached timestamptz;
    gone bigint;
    begun bigint;
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

        reached := month;
        loop
            began := clock_timestamp();
            with old as (
                select id from public.llm_usage_tracking
                where timestamp >= reached and timestamp < next_month and cost_usd is distinct from 'NaN'
                order by timestamp limit current_setting('retention.batch')::integer
                for update skip locked
            ), gone as (
                delete from public.llm_usage_tracking where id = any (array(select id from old))
                returning *
            ), added as (
                select
                    jsonb_build_object('user_id', user_id, 'provider', provider, 'model', model) as tags,
                    coalesce(sum(cost_usd), 0) as cost_usd, count(*) as calls, sum(tokens_input) as tokens_input,
                    sum(tokens_output) as tokens_output, sum(tokens_total) as tokens_total
                from gone
                group by user_id, provider, model
            ), known as (
                update public.analytics_metrics as m
                set value = (m.metadata ->> 'cost_usd')::numeric + a.cost_usd,
                    metadata = jsonb_build_object(
                        'calls', (m.metadata ->> 'calls')::bigint + a.calls,
                        'tokens_input', (m.metadata ->> 'tokens_input')::bigint + a.tokens_input,
                        'tokens_output', (m.metadata ->> 'tokens_output')::bigint + a.tokens_output,
                        'tokens_total', (m.metadata ->> 'tokens_total')::bigint + a.tokens_total,
                        'cost_usd', (m.metadata ->> 'cost_usd')::numeric + a.cost_usd
                    )
                from added as a
                where m.metric_name = 'cost_usd' and m.date = month::date and m.metric_type = 'llm_usage'
                    and m.created_at = this_run and m.tags = a.tags
                returning m.tags
            ), new as (
                insert into public.analytics_metrics
                    (metric_type, metric_name, date, value, tags, metadata, created_at)
                select
                    'llm_usage', 'cost_usd', month::date, cost_usd, tags,
                    jsonb_build_object(
                        'calls', calls, 'tokens_input', tokens_input, 'tokens_output', tokens_output,
                        'tokens_total', tokens_total, 'cost_usd', cost_usd
                    ),
                    this_run
                from added
                where not exists (select from known where known.tags = added.tags)
                returning id
            )
            select
                (select count(*) from gone), (select max(timestamp) from gone), (select count(*) from new)
            into gone, reached, begun;
            figures := figures + begun;
            commit;
            exit when gone = 0;
            total := total + gone;
            batches := batches + 1;
            longest := greatest(longest, clock_timestamp() - began);
            perform pg_sleep(current_setting('retention.pause')::float8);
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
        total, cutoff::date, figures, batches, round(extract(epoch from longest) * 1000);
end;
$do$;
