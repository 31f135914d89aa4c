create table if not exists public.a (id int);
do $$
begin
    if to_regclass('public.kept') is null then
        create table public.kept ();
        create type public.mood as enum ('ok');
    end if;
end
$$;
