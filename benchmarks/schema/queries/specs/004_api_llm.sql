-- Queries on 004_api_llm.

-- person key_for_a_call: a person's key to a provider
-- values: api_keys(user_id, provider)
select api_key_encrypted, is_active from public.api_keys where user_id = $1 and provider = $2;

-- person usable_keys: a person's usable keys
-- values: api_keys(user_id)
select id, provider, last_used_at from public.api_keys where user_id = $1 and is_active = true;

-- staff keys_to_a_provider: how many usable keys open one provider
-- values: api_keys(provider)
select count(*) from public.api_keys where provider = $1 and is_active = true;

-- job keys_by_latest_call: usable keys that were used last
select id, user_id, provider from public.api_keys
where is_active = true and last_used_at is not null order by last_used_at desc limit 50;

-- person provider_by_code: one provider by its code
-- values: llm_providers(name)
select * from public.llm_providers where name = $1;

-- person usable_providers: providers that can be used right now
select name from public.llm_providers where status = 'available';

-- person pick_list_of_providers: providers to choose from, in order
select name, display_name from public.llm_providers where is_active = true order by name;

-- person calls_of_a_person: a person's calls, newest first
-- values: llm_usage_tracking(user_id)
select provider, model, cost_usd, timestamp from public.llm_usage_tracking
where user_id = $1 order by timestamp desc limit 50;

-- person cost_of_a_month: what a person spent per provider in one month
-- values: llm_usage_tracking(user_id)
select provider, sum(cost_usd), sum(tokens_total) from public.llm_usage_tracking
where user_id = $1 and timestamp >= '2025-11-01 00:00+00' and timestamp < '2025-12-01 00:00+00'
group by provider;

-- person cost_of_a_project: what a person spent on one project
-- values: llm_usage_tracking(user_id, project_id)
select sum(cost_usd), sum(tokens_total) from public.llm_usage_tracking where user_id = $1 and project_id = $2;

-- person calls_of_a_project: a project's calls, newest first
-- values: llm_usage_tracking(project_id)
select user_id, model, cost_usd, timestamp from public.llm_usage_tracking
where project_id = $1 order by timestamp desc limit 50;

-- person calls_of_a_session: calls made in one session
-- values: llm_usage_tracking(session_id)
select sum(cost_usd), count(*) from public.llm_usage_tracking where session_id = $1;

-- staff calls_to_a_model: how many calls one model of a provider had
-- values: llm_usage_tracking(provider, model)
select count(*) from public.llm_usage_tracking where provider = $1 and model = $2;

-- staff calls_to_a_provider: a provider's cost within one day
-- values: llm_usage_tracking(provider)
select sum(cost_usd), count(*) from public.llm_usage_tracking
where provider = $1 and timestamp >= '2025-11-01 00:00+00' and timestamp < '2025-11-02 00:00+00';

-- staff all_calls: all calls, newest first
select user_id, provider, model, cost_usd from public.llm_usage_tracking order by timestamp desc limit 50;

-- person live_plan: the live plan of a person
-- values: subscriptions(user_id)
select id, tier, current_period_end from public.subscriptions where user_id = $1 and status = 'active';

-- person plans_newest_first: a person's plans, newest first
-- values: subscriptions(user_id)
select id, tier, status, created_at from public.subscriptions where user_id = $1 order by created_at desc limit 10;

-- job plan_of_a_notice: the plan behind a notice from the payment provider
-- values: subscriptions(stripe_subscription_id)
select id, user_id, status from public.subscriptions where stripe_subscription_id = $1;

-- job plans_of_a_payer: plans of one payer at the payment provider
-- values: subscriptions(stripe_customer_id)
select id, tier, status from public.subscriptions where stripe_customer_id = $1;

-- job renewals_that_fall_due: renewals that fall due within a week
select id, user_id, current_period_end from public.subscriptions
where status = 'active' and current_period_end >= '2025-12-01 00:00+00'
    and current_period_end < '2025-12-08 00:00+00'
order by current_period_end;

-- staff plans_of_a_tier: how many live plans a tier has
-- values: subscriptions(tier)
select count(*) from public.subscriptions where tier = $1 and status = 'active';

-- job plans_called_off: plans called off in one month
select count(*) from public.subscriptions
where canceled_at >= '2025-11-01 00:00+00' and canceled_at < '2025-12-01 00:00+00';

-- job plans_begun: plans begun on one day
select count(*) from public.subscriptions
where created_at >= '2025-11-01 00:00+00' and created_at < '2025-11-02 00:00+00';

-- job delete_plan: a plan goes; its bills stay
-- values: invoices(subscription_id)
delete from public.subscriptions where id = $1;

-- person bills_by_date: a person's bills by date
-- values: invoices(user_id)
select id, amount_due, status, invoice_date from public.invoices
where user_id = $1 order by invoice_date desc limit 12;

-- person unpaid_bills: a person's unpaid bills
-- values: invoices(user_id)
select id, amount_due, due_date from public.invoices where user_id = $1 and status = 'open';

-- job bill_of_a_notice: the bill behind a notice from the payment provider
-- values: invoices(stripe_invoice_id)
select id, user_id, status from public.invoices where stripe_invoice_id = $1;

-- person bills_of_a_plan: bills of one plan
-- values: invoices(subscription_id)
select id, amount_due, status from public.invoices where subscription_id = $1;

-- job bills_of_a_payer: bills of one payer at the payment provider
-- values: invoices(stripe_customer_id)
select id, amount_due, status from public.invoices where stripe_customer_id = $1;

-- job bills_that_fall_due: unpaid bills that fell due
select id, user_id, due_date from public.invoices
where status = 'open' and due_date < '2023-06-01 00:00+00' order by due_date limit 100;

-- staff all_bills: all bills by date
select id, user_id, amount_due, status from public.invoices order by invoice_date desc limit 50;
