-- 005_analytics_search.sql (series specs)
--
-- Makes document_chunks (pieces of documents, for retrieval), notification_preferences, and the
-- business figures by day or month: analytics_metrics, daily_active_users,
-- monthly_recurring_revenue, churn_analysis, feature_usage and conversion_funnel.
-- Why tables and not views: the figures are worked out once, at the end of the day, from data
-- that changes or goes away afterwards.
-- Rolling back loses the history of all figures and everybody's mail settings. Chunks can be
-- cut again from the documents.

create table if not exists public.analytics_metrics (
    id uuid not null default gen_random_uuid(),
    metric_type varchar(100) not null,
    metric_name varchar(100) not null,
    value numeric(20,4) not null default 0,
    date date not null,
    tags jsonb default '{}'::jsonb,
    metrics_metadata text,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint analytics_metrics_pkey primary key (id)
);

create index if not exists idx_analytics_metrics_metric_name_date
    on public.analytics_metrics (metric_name, date desc);
create index if not exists idx_analytics_metrics_date
    on public.analytics_metrics (date);
create index if not exists idx_analytics_metrics_tags
    on public.analytics_metrics using gin (tags);

create or replace trigger trg_analytics_metrics_updated_at
    before update on public.analytics_metrics
    for each row execute function public.set_updated_at();

comment on table public.analytics_metrics is 'Aggregated business figures by day.';
comment on column public.analytics_metrics.id is
    'Identifier of the figure, made by the database when the writer gives none.';
comment on column public.analytics_metrics.metric_type is 'Family of the figure, such as usage or revenue.';
comment on column public.analytics_metrics.metric_name is 'Name of the figure.';
comment on column public.analytics_metrics.value is 'The figure itself.';
comment on column public.analytics_metrics.date is 'Day the figure is for.';
comment on column public.analytics_metrics.tags is 'Labels of the figure.';
comment on column public.analytics_metrics.metrics_metadata is 'Free remarks on the figure, plain text.';
comment on column public.analytics_metrics.metadata is 'Structured extra facts.';
comment on column public.analytics_metrics.created_at is 'Moment the figure row was written.';
comment on column public.analytics_metrics.updated_at is
    'Moment the figure row last changed, kept by a trigger.';
comment on index public.analytics_metrics_pkey is 'one figure by its id';
comment on index public.idx_analytics_metrics_metric_name_date is 'history of one figure';
comment on index public.idx_analytics_metrics_date is 'all figures of a day';
comment on index public.idx_analytics_metrics_tags is 'figures that carry a label';


create table if not exists public.document_chunks (
    id uuid not null default gen_random_uuid(),
    document_id uuid not null,
    chunk_index integer not null,
    content text not null,
    embedding_vector jsonb,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint document_chunks_pkey primary key (id),
    constraint uq_document_chunks_document_id_chunk_index unique (document_id, chunk_index),
    constraint fk_document_chunks_document_id
        foreign key (document_id) references public.knowledge_base_documents (id) on delete cascade,
    constraint ck_document_chunks_chunk_index_min check (chunk_index >= 0)
);

create index if not exists idx_document_chunks_chunk_index
    on public.document_chunks (chunk_index);

create or replace trigger trg_document_chunks_updated_at
    before update on public.document_chunks
    for each row execute function public.set_updated_at();

comment on table public.document_chunks is
    'Pieces of documents cut for retrieval, with their meaning vectors.';
comment on column public.document_chunks.id is
    'Identifier of the chunk, made by the database when the writer gives none.';
comment on column public.document_chunks.document_id is 'Document the piece was cut from.';
comment on column public.document_chunks.chunk_index is 'Place of the piece within the document, from 0.';
comment on column public.document_chunks.content is 'Text of the piece.';
comment on column public.document_chunks.embedding_vector is
    'Meaning vector as a JSON list of 1536 numbers, readable without pgvector.';
comment on column public.document_chunks.metadata is 'Extra facts such as the language.';
comment on column public.document_chunks.created_at is 'Moment the chunk row was written.';
comment on column public.document_chunks.updated_at is
    'Moment the chunk row last changed, kept by a trigger.';
comment on index public.document_chunks_pkey is 'one piece by its id';
comment on index public.uq_document_chunks_document_id_chunk_index is
    'one piece per place in a document, and its pieces in order; foreign key';
comment on index public.idx_document_chunks_chunk_index is 'opening pieces of all documents';


create table if not exists public.notification_preferences (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    email_on_conflict boolean not null default true,
    email_on_maturity boolean not null default true,
    email_on_mention boolean not null default true,
    email_on_activity boolean not null default false,
    digest_frequency varchar(20) not null default 'daily',
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint notification_preferences_pkey primary key (id),
    constraint uq_notification_preferences_user_id unique (user_id),
    constraint ck_notification_preferences_digest_frequency
        check (digest_frequency in ('real_time', 'daily', 'weekly', 'off'))
);

create index if not exists idx_notification_preferences_digest_frequency
    on public.notification_preferences (digest_frequency);

create or replace trigger trg_notification_preferences_updated_at
    before update on public.notification_preferences
    for each row execute function public.set_updated_at();

comment on table public.notification_preferences is
    'What a person wants to be told by mail and how often; one row per person.';
comment on column public.notification_preferences.id is
    'Identifier of the preference, made by the database when the writer gives none.';
comment on column public.notification_preferences.user_id is
    'Account the choice belongs to. References auth.users.id (cross-database, no foreign key).';
comment on column public.notification_preferences.email_on_conflict is 'Mail when specifications contradict.';
comment on column public.notification_preferences.email_on_maturity is
    'Mail when a maturity milestone is reached.';
comment on column public.notification_preferences.email_on_mention is 'Mail when the person is mentioned.';
comment on column public.notification_preferences.email_on_activity is 'Mail when colleagues do something.';
comment on column public.notification_preferences.digest_frequency is 'Rhythm of the summary mail.';
comment on column public.notification_preferences.metadata is 'Extra choices such as project filters.';
comment on column public.notification_preferences.created_at is 'Moment the preference row was written.';
comment on column public.notification_preferences.updated_at is
    'Moment the preference row last changed, kept by a trigger.';
comment on index public.notification_preferences_pkey is 'one preference by its id';
comment on index public.uq_notification_preferences_user_id is
    'one row per person, and the choice of a person';
comment on index public.idx_notification_preferences_digest_frequency is
    'people to serve in one run of the summary mail';


create table if not exists public.daily_active_users (
    id uuid not null default gen_random_uuid(),
    date date not null,
    count integer not null default 0,
    new_users integer not null default 0,
    returning_users integer not null default 0,
    breakdown jsonb default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint daily_active_users_pkey primary key (id),
    constraint uq_daily_active_users_date unique (date)
);

create or replace trigger trg_daily_active_users_updated_at
    before update on public.daily_active_users
    for each row execute function public.set_updated_at();

comment on table public.daily_active_users is 'People active per day.';
comment on column public.daily_active_users.id is
    'Identifier of the daily count, made by the database when the writer gives none.';
comment on column public.daily_active_users.date is 'Day counted.';
comment on column public.daily_active_users.count is 'People seen that day.';
comment on column public.daily_active_users.new_users is 'People who signed up that day.';
comment on column public.daily_active_users.returning_users is
    'People seen less people signed up; a difference, so it can fall below zero.';
comment on column public.daily_active_users.breakdown is 'Count split by tier or region.';
comment on column public.daily_active_users.created_at is 'Moment the daily count row was written.';
comment on column public.daily_active_users.updated_at is
    'Moment the daily count row last changed, kept by a trigger.';
comment on index public.daily_active_users_pkey is 'one daily count by its id';
comment on index public.uq_daily_active_users_date is 'one count per day, and the counts of a span of days';


create table if not exists public.monthly_recurring_revenue (
    id uuid not null default gen_random_uuid(),
    month_start date not null,
    total_mrr numeric(12,2) not null default 0,
    new_mrr numeric(12,2) not null default 0,
    churned_mrr numeric(12,2) not null default 0,
    by_tier jsonb default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint monthly_recurring_revenue_pkey primary key (id),
    constraint uq_monthly_recurring_revenue_month_start unique (month_start)
);

create or replace trigger trg_monthly_recurring_revenue_updated_at
    before update on public.monthly_recurring_revenue
    for each row execute function public.set_updated_at();

comment on table public.monthly_recurring_revenue is 'Recurring income per month.';
comment on column public.monthly_recurring_revenue.id is
    'Identifier of the revenue reading, made by the database when the writer gives none.';
comment on column public.monthly_recurring_revenue.month_start is 'First day of the month.';
comment on column public.monthly_recurring_revenue.total_mrr is 'Income of the month.';
comment on column public.monthly_recurring_revenue.new_mrr is 'Income from plans begun that month.';
comment on column public.monthly_recurring_revenue.churned_mrr is 'Income lost that month.';
comment on column public.monthly_recurring_revenue.by_tier is 'Income split by tier.';
comment on column public.monthly_recurring_revenue.created_at is
    'Moment the revenue reading row was written.';
comment on column public.monthly_recurring_revenue.updated_at is
    'Moment the revenue reading row last changed, kept by a trigger.';
comment on index public.monthly_recurring_revenue_pkey is 'one revenue reading by its id';
comment on index public.uq_monthly_recurring_revenue_month_start is
    'one reading per month, and the readings of a span of months';


create table if not exists public.churn_analysis (
    id uuid not null default gen_random_uuid(),
    date date not null,
    churned_users integer not null default 0,
    churn_rate_percent numeric(5,2) not null default 0,
    by_tier jsonb default '{}'::jsonb,
    by_region jsonb default '{}'::jsonb,
    reasons jsonb default '[]'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint churn_analysis_pkey primary key (id),
    constraint uq_churn_analysis_date unique (date)
);

create or replace trigger trg_churn_analysis_updated_at
    before update on public.churn_analysis
    for each row execute function public.set_updated_at();

comment on table public.churn_analysis is 'People who gave up their plan, per day.';
comment on column public.churn_analysis.id is
    'Identifier of the churn reading, made by the database when the writer gives none.';
comment on column public.churn_analysis.date is 'Day counted.';
comment on column public.churn_analysis.churned_users is 'People who left.';
comment on column public.churn_analysis.churn_rate_percent is 'Share of payers who left.';
comment on column public.churn_analysis.by_tier is 'Share split by tier.';
comment on column public.churn_analysis.by_region is 'Share split by region.';
comment on column public.churn_analysis.reasons is 'Main reasons given.';
comment on column public.churn_analysis.created_at is 'Moment the churn reading row was written.';
comment on column public.churn_analysis.updated_at is
    'Moment the churn reading row last changed, kept by a trigger.';
comment on index public.churn_analysis_pkey is 'one churn reading by its id';
comment on index public.uq_churn_analysis_date is 'one reading per day, and the readings of a span of days';


create table if not exists public.feature_usage (
    id uuid not null default gen_random_uuid(),
    date date not null,
    feature_name varchar(100) not null,
    users_using integer not null default 0,
    total_uses integer not null default 0,
    avg_uses_per_user numeric(6,2) not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint feature_usage_pkey primary key (id)
);

create index if not exists idx_feature_usage_date_feature_name
    on public.feature_usage (date, feature_name);
create index if not exists idx_feature_usage_feature_name_date
    on public.feature_usage (feature_name, date desc);

create or replace trigger trg_feature_usage_updated_at
    before update on public.feature_usage
    for each row execute function public.set_updated_at();

comment on table public.feature_usage is 'Uptake of single features per day.';
comment on column public.feature_usage.id is
    'Identifier of the usage reading, made by the database when the writer gives none.';
comment on column public.feature_usage.date is 'Day counted.';
comment on column public.feature_usage.feature_name is 'Feature counted.';
comment on column public.feature_usage.users_using is 'People who used it.';
comment on column public.feature_usage.total_uses is 'Uses in all.';
comment on column public.feature_usage.avg_uses_per_user is 'Mean uses per person.';
comment on column public.feature_usage.created_at is 'Moment the usage reading row was written.';
comment on column public.feature_usage.updated_at is
    'Moment the usage reading row last changed, kept by a trigger.';
comment on index public.feature_usage_pkey is 'one usage reading by its id';
comment on index public.idx_feature_usage_date_feature_name is 'all features of a day';
comment on index public.idx_feature_usage_feature_name_date is 'uptake of one feature over time';


create table if not exists public.conversion_funnel (
    id uuid not null default gen_random_uuid(),
    date date not null,
    signups integer not null default 0,
    trial_started integer not null default 0,
    trial_to_paid integer not null default 0,
    paid_users integer not null default 0,
    conversion_rate_percent numeric(5,2) not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint conversion_funnel_pkey primary key (id),
    constraint uq_conversion_funnel_date unique (date)
);

create or replace trigger trg_conversion_funnel_updated_at
    before update on public.conversion_funnel
    for each row execute function public.set_updated_at();

comment on table public.conversion_funnel is 'Way from sign-up to paid plan, per day.';
comment on column public.conversion_funnel.id is
    'Identifier of the funnel reading, made by the database when the writer gives none.';
comment on column public.conversion_funnel.date is 'Day counted.';
comment on column public.conversion_funnel.signups is 'People who signed up.';
comment on column public.conversion_funnel.trial_started is 'Trials begun.';
comment on column public.conversion_funnel.trial_to_paid is 'Trials that became paid plans.';
comment on column public.conversion_funnel.paid_users is 'People on a paid plan.';
comment on column public.conversion_funnel.conversion_rate_percent is 'Share of sign-ups that pay.';
comment on column public.conversion_funnel.created_at is 'Moment the funnel reading row was written.';
comment on column public.conversion_funnel.updated_at is
    'Moment the funnel reading row last changed, kept by a trigger.';
comment on index public.conversion_funnel_pkey is 'one funnel reading by its id';
comment on index public.uq_conversion_funnel_date is
    'one reading per day, and the readings of a span of days';
