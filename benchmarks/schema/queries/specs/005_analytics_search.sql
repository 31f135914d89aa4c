-- Queries on 005_analytics_search and 008_pgvector.

-- staff family_of_figures: one family of figures in one week
-- values: analytics_metrics(metric_type)
select metric_name, date, value from public.analytics_metrics
where metric_type = $1 and date between '2025-03-01' and '2025-03-07' order by date desc;

-- staff history_of_a_figure: history of one figure
-- values: analytics_metrics(metric_name)
select date, value from public.analytics_metrics where metric_name = $1 order by date desc limit 90;

-- staff figures_of_a_day: all figures of one day
select metric_name, value from public.analytics_metrics where date = '2023-01-20';

-- staff figures_with_a_label: figures that carry one label
select metric_name, date, value from public.analytics_metrics where tags @> '{"release": 5}';

-- person pieces_of_a_document: a document's pieces in order
-- values: document_chunks(document_id)
select chunk_index, content from public.document_chunks where document_id = $1 order by chunk_index;

-- person piece_of_a_document: one piece, with its neighbours
-- values: document_chunks(document_id)
select chunk_index, content from public.document_chunks where document_id = $1 and chunk_index between 2 and 4;

-- job long_documents: pieces far behind, to find documents cut too fine
select document_id, chunk_index from public.document_chunks where chunk_index >= 300;

-- person nearest_pieces: pieces nearest in meaning (needs pgvector)
-- values: document_chunks(embedding_vec)
select id, content from public.document_chunks order by embedding_vec <=> $1::text::public.vector limit 5;

-- person nearest_documents: documents nearest in meaning (needs pgvector)
-- values: knowledge_base_documents(embedding_vec)
select id, filename from public.knowledge_base_documents
order by embedding_vec <=> $1::text::public.vector limit 5;

-- person mail_settings: what a person wants to be told by mail
-- values: notification_preferences(user_id)
select * from public.notification_preferences where user_id = $1;

-- job people_of_a_mail_run: people to serve in one run of the summary mail
select user_id from public.notification_preferences where digest_frequency = 'weekly';

-- staff people_per_day: people active in one month
select date, count, new_users from public.daily_active_users
where date between '2025-11-01' and '2025-11-30' order by date;

-- staff income_per_month: income of one year
select month_start, total_mrr from public.monthly_recurring_revenue
where month_start >= '2025-01-01' order by month_start;

-- staff people_who_left: people who left in one month
select date, churned_users from public.churn_analysis
where date between '2025-11-01' and '2025-11-30' order by date;

-- staff features_of_a_day: all features of one day
select feature_name, users_using, total_uses from public.feature_usage where date = '2023-01-20' order by feature_name;

-- staff uptake_of_a_feature: uptake of one feature over time
-- values: feature_usage(feature_name)
select date, users_using from public.feature_usage where feature_name = $1 order by date desc limit 90;

-- staff way_to_a_plan: from sign-up to paid plan, in one month
select date, signups, paid_users from public.conversion_funnel
where date between '2025-11-01' and '2025-11-30' order by date;
