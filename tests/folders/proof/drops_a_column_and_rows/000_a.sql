create table if not exists public.a (
    id int primary key,
    word text check (word in ('one', 'two'))
);
