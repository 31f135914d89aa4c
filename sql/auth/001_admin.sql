-- 001_admin.sql (series auth)
--
-- Makes admin_roles (named bundles of permissions), admin_users (who holds which role, granted
-- by whom) and admin_audit_logs (what administrators did).
-- Why: users.role only tells staff from customers; finer rights need a record of who gave them,
-- and the trail must outlast the people in it, so it keeps their accounts from being removed.
-- Rolling back loses all roles and grants, so nobody has fine-grained admin rights, and the
-- trail of every action taken so far.

create table if not exists public.admin_roles (
    id uuid not null default gen_random_uuid(),
    name varchar(50) not null,
    description text,
    permissions jsonb not null default '[]'::jsonb,
    is_system_role boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint admin_roles_pkey primary key (id),
    constraint uq_admin_roles_name unique (name)
);

create or replace trigger trg_admin_roles_updated_at
    before update on public.admin_roles
    for each row execute function public.set_updated_at();

comment on table public.admin_roles is 'Named bundles of administration permissions.';
comment on column public.admin_roles.id is
    'Identifier of the admin role, made by the database when the writer gives none.';
comment on column public.admin_roles.name is 'Short code of the role, such as billing_admin.';
comment on column public.admin_roles.description is 'What the role is meant for.';
comment on column public.admin_roles.permissions is 'List of permission codes the role grants.';
comment on column public.admin_roles.is_system_role is
    'True for roles shipped with the product, which should not be edited.';
comment on column public.admin_roles.created_at is 'Moment the admin role row was written.';
comment on column public.admin_roles.updated_at is
    'Moment the admin role row last changed, kept by a trigger.';
comment on index public.admin_roles_pkey is 'one admin role by its id; target of the grants';
comment on index public.uq_admin_roles_name is 'one admin role per code, and look-up by it';


-- Grants. Withdrawing one fills revoked_at instead of deleting the row, so a role counts as held
-- once among the grants in force only. granted_by_id is "no action", not "restrict": it is checked
-- behind the cascade of user_id, so an account that granted something only to itself can go. That
-- holds while the keys stand in this order; a restored database has them in the order of their names.
create table if not exists public.admin_users (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    role_id uuid not null,
    granted_by_id uuid not null,
    reason varchar(255),
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint admin_users_pkey primary key (id),
    constraint fk_admin_users_user_id foreign key (user_id) references public.users (id) on delete cascade,
    constraint fk_admin_users_role_id
        foreign key (role_id) references public.admin_roles (id) on delete restrict,
    constraint fk_admin_users_granted_by_id
        foreign key (granted_by_id) references public.users (id) on delete no action
);

create unique index if not exists uq_admin_users_user_id_role_id_live
    on public.admin_users (user_id, role_id)
    where revoked_at is null;
create index if not exists idx_admin_users_user_id_revoked_at
    on public.admin_users (user_id, revoked_at);
create index if not exists idx_admin_users_role_id_revoked_at
    on public.admin_users (role_id, revoked_at);
create index if not exists idx_admin_users_granted_by_id
    on public.admin_users (granted_by_id);
create index if not exists idx_admin_users_revoked_at
    on public.admin_users (revoked_at);

create or replace trigger trg_admin_users_updated_at
    before update on public.admin_users
    for each row execute function public.set_updated_at();

comment on table public.admin_users is
    'Which account holds which admin role, who granted it and whether it was withdrawn.';
comment on column public.admin_users.id is
    'Identifier of the role grant, made by the database when the writer gives none.';
comment on column public.admin_users.user_id is 'Account that receives the role.';
comment on column public.admin_users.role_id is 'Role being granted; a role in use cannot be removed.';
comment on column public.admin_users.granted_by_id is
    'Administrator who made the grant; that account cannot be removed while the grant exists.';
comment on column public.admin_users.reason is 'Why the grant was made.';
comment on column public.admin_users.revoked_at is
    'Moment the grant was withdrawn; empty while it is in force.';
comment on column public.admin_users.created_at is 'Moment the role grant row was written.';
comment on column public.admin_users.updated_at is
    'Moment the role grant row last changed, kept by a trigger.';
comment on index public.admin_users_pkey is 'one role grant by its id';
comment on index public.uq_admin_users_user_id_role_id_live is
    'a person holds a role at most once at a time; a withdrawn grant may be made again';
comment on index public.idx_admin_users_user_id_revoked_at is 'grants of a person that are still in force';
comment on index public.idx_admin_users_role_id_revoked_at is 'present holders of a role, and how many';
comment on index public.idx_admin_users_granted_by_id is 'grants made by one administrator; foreign key';
comment on index public.idx_admin_users_revoked_at is 'list of all grants in force';


create table if not exists public.admin_audit_logs (
    id uuid not null default gen_random_uuid(),
    admin_id uuid not null,
    action varchar(50) not null,
    resource_type varchar(50) not null,
    resource_id varchar(255) not null,
    details jsonb default '{}'::jsonb,
    ip_address varchar(50),
    user_agent varchar(500),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint admin_audit_logs_pkey primary key (id),
    constraint fk_admin_audit_logs_admin_id
        foreign key (admin_id) references public.users (id) on delete restrict
);

create index if not exists idx_admin_audit_logs_admin_id_created_at
    on public.admin_audit_logs (admin_id, created_at desc);
create index if not exists idx_admin_audit_logs_action
    on public.admin_audit_logs (action);
create index if not exists idx_admin_audit_logs_resource_type_resource_id_created_at
    on public.admin_audit_logs (resource_type, resource_id, created_at desc);
-- Ascending, though it is read backwards: new rows come last, where a btree leaves its pages full.
create index if not exists idx_admin_audit_logs_created_at
    on public.admin_audit_logs (created_at);

create or replace trigger trg_admin_audit_logs_updated_at
    before update on public.admin_audit_logs
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
        where c.oid = 'public.admin_audit_logs'::pg_catalog.regclass::pg_catalog.oid
            and x.grantee <> c.relowner
            and x.privilege_type not in ('SELECT', 'INSERT')
    loop
        execute pg_catalog.format(
            'revoke %s on public.admin_audit_logs from %s cascade', other.privilege, other.grantee
        );
    end loop;
end;
$body$;

comment on table public.admin_audit_logs is 'Trail of what administrators did, to what, and from where.';
comment on column public.admin_audit_logs.id is
    'Identifier of the admin audit entry, made by the database when the writer gives none.';
comment on column public.admin_audit_logs.admin_id is
    'Administrator who acted; cannot be removed while entries exist.';
comment on column public.admin_audit_logs.action is 'Code of the action taken, such as role_granted.';
comment on column public.admin_audit_logs.resource_type is 'Kind of thing that was touched.';
comment on column public.admin_audit_logs.resource_id is
    'Key of the thing that was touched, as text because kinds differ.';
comment on column public.admin_audit_logs.details is 'What changed and why, in free form.';
comment on column public.admin_audit_logs.ip_address is 'Network address the request came from.';
comment on column public.admin_audit_logs.user_agent is 'Browser or program that sent the request.';
comment on column public.admin_audit_logs.created_at is 'Moment the admin audit entry row was written.';
comment on column public.admin_audit_logs.updated_at is
    'Moment the admin audit entry row last changed, kept by a trigger.';
comment on index public.admin_audit_logs_pkey is 'one admin audit entry by its id';
comment on index public.idx_admin_audit_logs_admin_id_created_at is
    'an administrator''s recent actions; foreign key';
comment on index public.idx_admin_audit_logs_action is 'actions of one kind';
comment on index public.idx_admin_audit_logs_resource_type_resource_id_created_at is
    'what was done to one thing, newest first';
comment on index public.idx_admin_audit_logs_created_at is 'the whole trail, newest first';
