-- Three roles for one database, or for both: run it in each, with the same names. Run by an administrator, with
-- psql, connected to that database, before the first file is applied; again whenever it changes, or has to be
-- made good:
--
--     psql -X -v ON_ERROR_STOP=1 -1 -v owner=auth_owner -v migrator=auth_migrator -v app=auth_app \
--         -f docs/roles.sql "$ADMIN_URL"
--
-- owner     owns all objects; nobody logs in as it
-- migrator  logs in to migrate, and works as the owner from its first statement on; no superuser
-- app       logs in for the application: reads and writes rows, makes nothing, not even a temporary table, cannot
--           see the ledger (a program that looks there needs the right to select once more after this), and of a
--           trail changes nothing that is written
--
-- An administrator who is no superuser may run it, too: one with createrole and inherit, who owns the database. He
-- becomes a member of the owner, and stays one.
--
-- Give the two logins their passwords with \password, so that none stands in a file or a log.

-- Somebody may have made operators in public, for an administrator to run.
set search_path = pg_catalog;

-- Roles belong to the server: those of the other database, or of the first run, stay as they are.
select format('create role %I nologin', :'owner')
where not exists (select from pg_roles where rolname = :'owner') \gexec
select format('create role %I login', :'migrator')
where not exists (select from pg_roles where rolname = :'migrator') \gexec
select format('create role %I login', :'app')
where not exists (select from pg_roles where rolname = :'app') \gexec
select format('grant %I to %I', :'owner', :'migrator')
where not pg_has_role(:'migrator', :'owner', 'member') \gexec
select format('grant %I to current_user', :'owner')
where not pg_has_role(:'owner', 'usage') \gexec

-- What the migrator makes belongs to the owner, the ledger included.
select format('alter role %I in database %I set role = %I', :'migrator', current_database(), :'owner') \gexec
select format('revoke all on database %I from public, %I', current_database(), :'app') \gexec
select format('grant connect on database %I to %I, %I', current_database(), :'migrator', :'app') \gexec
select format('grant create, temporary on database %I to %I', current_database(), :'owner') \gexec

-- Databases from before PostgreSQL 15 let everybody create in public.
revoke all on schema public from public;
grant usage, create on schema public to :"owner";
revoke all on schema public from :"app";
grant usage on schema public to :"app";

-- Every table the owner will make is open to the application, row by row; what a default, a check or an index
-- calls, it may call. The files of the trails take the rights to change them back.
alter default privileges for role :"owner" in schema public
    grant select, insert, update, delete on tables to :"app";
alter default privileges for role :"owner" in schema public grant usage, select on sequences to :"app";
alter default privileges for role :"owner" in schema public grant execute on functions to :"app";
alter default privileges for role :"owner" revoke execute on functions from public;

-- The same for what the owner has made already, and no more; the ledger is for nobody. Whom the owner let hand
-- rights on, and who handed some to the application or to everybody, may no longer.
select format('revoke grant option for all on %s from %I cascade', c.oid::regclass, pg_get_userbyid(x.grantee))
from pg_class as c, aclexplode(c.relacl) as x
where c.relnamespace = 'public'::regnamespace
    and pg_get_userbyid(c.relowner) = :'owner'
    and x.is_grantable
    and x.grantee <> c.relowner
    and exists (
        select from aclexplode(c.relacl) as y
        where y.grantor <> c.relowner and (y.grantee = 0 or pg_get_userbyid(y.grantee) = :'app')
    )
group by c.oid, x.grantee
order by c.oid::regclass::text, x.grantee \gexec
select format('revoke all on %s from public, %I cascade', oid::regclass, :'app')
from pg_class
where relnamespace = 'public'::regnamespace
    and relkind in ('r', 'p', 'v', 'm', 'f')
    and pg_get_userbyid(relowner) = :'owner'
order by relname \gexec
select format('grant select, insert, update, delete on %s to %I', oid::regclass, :'app')
from pg_class
where relnamespace = 'public'::regnamespace
    and relkind in ('r', 'p', 'v', 'm', 'f')
    and pg_get_userbyid(relowner) = :'owner'
    and relname <> 'schema_migrations'
order by relname \gexec
select format('revoke all on sequence %s from public, %I cascade', oid::regclass, :'app')
from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'S' and pg_get_userbyid(relowner) = :'owner'
order by relname \gexec
select format('grant usage, select on sequence %s to %I', oid::regclass, :'app')
from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'S' and pg_get_userbyid(relowner) = :'owner'
order by relname \gexec
select format('grant execute on routine %s to %I', oid::regprocedure, :'app'),
    format('revoke execute on routine %s from public', oid::regprocedure)
from pg_proc
where pronamespace = 'public'::regnamespace and pg_get_userbyid(proowner) = :'owner'
order by proname, oid \gexec
select format('revoke update, delete on %s from %I', oid::regclass, :'app')
from pg_class
where relnamespace = 'public'::regnamespace
    and pg_get_userbyid(relowner) = :'owner'
    and relname in ('admin_audit_logs', 'audit_logs', 'project_ownership_history', 'activity_logs')
order by relname \gexec

reset search_path;
