create table if not exists public.b (id int);
