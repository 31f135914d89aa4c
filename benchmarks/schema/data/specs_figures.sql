-- Rows of 005_analytics_search: figures by day, pieces of documents, mail settings.

insert into public.analytics_metrics (
    id, metric_type, metric_name, value, date, tags, metrics_metadata, metadata, created_at, updated_at
)
select
    pg_temp.uid('figure', n),
    case when n % 40 = 0 then 'growth' when n % 40 < 4 then 'quality' when n % 40 < 12 then 'revenue' else 'usage' end,
    'figure_' || n % 40,
    n % 1000,
    date '2023-01-01' + ((n - 1) / 40)::integer,
    jsonb_build_object('region', (array['eu', 'us', 'asia'])[1 + n % 3], 'release', n / 200),
    null,
    '{}'::jsonb,
    pg_temp.moment(n, :analytics_metrics),
    pg_temp.moment(n, :analytics_metrics)
from generate_series(1, :analytics_metrics) as n;

insert into public.document_chunks (
    id, document_id, chunk_index, content, metadata, created_at, updated_at
)
select
    pg_temp.uid('chunk', d * 1000 + m),
    pg_temp.uid('document', d),
    m - 1,
    pg_temp.words(d * 1000 + m, 1, 30),
    jsonb_build_object('language', case when m % 9 = 0 then 'de' else 'en' end),
    pg_temp.moment(d, :knowledge_base_documents),
    pg_temp.moment(d, :knowledge_base_documents)
from generate_series(1, :knowledge_base_documents) as d, generate_series(1, pg_temp.many(d, 52, 6.2)) as m
order by d, m;

insert into public.notification_preferences (
    id, user_id, email_on_conflict, email_on_maturity, email_on_mention, email_on_activity,
    digest_frequency, metadata, created_at, updated_at
)
select
    pg_temp.uid('preference', n),
    pg_temp.uid('user', n),
    n % 7 <> 0, n % 5 <> 0, true, n % 11 = 0,
    pg_temp.one_of(n, 1, 4, '{daily,off,weekly,real_time}'),
    '{}'::jsonb,
    pg_temp.moment(n, :users),
    pg_temp.moment(n, :users)
from generate_series(1, :users) as n;

insert into public.daily_active_users (
    id, date, count, new_users, returning_users, breakdown, created_at, updated_at
)
select
    pg_temp.uid('day', n), date '2023-01-01' + n, 100 + n, n % 30, 100 + n - n % 30, '{}'::jsonb,
    pg_temp.moment(n, 1096), pg_temp.moment(n, 1096)
from generate_series(0, 1095) as n;

insert into public.monthly_recurring_revenue (
    id, month_start, total_mrr, new_mrr, churned_mrr, by_tier, created_at, updated_at
)
select
    pg_temp.uid('month', n), (date '2023-01-01' + n * interval '1 month')::date, 1000 * n, 90 * n, 20 * n,
    '{}'::jsonb, pg_temp.moment(n, 36), pg_temp.moment(n, 36)
from generate_series(0, 35) as n;

insert into public.churn_analysis (
    id, date, churned_users, churn_rate_percent, by_tier, by_region, reasons, created_at, updated_at
)
select
    pg_temp.uid('churn', n), date '2023-01-01' + n, n % 9, 1.5, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb,
    pg_temp.moment(n, 1096), pg_temp.moment(n, 1096)
from generate_series(0, 1095) as n;

insert into public.feature_usage (
    id, date, feature_name, users_using, total_uses, avg_uses_per_user, created_at, updated_at
)
select
    pg_temp.uid('feature', n),
    date '2023-01-01' + ((n - 1) / 25)::integer,
    'feature_' || n % 25,
    n % 500, n % 3000, 3.2,
    pg_temp.moment(n, :feature_usage),
    pg_temp.moment(n, :feature_usage)
from generate_series(1, :feature_usage) as n;

insert into public.conversion_funnel (
    id, date, signups, trial_started, trial_to_paid, paid_users, conversion_rate_percent, created_at, updated_at
)
select
    pg_temp.uid('funnel', n), date '2023-01-01' + n, n % 60, n % 20, n % 6, n % 6, 4.5,
    pg_temp.moment(n, 1096), pg_temp.moment(n, 1096)
from generate_series(0, 1095) as n;
