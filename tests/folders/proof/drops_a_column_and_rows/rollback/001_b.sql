do $$
begin
    if exists (select from public.schema_migrations where version > '001') then
        raise exception 'not the newest';
    end if;
end
$$;
alter table public.a add column word text not null default '';
alter table public.a alter column word drop default;
delete from public.a;
delete from public.schema_migrations where series = 'app' and version = '001';
