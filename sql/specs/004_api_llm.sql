-- 004_api_llm.sql (series specs)
--
-- Makes api_keys and llm_providers (whose models can be called, and with which key),
-- llm_usage_tracking (what the calls cost), subscriptions and invoices (copies of what the
-- payment provider holds).
-- Why together: calls cause costs, and plans pay for them; reports read both sides.
-- Rolling back loses people's own keys, which they must enter again, and the record of all
-- calls. Plans and bills can be fetched again from the payment provider.

create table if not exists public.api_keys (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    provider varchar(50) not null,
    api_key_encrypted text not null,
    is_active boolean not null default true,
    last_used_at timestamptz,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint api_keys_pkey primary key (id),
    constraint uq_api_keys_user_id_provider unique (user_id, provider),
    constraint ck_api_keys_provider check (provider in ('claude', 'openai', 'gemini', 'ollama', 'other'))
);

create index if not exists idx_api_keys_provider_is_active
    on public.api_keys (provider, is_active);
create index if not exists idx_api_keys_is_active_last_used_at
    on public.api_keys (is_active, last_used_at desc);

create or replace trigger trg_api_keys_updated_at
    before update on public.api_keys
    for each row execute function public.set_updated_at();

comment on table public.api_keys is 'A person''s own keys to language-model providers, one per provider.';
comment on column public.api_keys.id is
    'Identifier of the key, made by the database when the writer gives none.';
comment on column public.api_keys.user_id is
    'Account the key belongs to. References auth.users.id (cross-database, no foreign key).';
comment on column public.api_keys.provider is 'Language-model provider the key opens.';
comment on column public.api_keys.api_key_encrypted is 'The key in encrypted form.';
comment on column public.api_keys.is_active is 'False stops the key from being used.';
comment on column public.api_keys.last_used_at is 'Latest call.';
comment on column public.api_keys.metadata is 'Extra facts such as a label.';
comment on column public.api_keys.created_at is 'Moment the key row was written.';
comment on column public.api_keys.updated_at is 'Moment the key row last changed, kept by a trigger.';
comment on index public.api_keys_pkey is 'one key by its id';
comment on index public.uq_api_keys_user_id_provider is
    'one key per person and provider, and the key for a call';
comment on index public.idx_api_keys_provider_is_active is 'usable keys to one provider';
comment on index public.idx_api_keys_is_active_last_used_at is 'usable keys by latest call';


create table if not exists public.llm_providers (
    id uuid not null default gen_random_uuid(),
    name varchar(50) not null,
    display_name varchar(255),
    description text,
    api_base_url text,
    default_model varchar(100),
    models jsonb not null default '[]'::jsonb,
    capabilities jsonb not null default '[]'::jsonb,
    requires_api_key boolean not null default true,
    cost_per_1k_input numeric(12,6),
    cost_per_1k_output numeric(12,6),
    status varchar(30) not null default 'available',
    is_active boolean not null default true,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint llm_providers_pkey primary key (id),
    constraint uq_llm_providers_name unique (name),
    constraint ck_llm_providers_status
        check (status in ('available', 'requires_user_key', 'not_implemented', 'disabled')),
    constraint ck_llm_providers_cost_per_1k_input_min check (cost_per_1k_input >= 0),
    constraint ck_llm_providers_cost_per_1k_output_min check (cost_per_1k_output >= 0)
);

create index if not exists idx_llm_providers_status
    on public.llm_providers (status);

create or replace trigger trg_llm_providers_updated_at
    before update on public.llm_providers
    for each row execute function public.set_updated_at();

comment on table public.llm_providers is 'Catalogue of language-model providers that people can choose from.';
comment on column public.llm_providers.id is
    'Identifier of the provider, made by the database when the writer gives none.';
comment on column public.llm_providers.name is 'Code of the provider, the same as in api_keys.provider.';
comment on column public.llm_providers.display_name is 'Name shown to people.';
comment on column public.llm_providers.description is 'Short presentation of the provider.';
comment on column public.llm_providers.api_base_url is 'Address its calls go to.';
comment on column public.llm_providers.default_model is 'Model used when nothing is chosen.';
comment on column public.llm_providers.models is 'List of models with their limits and prices.';
comment on column public.llm_providers.capabilities is
    'List of what it can do, such as text, vision or code.';
comment on column public.llm_providers.requires_api_key is 'True when the person must bring a key.';
comment on column public.llm_providers.cost_per_1k_input is 'Price in US dollars of a thousand tokens read.';
comment on column public.llm_providers.cost_per_1k_output is
    'Price in US dollars of a thousand tokens written.';
comment on column public.llm_providers.status is 'Whether the provider can be used right now.';
comment on column public.llm_providers.is_active is 'False hides the provider from choice.';
comment on column public.llm_providers.metadata is 'Extra facts about the provider.';
comment on column public.llm_providers.created_at is 'Moment the provider row was written.';
comment on column public.llm_providers.updated_at is
    'Moment the provider row last changed, kept by a trigger.';
comment on index public.llm_providers_pkey is 'one provider by its id';
comment on index public.uq_llm_providers_name is 'one provider per code, and look-up by it';
comment on index public.idx_llm_providers_status is 'providers that can be used right now';


-- Calls outlive their project and session, because the money stays spent.
create table if not exists public.llm_usage_tracking (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    project_id uuid,
    session_id uuid,
    provider varchar(50) not null,
    model varchar(100) not null,
    tokens_input integer not null,
    tokens_output integer not null,
    tokens_total integer not null,
    cost_usd numeric(10,6),
    latency_ms integer,
    metadata jsonb not null default '{}'::jsonb,
    timestamp timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint llm_usage_tracking_pkey primary key (id),
    constraint fk_llm_usage_tracking_project_id
        foreign key (project_id) references public.projects (id) on delete set null,
    constraint fk_llm_usage_tracking_session_id
        foreign key (session_id) references public.sessions (id) on delete set null,
    constraint ck_llm_usage_tracking_tokens_input_min check (tokens_input >= 0),
    constraint ck_llm_usage_tracking_tokens_output_min check (tokens_output >= 0),
    constraint ck_llm_usage_tracking_tokens_total_min check (tokens_total >= 0),
    constraint ck_llm_usage_tracking_cost_usd_min check (cost_usd >= 0),
    constraint ck_llm_usage_tracking_latency_ms_min check (latency_ms >= 0)
);

create index if not exists idx_llm_usage_tracking_user_id
    on public.llm_usage_tracking (user_id);
-- A call outside a project or session has no entry: nobody asks for those, foreign keys least of all.
create index if not exists idx_llm_usage_tracking_project_id
    on public.llm_usage_tracking (project_id)
    where project_id is not null;
create index if not exists idx_llm_usage_tracking_session_id
    on public.llm_usage_tracking (session_id)
    where session_id is not null;
-- Codes are asked for by equality; byte by byte they are compared faster than by the rules of a language.
create index if not exists idx_llm_usage_tracking_provider_model
    on public.llm_usage_tracking (provider varchar_pattern_ops, model varchar_pattern_ops);
-- Ascending, though it is read backwards: new rows come last, where a btree leaves its pages full.
create index if not exists idx_llm_usage_tracking_timestamp
    on public.llm_usage_tracking (timestamp);

comment on table public.llm_usage_tracking is
    'One row per call to a language model, for cost and speed reports.';
comment on column public.llm_usage_tracking.id is
    'Identifier of the model call, made by the database when the writer gives none.';
comment on column public.llm_usage_tracking.user_id is
    'Account that caused the call. References auth.users.id (cross-database, no foreign key).';
comment on column public.llm_usage_tracking.project_id is
    'Project the call served; emptied when the project goes.';
comment on column public.llm_usage_tracking.session_id is
    'Session the call served; emptied when the session goes.';
comment on column public.llm_usage_tracking.provider is 'Provider that answered.';
comment on column public.llm_usage_tracking.model is 'Model that answered.';
comment on column public.llm_usage_tracking.tokens_input is 'Tokens sent.';
comment on column public.llm_usage_tracking.tokens_output is 'Tokens received.';
comment on column public.llm_usage_tracking.tokens_total is 'Tokens charged in all.';
comment on column public.llm_usage_tracking.cost_usd is 'Estimated price in US dollars.';
comment on column public.llm_usage_tracking.latency_ms is 'Milliseconds until the reply.';
comment on column public.llm_usage_tracking.metadata is 'Extra facts such as the temperature.';
comment on column public.llm_usage_tracking.timestamp is 'Moment the call was made.';
comment on column public.llm_usage_tracking.created_at is 'Moment the model call row was written.';
comment on index public.llm_usage_tracking_pkey is 'one model call by its id';
comment on index public.idx_llm_usage_tracking_user_id is
    'a person''s calls, and what a person spent on one project';
comment on index public.idx_llm_usage_tracking_project_id is 'a project''s calls; foreign key';
comment on index public.idx_llm_usage_tracking_session_id is 'calls made in one session; foreign key';
comment on index public.idx_llm_usage_tracking_provider_model is 'cost per provider and model';
comment on index public.idx_llm_usage_tracking_timestamp is 'all calls, newest first';


-- The states are the words of the payment provider ("canceled" with one l).
create table if not exists public.subscriptions (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    stripe_subscription_id varchar(255) not null,
    stripe_customer_id varchar(255) not null,
    price_id varchar(255),
    tier varchar(20) not null,
    status varchar(20) not null,
    current_period_start timestamptz not null,
    current_period_end timestamptz not null,
    billing_cycle_anchor timestamptz,
    cancel_at_period_end boolean not null default false,
    canceled_at timestamptz,
    stripe_metadata jsonb default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint subscriptions_pkey primary key (id),
    constraint uq_subscriptions_stripe_subscription_id unique (stripe_subscription_id),
    constraint ck_subscriptions_tier check (tier in ('free', 'pro', 'team', 'enterprise')),
    constraint ck_subscriptions_status check (
        status in (
            'active', 'trialing', 'past_due', 'canceled',
            'unpaid', 'paused', 'incomplete', 'incomplete_expired'
        )
    ),
    constraint ck_subscriptions_period_order check (current_period_end >= current_period_start)
);

create index if not exists idx_subscriptions_user_id_created_at
    on public.subscriptions (user_id, created_at desc);
create index if not exists idx_subscriptions_stripe_customer_id
    on public.subscriptions (stripe_customer_id);
create index if not exists idx_subscriptions_status_current_period_end
    on public.subscriptions (status, current_period_end);
create index if not exists idx_subscriptions_tier_status
    on public.subscriptions (tier, status);
create index if not exists idx_subscriptions_canceled_at
    on public.subscriptions (canceled_at);
create index if not exists idx_subscriptions_created_at
    on public.subscriptions (created_at);

create or replace trigger trg_subscriptions_updated_at
    before update on public.subscriptions
    for each row execute function public.set_updated_at();

comment on table public.subscriptions is 'Paid plans of people, mirrored from the payment provider.';
comment on column public.subscriptions.id is
    'Identifier of the subscription, made by the database when the writer gives none.';
comment on column public.subscriptions.user_id is
    'Account that pays. References auth.users.id (cross-database, no foreign key).';
comment on column public.subscriptions.stripe_subscription_id is
    'Handle of the plan at the payment provider.';
comment on column public.subscriptions.stripe_customer_id is 'Handle of the payer at the payment provider.';
comment on column public.subscriptions.price_id is 'Handle of the price at the payment provider.';
comment on column public.subscriptions.tier is 'Product tier the plan unlocks.';
comment on column public.subscriptions.status is 'Standing of the plan.';
comment on column public.subscriptions.current_period_start is 'Start of the period now paid for.';
comment on column public.subscriptions.current_period_end is 'End of the period now paid for.';
comment on column public.subscriptions.billing_cycle_anchor is 'Date the charging rhythm hangs on.';
comment on column public.subscriptions.cancel_at_period_end is
    'True when it will lapse at the end of the period.';
comment on column public.subscriptions.canceled_at is 'Moment it was called off.';
comment on column public.subscriptions.stripe_metadata is 'Custom fields held at the payment provider.';
comment on column public.subscriptions.created_at is 'Moment the subscription row was written.';
comment on column public.subscriptions.updated_at is
    'Moment the subscription row last changed, kept by a trigger.';
comment on index public.subscriptions_pkey is 'one plan by its id; target of its bills';
comment on index public.uq_subscriptions_stripe_subscription_id is
    'a plan is mirrored once; the plan behind a notice from the payment provider';
comment on index public.idx_subscriptions_user_id_created_at is 'a person''s plans, newest first';
comment on index public.idx_subscriptions_stripe_customer_id is 'plans of one payer at the payment provider';
comment on index public.idx_subscriptions_status_current_period_end is 'renewals that fall due';
comment on index public.idx_subscriptions_tier_status is 'live plans and income per tier';
comment on index public.idx_subscriptions_canceled_at is 'plans called off within a span of time';
comment on index public.idx_subscriptions_created_at is 'plans begun within a span of time';


-- A bill outlives its plan.
create table if not exists public.invoices (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    subscription_id uuid,
    stripe_invoice_id varchar(255) not null,
    stripe_customer_id varchar(255) not null,
    amount_due numeric(10,2) not null,
    amount_paid numeric(10,2) not null,
    currency varchar(3) not null default 'usd',
    status varchar(20) not null default 'draft',
    invoice_date timestamptz,
    due_date timestamptz,
    paid_at timestamptz,
    hosted_invoice_url varchar(500),
    pdf_url varchar(500),
    invoice_metadata jsonb default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint invoices_pkey primary key (id),
    constraint uq_invoices_stripe_invoice_id unique (stripe_invoice_id),
    constraint fk_invoices_subscription_id
        foreign key (subscription_id) references public.subscriptions (id) on delete set null,
    constraint ck_invoices_status check (status in ('draft', 'open', 'paid', 'uncollectible', 'void')),
    constraint ck_invoices_currency_code check (currency ~ '^[A-Za-z]{3}$'),
    constraint ck_invoices_amount_due_min check (amount_due >= 0),
    constraint ck_invoices_amount_paid_min check (amount_paid >= 0)
);

create index if not exists idx_invoices_user_id_invoice_date
    on public.invoices (user_id, invoice_date desc);
create index if not exists idx_invoices_subscription_id
    on public.invoices (subscription_id);
create index if not exists idx_invoices_stripe_customer_id
    on public.invoices (stripe_customer_id);
create index if not exists idx_invoices_status_due_date
    on public.invoices (status, due_date);
create index if not exists idx_invoices_invoice_date
    on public.invoices (invoice_date desc);

create or replace trigger trg_invoices_updated_at
    before update on public.invoices
    for each row execute function public.set_updated_at();

comment on table public.invoices is 'Bills sent to people, mirrored from the payment provider.';
comment on column public.invoices.id is
    'Identifier of the invoice, made by the database when the writer gives none.';
comment on column public.invoices.user_id is
    'Account that was billed. References auth.users.id (cross-database, no foreign key).';
comment on column public.invoices.subscription_id is 'Plan the bill is for; empty for one-off charges.';
comment on column public.invoices.stripe_invoice_id is 'Handle of the bill at the payment provider.';
comment on column public.invoices.stripe_customer_id is 'Handle of the payer at the payment provider.';
comment on column public.invoices.amount_due is 'Sum asked for.';
comment on column public.invoices.amount_paid is 'Sum received.';
comment on column public.invoices.currency is 'Three-letter code of the money used.';
comment on column public.invoices.status is 'State of the bill.';
comment on column public.invoices.invoice_date is 'Date of issue.';
comment on column public.invoices.due_date is 'Date payment is expected.';
comment on column public.invoices.paid_at is 'Moment payment arrived.';
comment on column public.invoices.hosted_invoice_url is 'Web page of the bill at the payment provider.';
comment on column public.invoices.pdf_url is 'Printable copy of the bill.';
comment on column public.invoices.invoice_metadata is 'Custom fields of the bill.';
comment on column public.invoices.created_at is 'Moment the invoice row was written.';
comment on column public.invoices.updated_at is 'Moment the invoice row last changed, kept by a trigger.';
comment on index public.invoices_pkey is 'one bill by its id';
comment on index public.uq_invoices_stripe_invoice_id is
    'a bill is mirrored once; the bill behind a notice from the payment provider';
comment on index public.idx_invoices_user_id_invoice_date is 'a person''s bills by date';
comment on index public.idx_invoices_subscription_id is 'bills of one plan; foreign key';
comment on index public.idx_invoices_stripe_customer_id is 'bills of one payer at the payment provider';
comment on index public.idx_invoices_status_due_date is 'unpaid bills that fall due';
comment on index public.idx_invoices_invoice_date is 'all bills by date';
