do $$
begin
    if exists (select from public.schema_migrations where version > '002') then
        raise exception 'not the newest';
    end if;
end
$$;
drop table public.c;
delete from public.schema_migrations where series = 'app' and version = '002';
