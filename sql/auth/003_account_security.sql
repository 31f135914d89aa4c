-- 003_account_security.sql (series auth)
--
-- Makes password_reset_requests (one-time tokens), audit_logs (security events of ordinary
-- accounts) and user_rules (personal settings for quality control).
-- Why together: all three hang on one account and on nothing else. Reset requests and rules go
-- with the account; an event stays and only forgets whose it was.
-- Rolling back loses the open reset mails (their links stop working), the whole history of
-- security events and everybody's rules.

create table if not exists public.password_reset_requests (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    token varchar(255) not null,
    expires_at timestamptz not null,
    used boolean not null default false,
    used_at timestamptz,
    created_at timestamptz not null default now(),
    constraint password_reset_requests_pkey primary key (id),
    constraint uq_password_reset_requests_token unique (token),
    constraint fk_password_reset_requests_user_id
        foreign key (user_id) references public.users (id) on delete cascade
);

create index if not exists idx_password_reset_requests_user_id_created_at
    on public.password_reset_requests (user_id, created_at desc);
create index if not exists idx_password_reset_requests_expires_at
    on public.password_reset_requests (expires_at);
create index if not exists idx_password_reset_requests_used
    on public.password_reset_requests (used)
    where used = false;

comment on table public.password_reset_requests is
    'One-time tokens issued to people who asked to set a new password.';
comment on column public.password_reset_requests.id is
    'Identifier of the reset request, made by the database when the writer gives none.';
comment on column public.password_reset_requests.user_id is 'Account that asked for the reset.';
comment on column public.password_reset_requests.token is 'Secret sent to the person, valid once.';
comment on column public.password_reset_requests.expires_at is
    'Moment after which the token no longer works.';
comment on column public.password_reset_requests.used is 'True once the token has been spent.';
comment on column public.password_reset_requests.used_at is 'Moment the token was spent.';
comment on column public.password_reset_requests.created_at is 'Moment the reset request row was written.';
comment on index public.password_reset_requests_pkey is 'one reset request by its id';
comment on index public.uq_password_reset_requests_token is
    'a token is given out once; the request behind the token in the mail';
comment on index public.idx_password_reset_requests_user_id_created_at is
    'a person''s recent requests, to slow down repeats; foreign key';
comment on index public.idx_password_reset_requests_expires_at is 'clean-up of lapsed requests';
comment on index public.idx_password_reset_requests_used is 'requests still open';


-- The event outlives the account: its user_id is emptied, so the log stays complete.
create table if not exists public.audit_logs (
    id uuid not null default gen_random_uuid(),
    user_id uuid,
    action varchar(100) not null,
    resource_type varchar(50),
    resource_id varchar(100),
    ip_address inet,
    user_agent text,
    details jsonb default '{}'::jsonb,
    timestamp timestamptz not null default now(),
    constraint audit_logs_pkey primary key (id),
    constraint fk_audit_logs_user_id foreign key (user_id) references public.users (id) on delete set null
);

create index if not exists idx_audit_logs_user_id_timestamp
    on public.audit_logs (user_id, timestamp desc);
create index if not exists idx_audit_logs_action
    on public.audit_logs (action);
-- Ascending, though it is read backwards: new rows come last, where a btree leaves its pages full.
create index if not exists idx_audit_logs_timestamp
    on public.audit_logs (timestamp);
create index if not exists idx_audit_logs_resource_type_resource_id
    on public.audit_logs (resource_type, resource_id);
create index if not exists idx_audit_logs_ip_address
    on public.audit_logs (ip_address)
    where ip_address is not null;

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
        where c.oid = 'public.audit_logs'::pg_catalog.regclass::pg_catalog.oid
            and x.grantee <> c.relowner
            and x.privilege_type not in ('SELECT', 'INSERT')
    loop
        execute pg_catalog.format(
            'revoke %s on public.audit_logs from %s cascade', other.privilege, other.grantee
        );
    end loop;
end;
$body$;

comment on table public.audit_logs is
    'Security events of ordinary accounts: logins, logouts, credential changes.';
comment on column public.audit_logs.id is
    'Identifier of the security event, made by the database when the writer gives none.';
comment on column public.audit_logs.user_id is
    'Account concerned; emptied when the account goes, so the event survives.';
comment on column public.audit_logs.action is 'Dotted code of the event, such as user.login.';
comment on column public.audit_logs.resource_type is 'Kind of thing concerned, if any.';
comment on column public.audit_logs.resource_id is 'Key of the thing concerned, as text.';
comment on column public.audit_logs.ip_address is 'Network address the event came from.';
comment on column public.audit_logs.user_agent is 'Browser or program behind the event.';
comment on column public.audit_logs.details is 'Extra facts about the event.';
comment on column public.audit_logs.timestamp is 'Moment the event happened.';
comment on index public.audit_logs_pkey is 'one security event by its id';
comment on index public.idx_audit_logs_user_id_timestamp is 'an account''s recent events; foreign key';
comment on index public.idx_audit_logs_action is 'events of one kind';
comment on index public.idx_audit_logs_timestamp is 'all events, newest first';
comment on index public.idx_audit_logs_resource_type_resource_id is 'events about one thing';
comment on index public.idx_audit_logs_ip_address is 'what came from one address';


create table if not exists public.user_rules (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    rules jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint user_rules_pkey primary key (id),
    constraint uq_user_rules_user_id unique (user_id),
    constraint fk_user_rules_user_id foreign key (user_id) references public.users (id) on delete cascade
);

create or replace trigger trg_user_rules_updated_at
    before update on public.user_rules
    for each row execute function public.set_updated_at();

comment on table public.user_rules is 'Personal preferences that steer quality control, one set per account.';
comment on column public.user_rules.id is
    'Identifier of the rule set, made by the database when the writer gives none.';
comment on column public.user_rules.user_id is 'Account the rules belong to; at most one set each.';
comment on column public.user_rules.rules is 'Rule names mapped to their settings.';
comment on column public.user_rules.created_at is 'Moment the rule set row was written.';
comment on column public.user_rules.updated_at is 'Moment the rule set row last changed, kept by a trigger.';
comment on index public.user_rules_pkey is 'one rule set by its id';
comment on index public.uq_user_rules_user_id is
    'one rule set per account, and the rules of an account; foreign key';
