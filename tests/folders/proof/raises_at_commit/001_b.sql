create or replace function public.f() returns trigger language plpgsql as $$
begin
    raise exception 'no';
end
$$;
do $$
begin
    if not exists (select from pg_trigger where tgname = 'trg_a') then
        create constraint trigger trg_a after insert or update on public.a
        deferrable initially deferred for each row execute function public.f();
    else
        update public.a set n = n;
    end if;
end
$$;
