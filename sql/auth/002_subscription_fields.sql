-- 002_subscription_fields.sql (series auth)
--
-- Adds the four billing columns to users: tier, customer handle at the payment provider, end of
-- the trial and payment standing, with their checks and indexes.
-- Why on users: limits depend on the tier, which every request needs together with the account.
-- The plans and bills themselves are in the specs database (004_api_llm).
-- Each check is written inside its add column, so that both are skipped where the column exists.
-- Rolling back loses the tier, trial and standing of every account and the link to the payment
-- provider; running the file again puts every account on the free tier.

alter table public.users
    add column if not exists subscription_tier varchar(20) not null default 'free'
        constraint ck_users_subscription_tier
            check (subscription_tier in ('free', 'pro', 'team', 'enterprise')),
    add column if not exists stripe_customer_id varchar(255),
    add column if not exists trial_ends_at timestamptz,
    add column if not exists subscription_status varchar(20) not null default 'active'
        constraint ck_users_subscription_status check (
            subscription_status in (
                'active', 'trialing', 'past_due', 'canceled',
                'unpaid', 'paused', 'incomplete', 'incomplete_expired'
            )
        );

-- Not "concurrently", which no transaction allows: this runs at installation, on few accounts or none.
-- squawk-ignore-file require-concurrent-index-creation
create index if not exists idx_users_subscription_tier_subscription_status
    on public.users (subscription_tier, subscription_status);
create index if not exists idx_users_subscription_status
    on public.users (subscription_status);
create index if not exists idx_users_stripe_customer_id
    on public.users (stripe_customer_id);
create index if not exists idx_users_trial_ends_at
    on public.users (trial_ends_at)
    where trial_ends_at is not null;

comment on column public.users.subscription_tier is 'Commercial tier that sets the account''s limits.';
comment on column public.users.stripe_customer_id is
    'Customer handle at the payment provider, present once billing starts.';
comment on column public.users.trial_ends_at is
    'End of the free trial; empty when the account is not on trial.';
comment on column public.users.subscription_status is 'Payment standing of the current tier.';
comment on index public.idx_users_subscription_tier_subscription_status is
    'billing lists by tier and standing';
comment on index public.idx_users_subscription_status is 'accounts whose payment needs attention';
comment on index public.idx_users_stripe_customer_id is 'account behind a notice from the payment provider';
comment on index public.idx_users_trial_ends_at is 'trials that run out';
