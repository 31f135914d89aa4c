-- 003_add_messages_table.sql (series todo)
--
-- Makes messages (what was said in a thread, and the tools the assistant used for it).
-- Why user_id beside conversation_id: an audit asks for everything said in one person's threads
-- without a detour through conversations. A message goes with its thread, and with its person.
-- The plain index on conversation_id is kept on purpose, as in 001_create_tasks_table.
-- Rolling back loses everything that was ever said; the threads stay, empty.

create table if not exists public.messages (
    id uuid not null default gen_random_uuid(),
    conversation_id uuid not null,
    user_id uuid not null,
    role varchar(20) not null,
    content text not null,
    tool_calls jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint messages_pkey primary key (id),
    constraint fk_messages_conversation_id
        foreign key (conversation_id) references public.conversations (id) on delete cascade,
    constraint fk_messages_user_id foreign key (user_id) references public.users (id) on delete cascade,
    constraint ck_messages_role check (role in ('user', 'agent'))
);

create index if not exists idx_messages_conversation_id
    on public.messages (conversation_id);
create index if not exists idx_messages_user_id
    on public.messages (user_id);
create index if not exists idx_messages_conversation_id_created_at
    on public.messages (conversation_id, created_at);

create or replace trigger trg_messages_updated_at
    before update on public.messages
    for each row execute function public.set_updated_at();

comment on table public.messages is 'What was said in a thread, by the person or the assistant.';
comment on column public.messages.id is
    'Identifier of the message, made by the database when the writer gives none.';
comment on column public.messages.conversation_id is
    'Thread the message belongs to; it goes when the thread goes.';
comment on column public.messages.user_id is 'Person whose thread it is; their messages go when they go.';
comment on column public.messages.role is 'Who spoke.';
comment on column public.messages.content is 'What was said.';
comment on column public.messages.tool_calls is
    'Tools the assistant used for this message, for the audit trail.';
comment on column public.messages.created_at is 'Moment the message row was written.';
comment on column public.messages.updated_at is 'Moment the message row last changed, kept by a trigger.';
comment on index public.messages_pkey is 'one message by its id';
comment on index public.idx_messages_conversation_id is 'all messages of a thread; foreign key';
comment on index public.idx_messages_user_id is
    'everything said in a person''s threads, for audits; foreign key';
comment on index public.idx_messages_conversation_id_created_at is 'a thread in order';
