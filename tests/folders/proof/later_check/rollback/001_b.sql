do $$
begin
    if exists (select from public.schema_migrations where version > '001') then
        raise exception 'not the newest';
    end if;
end
$$;
alter table public.a drop constraint ck_word;
delete from public.schema_migrations where series = 'app' and version = '001';
