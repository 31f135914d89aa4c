create table if not exists public.a (
    id int primary key,
    n int not null
);
