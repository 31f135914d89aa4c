drop table if exists public.b;
