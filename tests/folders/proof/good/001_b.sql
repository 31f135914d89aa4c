create table if not exists public.b (id int references public.a (id));
create index if not exists idx_b_id on public.b (id);
