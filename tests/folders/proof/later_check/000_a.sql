create table if not exists public.a (
    word text not null
);
