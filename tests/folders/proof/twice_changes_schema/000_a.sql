do $$
begin
    if to_regclass('public.a') is null then
        create table public.a (id int);
    else
        alter table public.a add column if not exists late int;
    end if;
end
$$;
