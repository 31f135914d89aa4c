-- 000_a.sql

begin;
create table if not exists public.a (id int);
end;
