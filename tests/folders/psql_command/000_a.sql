create table if not exists public.a (id int);
\i 001_b.sql
