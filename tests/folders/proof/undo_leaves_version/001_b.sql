update pg_catalog.pg_extension set extversion = '0.8.4' where extname = 'vector';
