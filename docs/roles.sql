-- Three roles for one database. Run once by an administrator, with psql, connected to that database:
--
--     psql -X -v ON_ERROR_STOP=1 -1 -v owner=auth_owner -v migrator=auth_migrator -v app=auth_app \
--         -f docs/roles.sql "$ADMIN_URL"
--
-- owner     owns all objects; nobody logs in as it
-- migrator  logs in to migrate, and works as the owner from its first statement on; no superuser
-- app       logs in for the application: reads and writes rows, makes nothing, cannot see the ledger
--
-- Give the two logins their passwords with \password, so that none stands in a file or a log.

create role :"owner" nologin;
create role :"migrator" login in role :"owner";
create role :"app" login;

-- What the migrator makes belongs to the owner, the ledger included.
select format('alter role %I in database %I set role = %I', :'migrator', current_database(), :'owner') \gexec
select format('grant connect on database %I to %I, %I', current_database(), :'migrator', :'app') \gexec
select format('grant create on database %I to %I', current_database(), :'owner') \gexec
select format('revoke all on database %I from public', current_database()) \gexec

-- Databases from before PostgreSQL 15 let everybody create in public.
revoke all on schema public from public;
grant usage, create on schema public to :"owner";
grant usage on schema public to :"app";

-- Every table the owner will make is open to the application, row by row.
alter default privileges for role :"owner" in schema public
    grant select, insert, update, delete on tables to :"app";
alter default privileges for role :"owner" in schema public grant usage, select on sequences to :"app";
alter default privileges for role :"owner" revoke execute on functions from public;
