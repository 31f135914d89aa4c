do $$
begin
    if exists (select from public.schema_migrations where version > '000') then
        raise exception 'not the newest';
    end if;
end
$$;
drop extension vector;
delete from public.schema_migrations where series = 'app' and version = '000';
