-- 002_add_conversations_table.sql (series todo)
--
-- Makes conversations (the threads in which a person talks to the assistant).
-- Why: a person finds the threads again in a list, the one that changed last first, and an index
-- holds them in that order. The plain index on user_id is kept on purpose, as in 001_create_tasks_table.
-- Rolling back loses every thread; people and tasks stay.

create table if not exists public.conversations (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    title varchar(255),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint conversations_pkey primary key (id),
    constraint fk_conversations_user_id foreign key (user_id) references public.users (id) on delete cascade
);

create index if not exists idx_conversations_user_id
    on public.conversations (user_id);
create index if not exists idx_conversations_user_id_updated_at
    on public.conversations (user_id, updated_at desc);

create or replace trigger trg_conversations_updated_at
    before update on public.conversations
    for each row execute function public.set_updated_at();

comment on table public.conversations is 'Threads in which a person talks to the assistant.';
comment on column public.conversations.id is
    'Identifier of the conversation, made by the database when the writer gives none.';
comment on column public.conversations.user_id is
    'Person the thread belongs to; it goes when the person goes.';
comment on column public.conversations.title is 'Heading shown in lists.';
comment on column public.conversations.created_at is 'Moment the conversation row was written.';
comment on column public.conversations.updated_at is
    'Moment the conversation row last changed, kept by a trigger.';
comment on index public.conversations_pkey is
    'one conversation by its id; target of the foreign key of messages';
comment on index public.idx_conversations_user_id is 'a person''s threads; foreign key';
comment on index public.idx_conversations_user_id_updated_at is 'a person''s threads, latest change first';
