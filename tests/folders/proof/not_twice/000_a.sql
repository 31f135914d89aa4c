create table public.a (
    id int primary key,
    word text check (word in ('one', 'two'))
);
