-- Rows of 004_api_llm: keys, providers, calls, plans and bills.

insert into public.api_keys (
    id, user_id, provider, api_key_encrypted, is_active, last_used_at, metadata, created_at, updated_at
)
select
    pg_temp.uid('key', n),
    pg_temp.uid('user', 1 + n % :users),
    ('{claude,openai,gemini,ollama,other}'::text[])[1 + n / :users % 5],
    repeat(md5(n::text), 4),
    pg_temp.rnd(n, 1) < 0.85,
    pg_temp.moment(n, :api_keys) + pg_temp.rnd(n, 2) * interval '30 days',
    '{}'::jsonb,
    pg_temp.moment(n, :api_keys),
    pg_temp.moment(n, :api_keys)
from generate_series(1, :api_keys) as n;

insert into public.llm_providers (
    id, name, display_name, default_model, requires_api_key, status, is_active, created_at, updated_at
)
select
    pg_temp.uid('provider', n),
    ('{claude,openai,gemini,ollama,other}'::text[])[n],
    'Provider ' || n,
    'model-1',
    n <> 4,
    case when n = 5 then 'not_implemented' else 'available' end,
    n <> 5,
    pg_temp.moment(n, 5),
    pg_temp.moment(n, 5)
from generate_series(1, 5) as n;

insert into public.llm_usage_tracking (
    id, user_id, project_id, session_id, provider, model, tokens_input, tokens_output, tokens_total,
    cost_usd, latency_ms, metadata, timestamp, created_at
)
select
    pg_temp.uid('call', n),
    pg_temp.uid('user', pg_temp.owner_of(pg_temp.project_of(s))),
    case when n % 10 <> 0 then pg_temp.uid('project', pg_temp.project_of(s)) end,
    case when n % 10 <> 0 then pg_temp.uid('session', s) end,
    case when n % 1000 = 7 then 'other' else pg_temp.one_of(n, 2, 3, '{claude,openai,gemini,ollama}') end,
    'model-' || pg_temp.pick(n, 3, 6, 3),
    tokens,
    tokens / 4,
    tokens + tokens / 4,
    tokens * 0.000003,
    pg_temp.pick(n, 5, 30000, 3)::integer,
    '{}'::jsonb,
    pg_temp.moment(n, :llm_usage_tracking),
    pg_temp.moment(n, :llm_usage_tracking)
from
    generate_series(1, :llm_usage_tracking) as n,
    lateral (
        select
            pg_temp.pick(n, 1, :sessions, 1.5) as s,
            pg_temp.pick(n, 4, 8000, 2)::integer as tokens
    ) as row_of;

insert into public.subscriptions (
    id, user_id, stripe_subscription_id, stripe_customer_id, price_id, tier, status, current_period_start,
    current_period_end, billing_cycle_anchor, cancel_at_period_end, canceled_at, stripe_metadata,
    created_at, updated_at
)
select
    pg_temp.uid('subscription', n),
    pg_temp.uid('user', payer),
    'sub_' || md5('subscription' || n),
    'cus_' || md5('customer' || payer),
    'price_' || n % 6,
    pg_temp.one_of(n, 2, 2, '{pro,team,enterprise}'),
    status,
    pg_temp.moment(n, :subscriptions),
    pg_temp.moment(n, :subscriptions) + interval '1 month',
    pg_temp.moment(n, :subscriptions),
    false,
    case when status = 'canceled' then pg_temp.moment(n, :subscriptions) + interval '10 days' end,
    '{}'::jsonb,
    pg_temp.moment(n, :subscriptions),
    pg_temp.moment(n, :subscriptions)
from
    generate_series(1, :subscriptions) as n,
    lateral (
        select
            pg_temp.pick(n, 1, :users, 1.5) as payer,
            pg_temp.one_of(n, 3, 4, '{active,canceled,past_due,trialing,unpaid}') as status
    ) as row_of;

insert into public.invoices (
    id, user_id, subscription_id, stripe_invoice_id, stripe_customer_id, amount_due, amount_paid, status,
    invoice_date, due_date, paid_at, hosted_invoice_url, pdf_url, invoice_metadata, created_at, updated_at
)
select
    pg_temp.uid('invoice', n),
    pg_temp.uid('user', pg_temp.pick(plan, 1, :users, 1.5)),
    case when n % 12 <> 0 then pg_temp.uid('subscription', plan) end,
    'in_' || md5('invoice' || n),
    'cus_' || md5('customer' || pg_temp.pick(plan, 1, :users, 1.5)),
    29, 29,
    pg_temp.one_of(n, 3, 5, '{paid,open,void,uncollectible,draft}'),
    pg_temp.moment(n, :invoices),
    pg_temp.moment(n, :invoices) + interval '14 days',
    pg_temp.moment(n, :invoices) + interval '2 days',
    'https://pay.example.org/' || n,
    'https://pay.example.org/' || n || '.pdf',
    '{}'::jsonb,
    pg_temp.moment(n, :invoices),
    pg_temp.moment(n, :invoices)
from
    generate_series(1, :invoices) as n,
    lateral (select pg_temp.pick(n, 2, :subscriptions, 1.5) as plan) as row_of;
