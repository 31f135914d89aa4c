-- 001_generated_content.sql (series specs)
--
-- Makes generated_projects (one row per run of code generation) and generated_files (what the
-- run wrote).
-- Why apart from the core: the contents can be produced again from the specifications, and the
-- texts of the files take more room than everything else about a project.
-- Rolling back loses all runs, their figures and the text of every generated file.

-- generation_status is in upper case, as the models write and read it, like the states of conflicts.
create table if not exists public.generated_projects (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    generation_version integer not null default 1,
    total_files integer not null default 0,
    total_lines integer not null default 0,
    test_coverage numeric(5,2),
    quality_score integer,
    traceability_score integer,
    download_url text,
    generation_started_at timestamptz not null default now(),
    generation_completed_at timestamptz,
    generation_status varchar(20) not null default 'PENDING',
    error_message text,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint generated_projects_pkey primary key (id),
    constraint uq_generated_projects_project_id_generation_version unique (project_id, generation_version),
    constraint fk_generated_projects_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_generated_projects_generation_status
        check (generation_status in ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED')),
    constraint ck_generated_projects_generation_version_min check (generation_version >= 1),
    constraint ck_generated_projects_total_files_min check (total_files >= 0),
    constraint ck_generated_projects_total_lines_min check (total_lines >= 0),
    constraint ck_generated_projects_test_coverage_range check (test_coverage >= 0 and test_coverage <= 100),
    constraint ck_generated_projects_quality_score_range check (quality_score >= 0 and quality_score <= 100),
    constraint ck_generated_projects_traceability_score_range
        check (traceability_score >= 0 and traceability_score <= 100)
);

create index if not exists idx_generated_projects_generation_status_generation_started_at
    on public.generated_projects (generation_status, generation_started_at desc);
create index if not exists idx_generated_projects_generation_started_at
    on public.generated_projects (generation_started_at);
create index if not exists idx_generated_projects_generation_completed_at
    on public.generated_projects (generation_completed_at desc);

create or replace trigger trg_generated_projects_updated_at
    before update on public.generated_projects
    for each row execute function public.set_updated_at();

comment on table public.generated_projects is
    'One run of code generation for a project and what it produced.';
comment on column public.generated_projects.id is
    'Identifier of the generation run, made by the database when the writer gives none.';
comment on column public.generated_projects.project_id is 'Project the code was generated from.';
comment on column public.generated_projects.generation_version is
    'Running number of the run within the project.';
comment on column public.generated_projects.total_files is 'Number of files produced.';
comment on column public.generated_projects.total_lines is 'Number of code lines produced.';
comment on column public.generated_projects.test_coverage is
    'Share of the code reached by tests, in percent.';
comment on column public.generated_projects.quality_score is 'Overall quality mark, in percent.';
comment on column public.generated_projects.traceability_score is
    'Share of specifications that found their way into code, in percent.';
comment on column public.generated_projects.download_url is 'Where the packaged result can be fetched.';
comment on column public.generated_projects.generation_started_at is 'Moment the run began.';
comment on column public.generated_projects.generation_completed_at is 'Moment the run ended.';
comment on column public.generated_projects.generation_status is 'Progress of the run.';
comment on column public.generated_projects.error_message is 'Why the run failed, if it did.';
comment on column public.generated_projects.metadata is 'Extra facts such as the model used.';
comment on column public.generated_projects.created_at is 'Moment the generation run row was written.';
comment on column public.generated_projects.updated_at is
    'Moment the generation run row last changed, kept by a trigger.';
comment on index public.generated_projects_pkey is
    'one generation run by its id; target of the files it wrote';
comment on index public.uq_generated_projects_project_id_generation_version is
    'one run per project and running number, and the latest number of a project; foreign key';
comment on index public.idx_generated_projects_generation_status_generation_started_at is
    'runs that are waiting, going on or failed';
comment on index public.idx_generated_projects_generation_started_at is 'all runs by start';
comment on index public.idx_generated_projects_generation_completed_at is 'runs finished lately';


create table if not exists public.generated_files (
    id uuid not null default gen_random_uuid(),
    generated_project_id uuid not null,
    file_path varchar(500) not null,
    file_content text,
    file_size integer,
    spec_ids jsonb default '[]'::jsonb,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint generated_files_pkey primary key (id),
    constraint fk_generated_files_generated_project_id
        foreign key (generated_project_id) references public.generated_projects (id) on delete cascade,
    constraint ck_generated_files_file_size_min check (file_size >= 0)
);

create index if not exists idx_generated_files_generated_project_id_file_path
    on public.generated_files (generated_project_id, file_path);
create index if not exists idx_generated_files_file_path
    on public.generated_files (file_path);
create index if not exists idx_generated_files_spec_ids
    on public.generated_files using gin (spec_ids);

create or replace trigger trg_generated_files_updated_at
    before update on public.generated_files
    for each row execute function public.set_updated_at();

comment on table public.generated_files is 'Single files written by a generation run.';
comment on column public.generated_files.id is
    'Identifier of the generated file, made by the database when the writer gives none.';
comment on column public.generated_files.generated_project_id is 'Run that wrote the file.';
comment on column public.generated_files.file_path is 'Location inside the generated tree.';
comment on column public.generated_files.file_content is 'Text of the file.';
comment on column public.generated_files.file_size is 'Length of the text.';
comment on column public.generated_files.spec_ids is
    'Ids of the facts this file puts into practice, as a JSON list.';
comment on column public.generated_files.metadata is 'Extra facts such as a checksum.';
comment on column public.generated_files.created_at is 'Moment the generated file row was written.';
comment on column public.generated_files.updated_at is
    'Moment the generated file row last changed, kept by a trigger.';
comment on index public.generated_files_pkey is 'one generated file by its id';
comment on index public.idx_generated_files_generated_project_id_file_path is
    'the tree of one run, and one file of it; foreign key';
comment on index public.idx_generated_files_file_path is 'the same file over several runs';
comment on index public.idx_generated_files_spec_ids is 'files that trace back to a given specification';
