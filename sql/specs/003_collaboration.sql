-- 003_collaboration.sql (series specs)
--
-- Makes teams, team_members and team_invitations (people who work together), project_shares
-- and project_collaborators (who may enter a project) and project_ownership_history (transfers).
-- Why here and not in auth: access is always access to a project, so project and team can be
-- real foreign keys and only the account is a plain uuid.
-- Rolling back loses all teams, offers and access rights, so only owners reach their projects,
-- and the trail of who owned what.

-- A name may occur twice: two companies may both have a "Backend" team.
create table if not exists public.teams (
    id uuid not null default gen_random_uuid(),
    name varchar(255) not null,
    description text,
    created_by uuid not null,
    metadata jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint teams_pkey primary key (id)
);

create index if not exists idx_teams_created_by_created_at
    on public.teams (created_by, created_at desc);
create index if not exists idx_teams_name
    on public.teams (name);
create index if not exists idx_teams_created_at
    on public.teams (created_at);

create or replace trigger trg_teams_updated_at
    before update on public.teams
    for each row execute function public.set_updated_at();

comment on table public.teams is 'Groups of people who share projects.';
comment on column public.teams.id is
    'Identifier of the team, made by the database when the writer gives none.';
comment on column public.teams.name is 'Display name of the team.';
comment on column public.teams.description is 'What the team is about.';
comment on column public.teams.created_by is
    'Account that founded the team. References auth.users.id (cross-database, no foreign key).';
comment on column public.teams.metadata is 'Custom fields of the team.';
comment on column public.teams.created_at is 'Moment the team row was written.';
comment on column public.teams.updated_at is 'Moment the team row last changed, kept by a trigger.';
comment on index public.teams_pkey is 'one team by its id; target of members, offers and shares';
comment on index public.idx_teams_created_by_created_at is 'a founder''s teams, newest first';
comment on index public.idx_teams_name is 'a team by its name';
comment on index public.idx_teams_created_at is 'all teams, newest first';


create table if not exists public.team_members (
    id uuid not null default gen_random_uuid(),
    team_id uuid not null,
    user_id uuid not null,
    role varchar(50) not null,
    metadata jsonb not null default '{}'::jsonb,
    joined_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint team_members_pkey primary key (id),
    constraint uq_team_members_team_id_user_id unique (team_id, user_id),
    constraint fk_team_members_team_id foreign key (team_id) references public.teams (id) on delete cascade,
    constraint ck_team_members_role check (role in ('owner', 'lead', 'developer', 'viewer'))
);

create index if not exists idx_team_members_team_id_joined_at
    on public.team_members (team_id, joined_at);
create index if not exists idx_team_members_user_id_role
    on public.team_members (user_id, role);
create index if not exists idx_team_members_role
    on public.team_members (role);

create or replace trigger trg_team_members_updated_at
    before update on public.team_members
    for each row execute function public.set_updated_at();

comment on table public.team_members is 'Who belongs to which team and in what capacity.';
comment on column public.team_members.id is
    'Identifier of the membership, made by the database when the writer gives none.';
comment on column public.team_members.team_id is 'Team joined.';
comment on column public.team_members.user_id is
    'Account that joined. References auth.users.id (cross-database, no foreign key).';
comment on column public.team_members.role is 'Capacity within the team.';
comment on column public.team_members.metadata is 'Extra facts such as skills.';
comment on column public.team_members.joined_at is 'Moment the member joined.';
comment on column public.team_members.created_at is 'Moment the membership row was written.';
comment on column public.team_members.updated_at is
    'Moment the membership row last changed, kept by a trigger.';
comment on index public.team_members_pkey is 'one membership by its id';
comment on index public.uq_team_members_team_id_user_id is
    'a person joins a team once; whether someone belongs to a team; foreign key';
comment on index public.idx_team_members_team_id_joined_at is 'a team''s members in order of joining';
comment on index public.idx_team_members_user_id_role is 'a person''s memberships by capacity';
comment on index public.idx_team_members_role is 'members in one capacity over all teams';


create table if not exists public.team_invitations (
    id uuid not null default gen_random_uuid(),
    team_id uuid not null,
    invited_by uuid not null,
    invited_email varchar(255) not null,
    role varchar(50) not null,
    token varchar(255) not null,
    expires_at timestamptz not null,
    accepted boolean not null default false,
    accepted_at timestamptz,
    created_at timestamptz not null default now(),
    constraint team_invitations_pkey primary key (id),
    constraint uq_team_invitations_token unique (token),
    constraint fk_team_invitations_team_id
        foreign key (team_id) references public.teams (id) on delete cascade,
    constraint ck_team_invitations_role check (role in ('lead', 'developer', 'viewer'))
);

create index if not exists idx_team_invitations_team_id_created_at
    on public.team_invitations (team_id, created_at desc);
create index if not exists idx_team_invitations_invited_by
    on public.team_invitations (invited_by);
create index if not exists idx_team_invitations_invited_email_accepted
    on public.team_invitations (invited_email, accepted);
create index if not exists idx_team_invitations_accepted_expires_at
    on public.team_invitations (accepted, expires_at);

comment on table public.team_invitations is 'Offers by mail to join a team.';
comment on column public.team_invitations.id is
    'Identifier of the team invitation, made by the database when the writer gives none.';
comment on column public.team_invitations.team_id is 'Team on offer.';
comment on column public.team_invitations.invited_by is
    'Account that sent the offer. References auth.users.id (cross-database, no foreign key).';
comment on column public.team_invitations.invited_email is 'Mail address the offer went to.';
comment on column public.team_invitations.role is 'Capacity on offer; ownership cannot be offered.';
comment on column public.team_invitations.token is 'Secret carried by the link in the mail.';
comment on column public.team_invitations.expires_at is 'Moment after which the offer lapses.';
comment on column public.team_invitations.accepted is 'True once taken up.';
comment on column public.team_invitations.accepted_at is 'Moment it was taken up.';
comment on column public.team_invitations.created_at is 'Moment the team invitation row was written.';
comment on index public.team_invitations_pkey is 'one team offer by its id';
comment on index public.uq_team_invitations_token is
    'a token is given out once; the offer behind the link in the mail';
comment on index public.idx_team_invitations_team_id_created_at is
    'a team''s offers, newest first; foreign key';
comment on index public.idx_team_invitations_invited_by is 'offers a person has sent';
comment on index public.idx_team_invitations_invited_email_accepted is 'offers waiting for a mail address';
comment on index public.idx_team_invitations_accepted_expires_at is 'open offers that lapse';


create table if not exists public.project_shares (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    team_id uuid not null,
    shared_by uuid not null,
    permission_level varchar(20) not null,
    metadata jsonb not null default '{}'::jsonb,
    shared_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint project_shares_pkey primary key (id),
    constraint uq_project_shares_project_id_team_id unique (project_id, team_id),
    constraint fk_project_shares_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint fk_project_shares_team_id foreign key (team_id) references public.teams (id) on delete cascade,
    constraint ck_project_shares_permission_level check (permission_level in ('read', 'write', 'admin'))
);

create index if not exists idx_project_shares_team_id_shared_at
    on public.project_shares (team_id, shared_at desc);
create index if not exists idx_project_shares_shared_by
    on public.project_shares (shared_by);
create index if not exists idx_project_shares_permission_level
    on public.project_shares (permission_level);

create or replace trigger trg_project_shares_updated_at
    before update on public.project_shares
    for each row execute function public.set_updated_at();

comment on table public.project_shares is 'Access to a project given to a team.';
comment on column public.project_shares.id is
    'Identifier of the share, made by the database when the writer gives none.';
comment on column public.project_shares.project_id is 'Project being shared.';
comment on column public.project_shares.team_id is 'Team that gains access.';
comment on column public.project_shares.shared_by is
    'Account that gave the access. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_shares.permission_level is 'What the team may do.';
comment on column public.project_shares.metadata is 'Extra facts such as a note to the team.';
comment on column public.project_shares.shared_at is 'Moment the access was given.';
comment on column public.project_shares.created_at is 'Moment the share row was written.';
comment on column public.project_shares.updated_at is 'Moment the share row last changed, kept by a trigger.';
comment on index public.project_shares_pkey is 'one share by its id';
comment on index public.uq_project_shares_project_id_team_id is
    'a project is shared with a team once; what a team may do there; foreign key';
comment on index public.idx_project_shares_team_id_shared_at is
    'projects open to a team, newest first; foreign key';
comment on index public.idx_project_shares_shared_by is 'shares a person has given';
comment on index public.idx_project_shares_permission_level is 'shares of one strength';


create table if not exists public.project_collaborators (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    user_id uuid not null,
    role varchar(20) not null default 'viewer',
    added_by uuid not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint project_collaborators_pkey primary key (id),
    constraint uq_project_collaborators_project_id_user_id unique (project_id, user_id),
    constraint fk_project_collaborators_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_project_collaborators_role check (role in ('viewer', 'editor', 'owner'))
);

create index if not exists idx_project_collaborators_user_id_role
    on public.project_collaborators (user_id, role);
create index if not exists idx_project_collaborators_role
    on public.project_collaborators (role);
create index if not exists idx_project_collaborators_added_by
    on public.project_collaborators (added_by);

create or replace trigger trg_project_collaborators_updated_at
    before update on public.project_collaborators
    for each row execute function public.set_updated_at();

comment on table public.project_collaborators is
    'People with direct access to a project and what they may do.';
comment on column public.project_collaborators.id is
    'Identifier of the collaborator, made by the database when the writer gives none.';
comment on column public.project_collaborators.project_id is 'Project opened to the person.';
comment on column public.project_collaborators.user_id is
    'Account that gained access. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_collaborators.role is 'What the person may do.';
comment on column public.project_collaborators.added_by is
    'Account that opened the project to the person. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_collaborators.created_at is 'Moment the collaborator row was written.';
comment on column public.project_collaborators.updated_at is
    'Moment the collaborator row last changed, kept by a trigger.';
comment on constraint uq_project_collaborators_project_id_user_id on public.project_collaborators is
    'The models lack it; with two rows nobody could say what the person may do. The application sees: accepting a second invitation to the same project is an error 500, until it changes the role in the row that is there.';
comment on index public.project_collaborators_pkey is 'one collaborator by its id';
comment on index public.uq_project_collaborators_project_id_user_id is
    'a person is on a project once; what someone may do there; foreign key';
comment on index public.idx_project_collaborators_user_id_role is 'projects open to a person';
comment on index public.idx_project_collaborators_role is 'grants of one strength';
comment on index public.idx_project_collaborators_added_by is 'grants a person has made';


create table if not exists public.project_ownership_history (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    from_user_id uuid,
    to_user_id uuid not null,
    transferred_by uuid not null,
    reason varchar(255),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint project_ownership_history_pkey primary key (id),
    constraint fk_project_ownership_history_project_id
        foreign key (project_id) references public.projects (id) on delete cascade
);

create index if not exists idx_project_ownership_history_project_id_created_at
    on public.project_ownership_history (project_id, created_at desc);
create index if not exists idx_project_ownership_history_from_user_id
    on public.project_ownership_history (from_user_id);
create index if not exists idx_project_ownership_history_to_user_id
    on public.project_ownership_history (to_user_id);
create index if not exists idx_project_ownership_history_transferred_by
    on public.project_ownership_history (transferred_by);

create or replace trigger trg_project_ownership_history_updated_at
    before update on public.project_ownership_history
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
        where c.oid = 'public.project_ownership_history'::pg_catalog.regclass::pg_catalog.oid
            and x.grantee <> c.relowner
            and x.privilege_type not in ('SELECT', 'INSERT')
    loop
        execute pg_catalog.format(
            'revoke %s on public.project_ownership_history from %s cascade', other.privilege, other.grantee
        );
    end loop;
end;
$body$;

comment on table public.project_ownership_history is 'Trail of project transfers between owners.';
comment on column public.project_ownership_history.id is
    'Identifier of the transfer, made by the database when the writer gives none.';
comment on column public.project_ownership_history.project_id is 'Project handed over.';
comment on column public.project_ownership_history.from_user_id is
    'Account that gave it up; empty for the first owner. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_ownership_history.to_user_id is
    'Account that received it. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_ownership_history.transferred_by is
    'Account that carried out the transfer. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_ownership_history.reason is 'Why it was handed over.';
comment on column public.project_ownership_history.created_at is 'Moment the transfer row was written.';
comment on column public.project_ownership_history.updated_at is
    'Moment the transfer row last changed, kept by a trigger.';
comment on index public.project_ownership_history_pkey is 'one transfer by its id';
comment on index public.idx_project_ownership_history_project_id_created_at is
    'a project''s transfers, newest first; foreign key';
comment on index public.idx_project_ownership_history_from_user_id is 'projects a person has given up';
comment on index public.idx_project_ownership_history_to_user_id is 'projects a person has received';
comment on index public.idx_project_ownership_history_transferred_by is 'transfers a person has carried out';
