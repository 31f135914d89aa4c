do $$
begin
    if exists (select from public.schema_migrations where version > '001') then
        raise exception 'not the newest';
    end if;
end
$$;
drop trigger trg_a on public.a;
drop function public.f();
delete from public.schema_migrations where series = 'app' and version = '001';
