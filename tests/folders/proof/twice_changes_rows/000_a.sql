create table if not exists public.a (
    id int primary key,
    word text check (word in ('one', 'two'))
);
update public.a set word = case word when 'one' then 'two' else 'one' end;
