create table if not exists public.a (
    code text not null check (md5(code) like '0000%')
);
