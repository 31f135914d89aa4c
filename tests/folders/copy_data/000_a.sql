create table if not exists public.a (id int);
copy public.a from stdin;
1
\.
