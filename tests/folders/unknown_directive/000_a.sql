-- 000_a.sql
-- runner: no-locks
create table if not exists public.a (id int);
