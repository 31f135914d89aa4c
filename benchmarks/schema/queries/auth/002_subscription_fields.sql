-- Queries on 002_subscription_fields.

-- staff accounts_of_a_tier: accounts on one tier that are in arrears
-- values: users(subscription_tier) where subscription_tier <> 'free'
select id, email from public.users where subscription_tier = $1 and subscription_status = 'past_due';

-- staff accounts_in_arrears: accounts whose payment needs attention
-- values: users(subscription_status) where subscription_status not in ('active', 'canceled')
select id, email from public.users where subscription_status = $1;

-- job account_of_a_payer: the account behind a notice from the payment provider
-- values: users(stripe_customer_id)
select id, email, subscription_tier from public.users where stripe_customer_id = $1;

-- job trials_that_run_out: trials that end within a week
select id, email, trial_ends_at from public.users
where trial_ends_at >= '2025-12-01 00:00+00' and trial_ends_at < '2025-12-08 00:00+00'
order by trial_ends_at;
