create table if not exists public.a (
    id int primary key,
    word text not null
);
