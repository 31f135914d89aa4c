-- What only a superuser may see of the whole server: that a role has a password, and what alter system has set.

select 'password of role ' || r.rolname, 'set' from pg_catalog.pg_authid as r where r.rolpassword is not null

union all
select 'settings of the server', pg_catalog.btrim(pg_catalog.regexp_replace(f.text, '^#.*$', '', 'gn'), E'\n')
from pg_catalog.pg_read_file('postgresql.auto.conf', 0, 1000000, true) as f (text)
