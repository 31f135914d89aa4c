do $$
begin
    if not exists (select from pg_constraint where conname = 'ck_word') then
        alter table public.a add constraint ck_word check (word in ('red', 'green'));
    end if;
end
$$;
