create table if not exists public.a (id int);
  /* outer /* inner */
select 1;
