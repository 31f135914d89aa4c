-- Makes the database it is run in read-only for every new session, and ends those that are open.
-- The way back is: alter database NAME reset default_transaction_read_only;

\set ON_ERROR_STOP on
set default_transaction_read_only = off;
-- Somebody may have made operators in public, for an administrator to run.
set search_path = pg_catalog;

select format('alter database %I set default_transaction_read_only = on', current_database()) \gexec

select count(pg_terminate_backend(pid)) as ended
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid();
