-- 001_create_tasks_table.sql (series todo)
--
-- Makes tasks (what a person has to do).
-- Why: the dashboard lists a person's tasks, newest first, so an index holds them in that order. The
-- plain index on user_id repeats its beginning and is kept on purpose: it is the one for the foreign
-- key, and smaller. A task goes with its person.
-- Rolling back loses every task of everybody, done or not.

create table if not exists public.tasks (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    title varchar(255) not null,
    description text,
    completed boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tasks_pkey primary key (id),
    constraint fk_tasks_user_id foreign key (user_id) references public.users (id) on delete cascade
);

create index if not exists idx_tasks_user_id
    on public.tasks (user_id);
create index if not exists idx_tasks_user_id_created_at
    on public.tasks (user_id, created_at desc);

create or replace trigger trg_tasks_updated_at
    before update on public.tasks
    for each row execute function public.set_updated_at();

comment on table public.tasks is 'Things a person has to do.';
comment on column public.tasks.id is
    'Identifier of the task, made by the database when the writer gives none.';
comment on column public.tasks.user_id is 'Person the task belongs to; it goes when the person goes.';
comment on column public.tasks.title is 'What has to be done, in a few words.';
comment on column public.tasks.description is 'Details of the task.';
comment on column public.tasks.completed is 'True once it is done.';
comment on column public.tasks.created_at is 'Moment the task row was written.';
comment on column public.tasks.updated_at is 'Moment the task row last changed, kept by a trigger.';
comment on index public.tasks_pkey is 'one task by its id';
comment on index public.idx_tasks_user_id is 'a person''s tasks; foreign key';
comment on index public.idx_tasks_user_id_created_at is 'the dashboard: a person''s tasks, newest first';
