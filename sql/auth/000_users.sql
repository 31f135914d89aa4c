-- 000_users.sql (series auth)
--
-- Makes users (the accounts) and refresh_tokens (what keeps a program signed in), and the
-- trigger function set_updated_at() that the later files of this series use as well.
-- Why first: everything else in this database points at an account, and the other database
-- points here too, by plain uuid columns without a foreign key.
-- Rolling back loses every account, password hash and token: nobody can sign in any more, and
-- the account ids kept in the specs database point at nothing.

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


-- One may sign up by mail address or by user name alone; a row with neither could never sign in.
create table if not exists public.users (
    id uuid not null default gen_random_uuid(),
    email varchar(255),
    hashed_password varchar(255) not null,
    name varchar(255),
    surname varchar(100),
    username varchar(50),
    is_active boolean not null default true,
    is_verified boolean not null default false,
    status varchar(20) not null default 'active',
    role varchar(20) not null default 'user',
    last_login_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint uq_users_email unique (email),
    constraint uq_users_username unique (username),
    constraint ck_users_role check (role in ('user', 'admin', 'super_admin')),
    constraint ck_users_status check (status in ('active', 'inactive', 'suspended')),
    constraint ck_users_login_name_present check (email is not null or username is not null)
);

create unique index if not exists idx_users_email_lower
    on public.users (lower(email));
create index if not exists idx_users_status_created_at
    on public.users (status, created_at desc);
create index if not exists idx_users_is_active
    on public.users (is_active);
create index if not exists idx_users_created_at
    on public.users (created_at);
create index if not exists idx_users_role_status
    on public.users (role, status);
create index if not exists idx_users_last_login_at
    on public.users (last_login_at desc)
    where last_login_at is not null;

create or replace trigger trg_users_updated_at
    before update on public.users
    for each row execute function public.set_updated_at();

comment on table public.users is
    'People who can sign in: credentials, profile names, account state and billing tier.';
comment on column public.users.id is
    'Identifier of the account, made by the database when the writer gives none.';
comment on column public.users.email is
    'Mail address used for contact and recovery; optional, since people may sign up by username alone.';
comment on column public.users.hashed_password is
    'One-way hash of the login secret; the plain secret is never kept.';
comment on column public.users.name is 'Given name shown in the interface.';
comment on column public.users.surname is 'Family name shown in the interface.';
comment on column public.users.username is 'Login handle picked by the person.';
comment on column public.users.is_active is 'False blocks every login without removing the account.';
comment on column public.users.is_verified is 'True once the mail address has been confirmed.';
comment on column public.users.status is 'Lifecycle state of the account.';
comment on column public.users.role is
    'Coarse application-wide role; finer admin rights come from admin_users.';
comment on column public.users.last_login_at is 'Most recent successful login, if any.';
comment on column public.users.created_at is 'Moment the account row was written.';
comment on column public.users.updated_at is 'Moment the account row last changed, kept by a trigger.';
comment on index public.users_pkey is 'one account by its id; target of the foreign keys on accounts';
comment on index public.uq_users_email is
    'one account per mail address as it was written, and look-up by exactly that';
comment on index public.uq_users_username is 'one account per user name, and sign-in by it';
comment on index public.idx_users_email_lower is
    'one account per mail address whatever the letter case, and sign-in by address';
comment on constraint uq_users_email on public.users is
    'The models know no more than this; idx_users_email_lower refuses another spelling as well, because two people must not share a mailbox. The application sees: registering Bob@example.org after bob@example.org is an error 500, until it looks for lower(email) first.';
comment on index public.idx_users_status_created_at is 'account lists by state, newest first';
comment on index public.idx_users_is_active is 'count and list of the accounts that may log in';
comment on index public.idx_users_created_at is 'sign-ups within a day or month';
comment on index public.idx_users_role_status is 'staff lists by role';
comment on index public.idx_users_last_login_at is 'accounts not seen for long';


create table if not exists public.refresh_tokens (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    token text not null,
    expires_at timestamptz not null,
    is_revoked boolean not null default false,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint refresh_tokens_pkey primary key (id),
    constraint uq_refresh_tokens_token unique (token),
    constraint fk_refresh_tokens_user_id foreign key (user_id) references public.users (id) on delete cascade
);

create index if not exists idx_refresh_tokens_user_id_is_revoked_expires_at
    on public.refresh_tokens (user_id, is_revoked, expires_at desc);
create index if not exists idx_refresh_tokens_expires_at
    on public.refresh_tokens (expires_at);
create index if not exists idx_refresh_tokens_is_revoked_revoked_at
    on public.refresh_tokens (is_revoked, revoked_at);

create or replace trigger trg_refresh_tokens_updated_at
    before update on public.refresh_tokens
    for each row execute function public.set_updated_at();

comment on table public.refresh_tokens is
    'Long-lived tokens that let a signed-in program obtain new access tokens.';
comment on column public.refresh_tokens.id is
    'Identifier of the refresh token, made by the database when the writer gives none.';
comment on column public.refresh_tokens.user_id is 'Account the token belongs to; its tokens vanish with it.';
comment on column public.refresh_tokens.token is 'Token string presented on renewal.';
comment on column public.refresh_tokens.expires_at is 'Moment after which the token is refused.';
comment on column public.refresh_tokens.is_revoked is 'True when the token was withdrawn before it expired.';
comment on column public.refresh_tokens.revoked_at is 'Moment of withdrawal, if it happened.';
comment on column public.refresh_tokens.created_at is 'Moment the refresh token row was written.';
comment on column public.refresh_tokens.updated_at is
    'Moment the refresh token row last changed, kept by a trigger.';
comment on index public.refresh_tokens_pkey is 'one refresh token by its id';
comment on index public.uq_refresh_tokens_token is
    'a token string is given out once; the token presented on renewal';
comment on index public.idx_refresh_tokens_user_id_is_revoked_expires_at is
    'a person''s live tokens, longest-lived first';
comment on index public.idx_refresh_tokens_expires_at is 'clean-up of tokens that have lapsed';
comment on index public.idx_refresh_tokens_is_revoked_revoked_at is 'clean-up of withdrawn tokens by age';
