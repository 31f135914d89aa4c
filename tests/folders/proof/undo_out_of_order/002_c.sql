create table if not exists public.c (id int references public.a (id));
