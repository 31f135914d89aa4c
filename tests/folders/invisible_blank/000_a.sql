create table public.users (id int);
