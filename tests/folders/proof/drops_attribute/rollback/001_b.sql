-- rollback/001_b.sql
--
do $$
begin
    if exists (select from public.schema_migrations where version > '001') then
        raise exception 'not the newest';
    end if;
end
$$;
alter type public.address add attribute zip text;
delete from public.schema_migrations where series = 'app' and version = '001';
