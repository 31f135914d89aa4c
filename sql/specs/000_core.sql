-- 000_core.sql (series specs)
--
-- Makes the heart of the product: projects, the sessions held on them, questions and messages
-- exchanged there, the specifications that came out and the conflicts between those; also the
-- trigger functions set_updated_at() and fill_project_owner().
-- Why first: every later file of this series refers to a project or a session.
-- Accounts live in the auth database. Columns that hold one are plain uuid columns with an
-- index; whether the account exists is for the application to check.
-- Rolling back loses all projects with everything people have said and settled in them.

create or replace function public.set_updated_at()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $body$
begin
    if new.updated_at is not distinct from old.updated_at then
        new.updated_at := now();
    end if;
    return new;
end;
$body$;

comment on function public.set_updated_at() is
    'Trigger function: puts now() into updated_at unless the statement itself changes updated_at.';


create or replace function public.fill_project_owner()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $body$
begin
    new.creator_id := coalesce(new.creator_id, new.user_id);
    new.owner_id := coalesce(new.owner_id, new.user_id);
    return new;
end;
$body$;

comment on function public.fill_project_owner() is
    'Trigger function: creator_id and owner_id of a new project take user_id when left empty.';


-- Callers give user_id; a trigger fills creator_id and owner_id from it, so readers may rely on all three.
create table if not exists public.projects (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    creator_id uuid,
    owner_id uuid,
    name varchar(255) not null,
    description text,
    current_phase varchar(50) not null default 'discovery',
    maturity_score integer not null default 0,
    status varchar(20) not null default 'active',
    metadata jsonb not null default '{}'::jsonb,
    archived_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint projects_pkey primary key (id),
    constraint ck_projects_maturity_score_range check (maturity_score >= 0 and maturity_score <= 100),
    constraint ck_projects_current_phase
        check (current_phase in ('discovery', 'analysis', 'design', 'implementation')),
    constraint ck_projects_status check (status in ('active', 'archived', 'completed'))
);

create index if not exists idx_projects_user_id_status
    on public.projects (user_id, status);
create index if not exists idx_projects_user_id_created_at
    on public.projects (user_id, created_at desc);
create index if not exists idx_projects_owner_id_status
    on public.projects (owner_id, status);
create index if not exists idx_projects_owner_id_created_at
    on public.projects (owner_id, created_at desc);
create index if not exists idx_projects_creator_id
    on public.projects (creator_id);
create index if not exists idx_projects_status_created_at
    on public.projects (status, created_at desc);
create index if not exists idx_projects_current_phase
    on public.projects (current_phase);
create index if not exists idx_projects_maturity_score
    on public.projects (maturity_score);
create index if not exists idx_projects_created_at
    on public.projects (created_at);
create index if not exists idx_projects_archived_at
    on public.projects (archived_at);

create or replace trigger trg_projects_updated_at
    before update on public.projects
    for each row execute function public.set_updated_at();
create or replace trigger trg_projects_fill_owner
    before insert on public.projects
    for each row execute function public.fill_project_owner();

comment on table public.projects is
    'A piece of software somebody is specifying: ownership, phase and maturity.';
comment on column public.projects.id is
    'Identifier of the project, made by the database when the writer gives none.';
comment on column public.projects.user_id is
    'Account the project is listed under; the older name of the owner. References auth.users.id (cross-database, no foreign key).';
comment on column public.projects.creator_id is
    'Account that first made the project, unchanged by a transfer; taken from user_id when left empty. References auth.users.id (cross-database, no foreign key).';
comment on column public.projects.owner_id is
    'Account that owns the project today, changed by a transfer; taken from user_id when left empty. References auth.users.id (cross-database, no foreign key).';
comment on column public.projects.name is 'Display name of the project.';
comment on column public.projects.description is 'Free text about the project''s aim.';
comment on column public.projects.current_phase is 'Step of the workflow the project has reached.';
comment on column public.projects.maturity_score is 'How complete the specification is, in percent.';
comment on column public.projects.status is 'Whether the project is in use, finished or put away.';
comment on column public.projects.metadata is 'Custom fields of the project.';
comment on column public.projects.archived_at is 'Moment the project was put away; empty while live.';
comment on column public.projects.created_at is 'Moment the project row was written.';
comment on column public.projects.updated_at is 'Moment the project row last changed, kept by a trigger.';
comment on index public.projects_pkey is 'one project by its id; target of the foreign keys on projects';
comment on index public.idx_projects_user_id_status is 'a person''s projects in one state';
comment on index public.idx_projects_user_id_created_at is 'a person''s projects, newest first';
comment on index public.idx_projects_owner_id_status is 'projects an owner has in one state';
comment on index public.idx_projects_owner_id_created_at is 'an owner''s projects, newest first';
comment on index public.idx_projects_creator_id is 'projects a person once started';
comment on index public.idx_projects_status_created_at is 'projects in one state, newest first';
comment on index public.idx_projects_current_phase is 'projects that have reached one phase';
comment on index public.idx_projects_maturity_score is 'projects ranked by maturity';
comment on index public.idx_projects_created_at is 'all projects, newest first';
comment on index public.idx_projects_archived_at is 'live projects (empty value) and put-away ones by age';


create table if not exists public.sessions (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    mode varchar(50) not null default 'socratic',
    status varchar(20) not null default 'active',
    domain varchar(100),
    metadata jsonb not null default '{}'::jsonb,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sessions_pkey primary key (id),
    constraint fk_sessions_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_sessions_mode check (mode in ('socratic', 'direct_chat')),
    constraint ck_sessions_status check (status in ('active', 'paused', 'completed', 'archived'))
);

create index if not exists idx_sessions_project_id_created_at
    on public.sessions (project_id, created_at desc);
create index if not exists idx_sessions_project_id_status
    on public.sessions (project_id, status);
create index if not exists idx_sessions_status_started_at
    on public.sessions (status, started_at desc);
create index if not exists idx_sessions_mode
    on public.sessions (mode);
create index if not exists idx_sessions_started_at
    on public.sessions (started_at);
create index if not exists idx_sessions_created_at
    on public.sessions (created_at);

create or replace trigger trg_sessions_updated_at
    before update on public.sessions
    for each row execute function public.set_updated_at();

comment on table public.sessions is
    'One sitting in which a person works on a project, question by question or in free chat.';
comment on column public.sessions.id is
    'Identifier of the session, made by the database when the writer gives none.';
comment on column public.sessions.project_id is 'Project being worked on.';
comment on column public.sessions.mode is 'Whether the system asks questions or just chats.';
comment on column public.sessions.status is 'State of the session.';
comment on column public.sessions.domain is 'Knowledge area the questions are drawn from.';
comment on column public.sessions.metadata is 'Custom fields of the session.';
comment on column public.sessions.started_at is 'Moment the session began.';
comment on column public.sessions.ended_at is 'Moment the session closed; empty while open.';
comment on column public.sessions.created_at is 'Moment the session row was written.';
comment on column public.sessions.updated_at is 'Moment the session row last changed, kept by a trigger.';
comment on constraint ck_sessions_mode on public.sessions is
    'The models take any text; a mode that nothing knows would be a session that nobody can go on with. The application sees: an endpoint that passes the field on without looking at it answers 500 to another word, until it validates it.';
comment on constraint ck_sessions_status on public.sessions is
    'The models take any text; a state that no list asks for would hide the session. The application sees: an endpoint that passes the field on without looking at it answers 500 to another word, until it validates it.';
comment on index public.sessions_pkey is 'one session by its id; target of the foreign keys on sessions';
comment on index public.idx_sessions_project_id_created_at is
    'a project''s sessions, newest first; foreign key';
comment on index public.idx_sessions_project_id_status is 'a project''s open sessions';
comment on index public.idx_sessions_status_started_at is 'sessions in one state, latest start first';
comment on index public.idx_sessions_mode is 'sessions held in one mode';
comment on index public.idx_sessions_started_at is 'all sessions by start';
comment on index public.idx_sessions_created_at is 'sessions of a day, for the activity figures';


create table if not exists public.questions (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    session_id uuid not null,
    text text not null,
    category varchar(50) not null,
    context text,
    quality_score numeric(3,2) not null default 1.0,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint questions_pkey primary key (id),
    constraint fk_questions_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint fk_questions_session_id
        foreign key (session_id) references public.sessions (id) on delete cascade,
    constraint ck_questions_quality_score_range check (quality_score >= 0 and quality_score <= 1)
);

create index if not exists idx_questions_project_id_created_at
    on public.questions (project_id, created_at desc);
create index if not exists idx_questions_project_id_category
    on public.questions (project_id, category);
create index if not exists idx_questions_session_id_created_at
    on public.questions (session_id, created_at desc);
create index if not exists idx_questions_category
    on public.questions (category);
create index if not exists idx_questions_created_at
    on public.questions (created_at);

create or replace trigger trg_questions_updated_at
    before update on public.questions
    for each row execute function public.set_updated_at();

comment on table public.questions is 'Questions put to the person to draw out specifications.';
comment on column public.questions.id is
    'Identifier of the question, made by the database when the writer gives none.';
comment on column public.questions.project_id is 'Project the question is about.';
comment on column public.questions.session_id is 'Session in which it was asked.';
comment on column public.questions.text is 'Wording put to the person.';
comment on column public.questions.category is 'Topic the question probes.';
comment on column public.questions.context is 'Why the question is worth asking.';
comment on column public.questions.quality_score is 'Rating given by quality control, from 0 to 1.';
comment on column public.questions.metadata is 'Extra facts about the question.';
comment on column public.questions.created_at is 'Moment the question row was written.';
comment on column public.questions.updated_at is 'Moment the question row last changed, kept by a trigger.';
comment on index public.questions_pkey is 'one question by its id';
comment on index public.idx_questions_project_id_created_at is
    'a project''s questions, newest first; foreign key';
comment on index public.idx_questions_project_id_category is 'a project''s questions on one topic';
comment on index public.idx_questions_session_id_created_at is 'latest question of a session; foreign key';
comment on index public.idx_questions_category is 'questions on one topic over all projects';
comment on index public.idx_questions_created_at is 'all questions, newest first';


-- Extraction gives key and value, a template only content; a row with neither wording says nothing.
-- A replaced row stays, marked by is_current, and points at the row that took over.
create table if not exists public.specifications (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    session_id uuid,
    category varchar(100) not null,
    key varchar(255),
    value text,
    content text,
    source varchar(50) not null,
    confidence numeric(3,2),
    is_current boolean not null default true,
    metadata jsonb not null default '{}'::jsonb,
    spec_metadata jsonb,
    superseded_at timestamptz,
    superseded_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint specifications_pkey primary key (id),
    constraint fk_specifications_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint fk_specifications_session_id
        foreign key (session_id) references public.sessions (id) on delete set null,
    constraint fk_specifications_superseded_by
        foreign key (superseded_by) references public.specifications (id) on delete set null,
    constraint ck_specifications_confidence_range check (confidence >= 0 and confidence <= 1),
    constraint ck_specifications_superseded_by_other check (superseded_by <> id),
    constraint ck_specifications_wording_present check (value is not null or content is not null)
);

create index if not exists idx_specifications_project_id_category
    on public.specifications (project_id, category)
    where is_current = true;
create index if not exists idx_specifications_project_id_key
    on public.specifications (project_id, key);
create index if not exists idx_specifications_session_id
    on public.specifications (session_id);
create index if not exists idx_specifications_superseded_by
    on public.specifications (superseded_by);
create index if not exists idx_specifications_category_is_current
    on public.specifications (category, is_current);
-- Ascending, though it is read backwards: new rows come last, where a btree leaves its pages full.
create index if not exists idx_specifications_created_at
    on public.specifications (created_at);

create or replace trigger trg_specifications_updated_at
    before update on public.specifications
    for each row execute function public.set_updated_at();

comment on table public.specifications is
    'Facts settled about a project, as key and value with provenance and succession.';
comment on column public.specifications.id is
    'Identifier of the specification, made by the database when the writer gives none.';
comment on column public.specifications.project_id is 'Project the fact belongs to.';
comment on column public.specifications.session_id is 'Session that produced the fact, if known.';
comment on column public.specifications.category is 'Topic the fact falls under.';
comment on column public.specifications.key is
    'Short name of the fact; empty for facts taken over from a template.';
comment on column public.specifications.value is 'Settled value of the fact.';
comment on column public.specifications.content is
    'Longer wording or notes; the fact itself where no value is given.';
comment on column public.specifications.source is 'Where the fact came from.';
comment on column public.specifications.confidence is 'How sure the extraction is, from 0 to 1.';
comment on column public.specifications.is_current is 'True for the wording in force, false once replaced.';
comment on column public.specifications.metadata is 'Custom fields of the fact.';
comment on column public.specifications.spec_metadata is
    'Details of the extraction, such as the question it came from.';
comment on column public.specifications.superseded_at is 'Moment a newer wording took over.';
comment on column public.specifications.superseded_by is 'Row that took over.';
comment on column public.specifications.created_at is 'Moment the specification row was written.';
comment on column public.specifications.updated_at is
    'Moment the specification row last changed, kept by a trigger.';
comment on index public.specifications_pkey is 'one fact by its id; target of superseded_by';
comment on index public.idx_specifications_project_id_category is
    'a project''s facts in force on one topic, and how many there are of each';
comment on index public.idx_specifications_project_id_key is
    'a project''s facts, and all wordings one key has had in it; foreign key';
comment on index public.idx_specifications_session_id is 'facts that came out of one session; foreign key';
comment on index public.idx_specifications_superseded_by is 'wordings a row has replaced; foreign key';
comment on index public.idx_specifications_category_is_current is
    'facts on one topic over all projects, all of them or those in force';
comment on index public.idx_specifications_created_at is 'all facts, newest first';


create table if not exists public.conversation_history (
    id uuid not null default gen_random_uuid(),
    session_id uuid not null,
    role varchar(20) not null,
    content text not null,
    message_type varchar(50),
    tokens_used integer,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    constraint conversation_history_pkey primary key (id),
    constraint fk_conversation_history_session_id
        foreign key (session_id) references public.sessions (id) on delete cascade,
    constraint ck_conversation_history_role check (role in ('user', 'assistant', 'system')),
    constraint ck_conversation_history_tokens_used_min check (tokens_used >= 0)
);

create index if not exists idx_conversation_history_session_id_created_at
    on public.conversation_history (session_id, created_at);
-- Ascending, though it is read backwards: new rows come last, where a btree leaves its pages full.
create index if not exists idx_conversation_history_created_at
    on public.conversation_history (created_at);

comment on table public.conversation_history is 'Every message exchanged in a session, in order.';
comment on column public.conversation_history.id is
    'Identifier of the message, made by the database when the writer gives none.';
comment on column public.conversation_history.session_id is 'Session the message belongs to.';
comment on column public.conversation_history.role is 'Who spoke: the person, the model or the system.';
comment on column public.conversation_history.content is 'What was said.';
comment on column public.conversation_history.message_type is
    'Purpose of the message, such as question or answer.';
comment on column public.conversation_history.tokens_used is 'Model tokens spent on the message.';
comment on column public.conversation_history.metadata is 'Extra facts such as the linked question or model.';
comment on column public.conversation_history.created_at is 'Moment the message was recorded.';
comment on index public.conversation_history_pkey is 'one message by its id';
comment on index public.idx_conversation_history_session_id_created_at is
    'a conversation in order, and its last messages; foreign key';
comment on index public.idx_conversation_history_created_at is 'all messages, newest first';


-- type, severity and status have one spelling, upper case: the models store and read the names of their
-- enums, and one row in lower case would make every list that holds it unreadable. spec_ids is a jsonb list,
-- because that is what the models write.
create table if not exists public.conflicts (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    type varchar(50) not null,
    description text not null,
    spec_ids jsonb not null default '[]'::jsonb,
    severity varchar(20) not null,
    status varchar(20) not null default 'OPEN',
    resolution text,
    detected_at timestamptz not null default now(),
    resolved_at timestamptz,
    resolved_by_user boolean not null default false,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint conflicts_pkey primary key (id),
    constraint fk_conflicts_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_conflicts_type check (type in ('TECHNOLOGY', 'REQUIREMENT', 'TIMELINE', 'RESOURCE')),
    constraint ck_conflicts_severity check (severity in ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    constraint ck_conflicts_status check (status in ('OPEN', 'RESOLVED', 'IGNORED'))
);

create index if not exists idx_conflicts_project_id_status
    on public.conflicts (project_id, status);
create index if not exists idx_conflicts_project_id_detected_at
    on public.conflicts (project_id, detected_at desc);
create index if not exists idx_conflicts_status_detected_at
    on public.conflicts (status, detected_at desc);
create index if not exists idx_conflicts_severity_status
    on public.conflicts (severity, status);
create index if not exists idx_conflicts_type
    on public.conflicts (type);
create index if not exists idx_conflicts_detected_at
    on public.conflicts (detected_at);
create index if not exists idx_conflicts_spec_ids
    on public.conflicts using gin (spec_ids);

create or replace trigger trg_conflicts_updated_at
    before update on public.conflicts
    for each row execute function public.set_updated_at();

comment on table public.conflicts is
    'Contradictions found between specifications, and how they were settled.';
comment on column public.conflicts.id is
    'Identifier of the conflict, made by the database when the writer gives none.';
comment on column public.conflicts.project_id is 'Project in which the contradiction sits.';
comment on column public.conflicts.type is 'Nature of the contradiction.';
comment on column public.conflicts.description is 'What contradicts what.';
comment on column public.conflicts.spec_ids is 'List of the specification ids involved.';
comment on column public.conflicts.severity is 'How much harm it does if left alone.';
comment on column public.conflicts.status is 'Whether it still needs a decision.';
comment on column public.conflicts.resolution is 'Decision taken and its reason.';
comment on column public.conflicts.detected_at is 'Moment it was found.';
comment on column public.conflicts.resolved_at is 'Moment it was settled.';
comment on column public.conflicts.resolved_by_user is 'True when a person, not the system, decided.';
comment on column public.conflicts.metadata is 'Extra facts about the finding.';
comment on column public.conflicts.created_at is 'Moment the conflict row was written.';
comment on column public.conflicts.updated_at is 'Moment the conflict row last changed, kept by a trigger.';
comment on index public.conflicts_pkey is 'one conflict by its id';
comment on index public.idx_conflicts_project_id_status is
    'a project''s open conflicts, before code generation; foreign key';
comment on index public.idx_conflicts_project_id_detected_at is
    'a project''s conflicts, latest finding first';
comment on index public.idx_conflicts_status_detected_at is 'open conflicts everywhere, latest first';
comment on index public.idx_conflicts_severity_status is 'grave conflicts that are still open';
comment on index public.idx_conflicts_type is 'conflicts of one nature';
comment on index public.idx_conflicts_detected_at is 'all conflicts, latest finding first';
comment on index public.idx_conflicts_spec_ids is 'conflicts that involve a given specification';
