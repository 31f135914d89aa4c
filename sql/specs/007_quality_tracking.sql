-- 007_quality_tracking.sql (series specs)
--
-- Makes maturity_tracking (marks of a project per topic, over time) and test_results (whether
-- the chosen technologies work together).
-- Why: projects.maturity_score holds only the latest mark in all; these tables tell how it came
-- about and what is still weak.
-- Rolling back loses the history of marks and the findings of all trials.

create table if not exists public.maturity_tracking (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    category varchar(100) not null,
    score integer not null,
    details jsonb default '{}'::jsonb,
    calculated_at timestamptz not null default now(),
    constraint maturity_tracking_pkey primary key (id),
    constraint fk_maturity_tracking_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_maturity_tracking_score_range check (score >= 0 and score <= 100)
);

create index if not exists idx_maturity_tracking_project_id_calculated_at
    on public.maturity_tracking (project_id, calculated_at desc);
create index if not exists idx_maturity_tracking_category_score
    on public.maturity_tracking (category, score);
create index if not exists idx_maturity_tracking_calculated_at
    on public.maturity_tracking (calculated_at);

comment on table public.maturity_tracking is 'Maturity of a project per topic, over time.';
comment on column public.maturity_tracking.id is
    'Identifier of the maturity reading, made by the database when the writer gives none.';
comment on column public.maturity_tracking.project_id is 'Project that was rated.';
comment on column public.maturity_tracking.category is 'Topic that was rated.';
comment on column public.maturity_tracking.score is 'Mark for the topic, in percent.';
comment on column public.maturity_tracking.details is 'What went into the mark.';
comment on column public.maturity_tracking.calculated_at is 'Moment the mark was worked out.';
comment on index public.maturity_tracking_pkey is 'one mark by its id';
comment on index public.idx_maturity_tracking_project_id_calculated_at is
    'a project''s marks, newest first; foreign key';
comment on index public.idx_maturity_tracking_category_score is 'one topic over all projects, weakest first';
comment on index public.idx_maturity_tracking_calculated_at is 'all marks, newest first';


create table if not exists public.test_results (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    test_type varchar(50) not null,
    technology_stack jsonb not null,
    test_status varchar(20) not null,
    results jsonb,
    error_message text,
    started_at timestamptz not null default now(),
    completed_at timestamptz,
    constraint test_results_pkey primary key (id),
    constraint fk_test_results_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_test_results_test_status check (test_status in ('pending', 'running', 'passed', 'failed'))
);

create index if not exists idx_test_results_project_id_started_at
    on public.test_results (project_id, started_at desc);
create index if not exists idx_test_results_test_status_started_at
    on public.test_results (test_status, started_at desc);
create index if not exists idx_test_results_started_at
    on public.test_results (started_at);

comment on table public.test_results is 'Outcomes of trying whether the chosen technologies work together.';
comment on column public.test_results.id is
    'Identifier of the test run, made by the database when the writer gives none.';
comment on column public.test_results.project_id is 'Project whose choices were tried.';
comment on column public.test_results.test_type is 'Kind of trial, such as compatibility.';
comment on column public.test_results.technology_stack is 'Technologies tried, with their versions.';
comment on column public.test_results.test_status is 'Progress or verdict of the trial.';
comment on column public.test_results.results is 'Findings of the trial.';
comment on column public.test_results.error_message is 'Why the trial broke, if it did.';
comment on column public.test_results.started_at is 'Moment the trial began.';
comment on column public.test_results.completed_at is 'Moment the trial ended.';
comment on index public.test_results_pkey is 'one trial by its id';
comment on index public.idx_test_results_project_id_started_at is
    'a project''s trials, newest first; foreign key';
comment on index public.idx_test_results_test_status_started_at is 'trials in one state, latest first';
comment on index public.idx_test_results_started_at is 'all trials, newest first';
