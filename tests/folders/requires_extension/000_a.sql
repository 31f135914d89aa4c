-- runner: requires-extension vector
-- About.

--runner:requires-extension  uuid-ossp 
create table if not exists public.a (id int);
