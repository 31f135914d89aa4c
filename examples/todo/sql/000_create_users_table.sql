-- 000_create_users_table.sql (series todo)
--
-- Makes users (the people who sign in), and the trigger function set_updated_at() that the later
-- files use as well.
-- Why first: everything else in this database belongs to a person.
-- Rolling back loses every person with their password hash: nobody can sign in any more.

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


create table if not exists public.users (
    id uuid not null default gen_random_uuid(),
    email varchar(255) not null,
    password_hash varchar(255) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint users_pkey primary key (id)
);

create unique index if not exists idx_users_email
    on public.users (email);

create or replace trigger trg_users_updated_at
    before update on public.users
    for each row execute function public.set_updated_at();

comment on table public.users is 'People who own tasks and conversations.';
comment on column public.users.id is
    'Identifier of the person, made by the database when the writer gives none.';
comment on column public.users.email is 'Mail address used to sign in.';
comment on column public.users.password_hash is 'One-way hash of the login secret.';
comment on column public.users.created_at is 'Moment the person row was written.';
comment on column public.users.updated_at is 'Moment the person row last changed, kept by a trigger.';
comment on index public.users_pkey is 'one person by their id; target of the foreign keys on people';
comment on index public.idx_users_email is 'sign-in by address; also keeps addresses unique';
