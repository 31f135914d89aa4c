delete from public.schema_migrations where series = 'app' and version = '001';
