-- rollback/001_b.sql
--
-- runner: keeps-data

do $$
begin
    if exists (select from public.schema_migrations where version > '001') then
        raise exception 'not the newest';
    end if;
end
$$;
-- what n was is not known any more
delete from public.schema_migrations where series = 'app' and version = '001';
