create index if not exists idx_a_word on public.a (word);
