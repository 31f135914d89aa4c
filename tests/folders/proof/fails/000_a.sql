create table if not exists public.a (id int);
select nope;
