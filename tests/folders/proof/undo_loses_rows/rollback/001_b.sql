do $$
begin
    if exists (select from public.schema_migrations where version > '001') then
        raise exception 'not the newest';
    end if;
end
$$;
drop index public.idx_a_word;
delete from public.a;
delete from public.schema_migrations where series = 'app' and version = '001';
