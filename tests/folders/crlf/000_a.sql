-- 000_a.sql

-- runner: requires-extension vector

create table if not exists public.a (id int);
