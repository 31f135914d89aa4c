alter table public.a drop column if exists word;
