do $$
begin
    if exists (select from public.schema_migrations where version > '001') then
        raise exception 'not the newest';
    end if;
end
$$;
drop index public.idx_a_word;
alter table public.a drop column word;
delete from public.schema_migrations where series = 'app' and version = '001';
