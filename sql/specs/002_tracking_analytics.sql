-- 002_tracking_analytics.sql (series specs)
--
-- Makes quality_metrics (measurements of a project), user_behavior_patterns and
-- question_effectiveness (what was learned about a person), and knowledge_base_documents (files
-- people upload).
-- Why: questions are chosen by what worked with the same person before, and are grounded in the
-- documents of the project.
-- Rolling back loses every measurement, everything learned about people, and the text of the
-- uploaded documents, which exists nowhere else in this database.

create table if not exists public.quality_metrics (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    metric_type varchar(100) not null,
    metric_value numeric(10,2) not null,
    threshold numeric(10,2),
    passed boolean not null,
    details jsonb default '{}'::jsonb,
    metadata jsonb not null default '{}'::jsonb,
    calculated_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint quality_metrics_pkey primary key (id),
    constraint fk_quality_metrics_project_id
        foreign key (project_id) references public.projects (id) on delete cascade
);

create index if not exists idx_quality_metrics_project_id_calculated_at
    on public.quality_metrics (project_id, calculated_at desc);
create index if not exists idx_quality_metrics_project_id_passed
    on public.quality_metrics (project_id, passed);
create index if not exists idx_quality_metrics_metric_type
    on public.quality_metrics (metric_type);
create index if not exists idx_quality_metrics_calculated_at
    on public.quality_metrics (calculated_at);

comment on table public.quality_metrics is
    'Snapshots of quality measurements taken on a project; rows are not edited.';
comment on column public.quality_metrics.id is
    'Identifier of the measurement, made by the database when the writer gives none.';
comment on column public.quality_metrics.project_id is 'Project that was measured.';
comment on column public.quality_metrics.metric_type is 'What was measured, such as coverage.';
comment on column public.quality_metrics.metric_value is
    'Measured figure; the scale depends on what was measured.';
comment on column public.quality_metrics.threshold is 'Limit the figure is held against.';
comment on column public.quality_metrics.passed is 'Verdict against the limit.';
comment on column public.quality_metrics.details is 'Breakdown behind the figure.';
comment on column public.quality_metrics.metadata is 'Extra facts such as the tool used.';
comment on column public.quality_metrics.calculated_at is 'Moment the figure was worked out.';
comment on column public.quality_metrics.created_at is 'Moment the measurement row was written.';
comment on index public.quality_metrics_pkey is 'one measurement by its id';
comment on index public.idx_quality_metrics_project_id_calculated_at is
    'a project''s measurements, newest first; foreign key';
comment on index public.idx_quality_metrics_project_id_passed is 'a project''s failed checks';
comment on index public.idx_quality_metrics_metric_type is 'one measurement over all projects';
comment on index public.idx_quality_metrics_calculated_at is 'all measurements, newest first';


create table if not exists public.user_behavior_patterns (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    pattern_type varchar(50) not null,
    pattern_data jsonb not null,
    confidence numeric(3,2) not null,
    learned_from_projects jsonb default '[]'::jsonb,
    metadata jsonb not null default '{}'::jsonb,
    learned_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint user_behavior_patterns_pkey primary key (id),
    constraint ck_user_behavior_patterns_confidence_range check (confidence >= 0 and confidence <= 1)
);

create index if not exists idx_user_behavior_patterns_user_id_pattern_type
    on public.user_behavior_patterns (user_id, pattern_type);
create index if not exists idx_user_behavior_patterns_pattern_type_confidence
    on public.user_behavior_patterns (pattern_type, confidence desc);
create index if not exists idx_user_behavior_patterns_confidence
    on public.user_behavior_patterns (confidence desc);

create or replace trigger trg_user_behavior_patterns_updated_at
    before update on public.user_behavior_patterns
    for each row execute function public.set_updated_at();

comment on table public.user_behavior_patterns is 'Habits learned about how a person works and answers.';
comment on column public.user_behavior_patterns.id is
    'Identifier of the pattern, made by the database when the writer gives none.';
comment on column public.user_behavior_patterns.user_id is
    'Account the habit was seen in. References auth.users.id (cross-database, no foreign key).';
comment on column public.user_behavior_patterns.pattern_type is
    'Aspect of behaviour described, such as detail_level.';
comment on column public.user_behavior_patterns.pattern_data is 'What was learned about that aspect.';
comment on column public.user_behavior_patterns.confidence is 'How well supported the habit is, from 0 to 1.';
comment on column public.user_behavior_patterns.learned_from_projects is
    'List of project ids that contributed.';
comment on column public.user_behavior_patterns.metadata is 'Extra facts about the learning.';
comment on column public.user_behavior_patterns.learned_at is 'Moment the habit was first derived.';
comment on column public.user_behavior_patterns.created_at is 'Moment the pattern row was written.';
comment on column public.user_behavior_patterns.updated_at is
    'Moment the pattern row last changed, kept by a trigger.';
comment on index public.user_behavior_patterns_pkey is 'one habit by its id';
comment on index public.idx_user_behavior_patterns_user_id_pattern_type is
    'one habit of a person, and all of them';
comment on index public.idx_user_behavior_patterns_pattern_type_confidence is 'one habit over all people';
comment on index public.idx_user_behavior_patterns_confidence is 'best supported habits of all';


create table if not exists public.question_effectiveness (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    question_template_id varchar(100) not null,
    role varchar(50) not null,
    times_asked integer not null default 0,
    times_answered_well integer not null default 0,
    average_answer_length integer,
    average_spec_extraction_count numeric(5,2),
    effectiveness_score numeric(3,2),
    metadata jsonb not null default '{}'::jsonb,
    last_asked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint question_effectiveness_pkey primary key (id),
    constraint uq_question_effectiveness_user_id_question_template_id unique (user_id, question_template_id),
    constraint ck_question_effectiveness_effectiveness_score_range
        check (effectiveness_score >= 0 and effectiveness_score <= 1),
    constraint ck_question_effectiveness_times_asked_min check (times_asked >= 0),
    constraint ck_question_effectiveness_times_answered_well_min check (times_answered_well >= 0),
    constraint ck_question_effectiveness_average_answer_length_min check (average_answer_length >= 0)
);

create index if not exists idx_question_effectiveness_question_template_id
    on public.question_effectiveness (question_template_id);
create index if not exists idx_question_effectiveness_effectiveness_score
    on public.question_effectiveness (effectiveness_score desc);

create or replace trigger trg_question_effectiveness_updated_at
    before update on public.question_effectiveness
    for each row execute function public.set_updated_at();

comment on table public.question_effectiveness is 'How well a question template works with one person.';
comment on column public.question_effectiveness.id is
    'Identifier of the effectiveness record, made by the database when the writer gives none.';
comment on column public.question_effectiveness.user_id is
    'Account the figures are about. References auth.users.id (cross-database, no foreign key).';
comment on column public.question_effectiveness.question_template_id is
    'Code of the question template being rated.';
comment on column public.question_effectiveness.role is
    'Part the person plays, such as analyst or developer.';
comment on column public.question_effectiveness.times_asked is 'How often it was put.';
comment on column public.question_effectiveness.times_answered_well is 'How often it led to a useful reply.';
comment on column public.question_effectiveness.average_answer_length is
    'Mean length of replies, in characters.';
comment on column public.question_effectiveness.average_spec_extraction_count is
    'Mean number of facts gained per reply.';
comment on column public.question_effectiveness.effectiveness_score is 'Overall usefulness, from 0 to 1.';
comment on column public.question_effectiveness.metadata is 'Extra facts such as the trend.';
comment on column public.question_effectiveness.last_asked_at is 'Latest time it was put.';
comment on column public.question_effectiveness.created_at is
    'Moment the effectiveness record row was written.';
comment on column public.question_effectiveness.updated_at is
    'Moment the effectiveness record row last changed, kept by a trigger.';
comment on index public.question_effectiveness_pkey is 'one effectiveness record by its id';
comment on index public.uq_question_effectiveness_user_id_question_template_id is
    'one record per person and question template, and the one to update after an answer';
comment on index public.idx_question_effectiveness_question_template_id is
    'figures of one template over all people';
comment on index public.idx_question_effectiveness_effectiveness_score is
    'the questions that work best of all';


create table if not exists public.knowledge_base_documents (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    user_id uuid not null,
    filename varchar(255) not null,
    file_size integer not null,
    content_type varchar(100) not null,
    content text,
    embedding text,
    metadata jsonb not null default '{}'::jsonb,
    uploaded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint knowledge_base_documents_pkey primary key (id),
    constraint fk_knowledge_base_documents_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_knowledge_base_documents_file_size_min check (file_size >= 0)
);

create index if not exists idx_knowledge_base_documents_project_id_uploaded_at
    on public.knowledge_base_documents (project_id, uploaded_at desc);
create index if not exists idx_knowledge_base_documents_user_id_uploaded_at
    on public.knowledge_base_documents (user_id, uploaded_at desc);
-- Ascending, though it is read backwards: new rows come last, where a btree leaves its pages full.
create index if not exists idx_knowledge_base_documents_uploaded_at
    on public.knowledge_base_documents (uploaded_at);

create or replace trigger trg_knowledge_base_documents_updated_at
    before update on public.knowledge_base_documents
    for each row execute function public.set_updated_at();

comment on table public.knowledge_base_documents is 'Reference documents people upload to a project.';
comment on column public.knowledge_base_documents.id is
    'Identifier of the document, made by the database when the writer gives none.';
comment on column public.knowledge_base_documents.project_id is 'Project the file was uploaded to.';
comment on column public.knowledge_base_documents.user_id is
    'Account that uploaded the file. References auth.users.id (cross-database, no foreign key).';
comment on column public.knowledge_base_documents.filename is 'Original name of the uploaded file.';
comment on column public.knowledge_base_documents.file_size is 'Bytes the upload took.';
comment on column public.knowledge_base_documents.content_type is 'Media type of the file.';
comment on column public.knowledge_base_documents.content is 'Plain text taken from the document.';
comment on column public.knowledge_base_documents.embedding is
    'Meaning vector as a JSON list of 384 numbers, readable without pgvector.';
comment on column public.knowledge_base_documents.metadata is 'Extra facts such as the author.';
comment on column public.knowledge_base_documents.uploaded_at is 'Moment the document was brought in.';
comment on column public.knowledge_base_documents.created_at is 'Moment the document row was written.';
comment on column public.knowledge_base_documents.updated_at is
    'Moment the document row last changed, kept by a trigger.';
comment on index public.knowledge_base_documents_pkey is
    'one document by its id; target of the chunks cut from it';
comment on index public.idx_knowledge_base_documents_project_id_uploaded_at is
    'a project''s documents, newest first; foreign key';
comment on index public.idx_knowledge_base_documents_user_id_uploaded_at is
    'a person''s documents, newest first';
comment on index public.idx_knowledge_base_documents_uploaded_at is 'all documents, newest first';
