drop table if exists public.a;
