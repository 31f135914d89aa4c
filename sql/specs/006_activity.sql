-- 006_activity.sql (series specs)
--
-- Makes activity_logs (the feed of what people did in a project) and project_invitations
-- (offers by mail to work on one).
-- Why: collaborators need to see what changed while they were away, and people who have no
-- account yet can only be invited by their mail address.
-- Rolling back loses the feed of every project and all offers that wait for an answer.

create table if not exists public.activity_logs (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    user_id uuid not null,
    action_type varchar(50) not null,
    entity_type varchar(50) not null,
    entity_id uuid,
    description text not null,
    action_metadata jsonb default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint activity_logs_pkey primary key (id),
    constraint fk_activity_logs_project_id
        foreign key (project_id) references public.projects (id) on delete cascade
);

create index if not exists idx_activity_logs_project_id_created_at
    on public.activity_logs (project_id, created_at desc);
create index if not exists idx_activity_logs_user_id
    on public.activity_logs (user_id);
create index if not exists idx_activity_logs_entity_type_entity_id
    on public.activity_logs (entity_type, entity_id);
create index if not exists idx_activity_logs_action_type
    on public.activity_logs (action_type);
-- Ascending, though it is read backwards: new rows come last, where a btree leaves its pages full.
create index if not exists idx_activity_logs_created_at
    on public.activity_logs (created_at);

create or replace trigger trg_activity_logs_updated_at
    before update on public.activity_logs
    for each row execute function public.set_updated_at();

-- Nobody edits a trail: whoever gets more rights on a new table keeps those to add and to read. Foreign keys
-- work with the owner's rights, so what goes takes along or empties here what it must.
do $body$
declare
    other record;
begin
    for other in
        select distinct
            x.privilege_type as privilege,
            case x.grantee when 0::pg_catalog.oid then 'public' else x.grantee::pg_catalog.regrole::text end as grantee
        from pg_catalog.pg_class as c
        cross join lateral pg_catalog.aclexplode(c.relacl) as x
        where c.oid = 'public.activity_logs'::pg_catalog.regclass::pg_catalog.oid
            and x.grantee <> c.relowner
            and x.privilege_type not in ('SELECT', 'INSERT')
    loop
        execute pg_catalog.format(
            'revoke %s on public.activity_logs from %s cascade', other.privilege, other.grantee
        );
    end loop;
end;
$body$;

comment on table public.activity_logs is 'Feed of what people did in projects.';
comment on column public.activity_logs.id is
    'Identifier of the activity entry, made by the database when the writer gives none.';
comment on column public.activity_logs.project_id is 'Project it happened in.';
comment on column public.activity_logs.user_id is
    'Account that acted. References auth.users.id (cross-database, no foreign key).';
comment on column public.activity_logs.action_type is 'Code of what was done, such as spec_created.';
comment on column public.activity_logs.entity_type is 'Kind of thing touched.';
comment on column public.activity_logs.entity_id is 'Key of the thing touched.';
comment on column public.activity_logs.description is 'One line for the feed.';
comment on column public.activity_logs.action_metadata is
    'Extra context, such as the values before and after.';
comment on column public.activity_logs.created_at is 'Moment the activity entry row was written.';
comment on column public.activity_logs.updated_at is
    'Moment the activity entry row last changed, kept by a trigger.';
comment on index public.activity_logs_pkey is 'one entry of the feed by its id';
comment on index public.idx_activity_logs_project_id_created_at is
    'a project''s feed, newest first; foreign key';
comment on index public.idx_activity_logs_user_id is 'a person''s actions';
comment on index public.idx_activity_logs_entity_type_entity_id is 'history of one thing';
comment on index public.idx_activity_logs_action_type is 'one kind of action over all projects';
comment on index public.idx_activity_logs_created_at is 'all actions, newest first';


-- status is in upper case, as the models write and read it, like the states of conflicts.
create table if not exists public.project_invitations (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    invited_by uuid not null,
    invited_email varchar(255) not null,
    invited_user_id uuid,
    role varchar(20) not null default 'editor',
    status varchar(20) not null default 'PENDING',
    message text,
    expires_at timestamptz,
    accepted_at timestamptz,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint project_invitations_pkey primary key (id),
    constraint fk_project_invitations_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_project_invitations_role check (role in ('viewer', 'editor', 'owner')),
    constraint ck_project_invitations_status
        check (status in ('PENDING', 'ACCEPTED', 'DECLINED', 'EXPIRED', 'REVOKED'))
);

create index if not exists idx_project_invitations_project_id_created_at
    on public.project_invitations (project_id, created_at desc);
create index if not exists idx_project_invitations_invited_email_created_at
    on public.project_invitations (invited_email, created_at desc);
create index if not exists idx_project_invitations_invited_user_id_status
    on public.project_invitations (invited_user_id, status);
create index if not exists idx_project_invitations_invited_by
    on public.project_invitations (invited_by);
create index if not exists idx_project_invitations_status_expires_at
    on public.project_invitations (status, expires_at);
create index if not exists idx_project_invitations_created_at
    on public.project_invitations (created_at);

create or replace trigger trg_project_invitations_updated_at
    before update on public.project_invitations
    for each row execute function public.set_updated_at();

comment on table public.project_invitations is 'Offers by mail to work on a project.';
comment on column public.project_invitations.id is
    'Identifier of the project invitation, made by the database when the writer gives none.';
comment on column public.project_invitations.project_id is 'Project on offer.';
comment on column public.project_invitations.invited_by is
    'Account that sent the offer. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_invitations.invited_email is 'Mail address the offer went to.';
comment on column public.project_invitations.invited_user_id is
    'Account of the invited person, once known. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_invitations.role is 'What the person may do once the offer is taken up.';
comment on column public.project_invitations.status is 'State of the offer.';
comment on column public.project_invitations.message is 'Personal words from the sender.';
comment on column public.project_invitations.expires_at is 'Moment the offer lapses.';
comment on column public.project_invitations.accepted_at is 'Moment it was taken up.';
comment on column public.project_invitations.metadata is 'Extra facts such as reminders sent.';
comment on column public.project_invitations.created_at is 'Moment the project invitation row was written.';
comment on column public.project_invitations.updated_at is
    'Moment the project invitation row last changed, kept by a trigger.';
comment on index public.project_invitations_pkey is 'one project offer by its id';
comment on index public.idx_project_invitations_project_id_created_at is
    'a project''s offers, newest first; foreign key';
comment on index public.idx_project_invitations_invited_email_created_at is
    'all offers to a mail address, newest first';
comment on index public.idx_project_invitations_invited_user_id_status is 'offers waiting for a known person';
comment on index public.idx_project_invitations_invited_by is 'offers a person has sent';
comment on index public.idx_project_invitations_status_expires_at is 'open offers that lapse';
comment on index public.idx_project_invitations_created_at is 'all offers, newest first';
