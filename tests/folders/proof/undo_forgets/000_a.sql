create table if not exists public.a (
    id int primary key,
    word text check (word in ('one', 'two'))
);
create or replace function public.f() returns int language sql return 1;
create sequence if not exists public.s;
