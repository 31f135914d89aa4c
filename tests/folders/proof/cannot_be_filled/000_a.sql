create table if not exists public.a (
    code text not null check (code ~ '^[0-9]{3}-[A-F]{2}$')
);
