do $$
begin
    create type public.address as (street text, zip text);
exception when duplicate_object then
    null;
end
$$;
create table if not exists public.a (
    id int primary key,
    home public.address not null,
    old public.address[] not null
);
