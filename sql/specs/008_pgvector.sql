-- 008_pgvector.sql (series specs)
-- runner: requires-extension vector
--
-- Adds embedding_vec, the meaning vector in native form, to knowledge_base_documents and
-- document_chunks, each with an index for search by cosine distance (the operator <=>).
-- Why optional: the base columns embedding and embedding_vector do without pgvector and stay as they
-- are. On a server that does not offer it this does nothing and says so. It needs pgvector 0.5, and
-- often a superuser to make the extension; one that is installed already is used where it is.
-- Why hnsw: ivfflat learns its lists from the rows it finds, and a new database has none.
-- New columns are filled from the base columns, once. That rewrites both tables and fires no
-- trigger, so updated_at stays; from then on the application writes the vectors.
-- Rolling back loses vectors that are stored here only, and the extension if this file made it.

do $body$
declare
    unfit bigint;
begin
    if not exists (select from pg_catalog.pg_available_extensions where name = 'vector') then
        raise notice 'specs 008_pgvector: this server does not offer the extension vector, nothing to do';
        return;
    end if;

    if not exists (select from pg_catalog.pg_extension where extname = 'vector') then
        create extension vector with schema public;
        comment on extension vector is 'Made by specs 008_pgvector; its rollback drops it.';
    end if;

    -- A DBA may have put the extension elsewhere: find its names there, until the transaction ends.
    perform pg_catalog.set_config(
        'search_path', pg_catalog.format('%s, pg_temp', extnamespace::pg_catalog.regnamespace), true
    )
    from pg_catalog.pg_extension
    where extname = 'vector';

    if not exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'public.knowledge_base_documents'::pg_catalog.regclass::pg_catalog.oid
            and attname = 'embedding_vec'
            and not attisdropped
    ) then
        alter table public.knowledge_base_documents add column embedding_vec vector(384);

        -- Only a list of exactly that many numbers, none near the limits of real, can become a vector, and
        -- pgvector knows no other blanks than these. With each number written as n, what is left shows
        -- whether it is such a list.
        alter table public.knowledge_base_documents alter column embedding_vec type vector(384) using
            case
                when pg_catalog.cardinality(pg_catalog.string_to_array(embedding, ',')) = 384
                    and embedding !~ e'[^][0-9eE.,+ \\t\\n\\v\\f\\r-]'
                    and regexp_replace(
                        embedding, '-?[0-9]{1,9}([.][0-9]+)?([eE](-[0-9]+|[+]?[0-2]?[0-9]))?', 'n', 'g'
                    ) ~ e'^\\s*\\[\\s*n(\\s*,\\s*n)*\\s*\\]\\s*$'
                then embedding::text::vector(384)
            end;

        select count(*) into unfit
        from public.knowledge_base_documents
        where embedding is not null and embedding_vec is null;

        if unfit > 0 then
            raise warning '% documents got no embedding_vec: embedding is no list of 384 numbers', unfit;
        end if;
    end if;

    create index if not exists idx_knowledge_base_documents_embedding_vec
        on public.knowledge_base_documents using hnsw (embedding_vec vector_cosine_ops);

    comment on column public.knowledge_base_documents.embedding_vec is
        'The meaning vector in native form, for distance search in the database.';
    comment on index public.idx_knowledge_base_documents_embedding_vec is
        'nearest documents by cosine distance';

    if not exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'public.document_chunks'::pg_catalog.regclass::pg_catalog.oid
            and attname = 'embedding_vec'
            and not attisdropped
    ) then
        alter table public.document_chunks add column embedding_vec vector(1536);

        alter table public.document_chunks alter column embedding_vec type vector(1536) using
            case
                when pg_catalog.jsonb_path_exists(
                    embedding_vector,
                    'strict $ ? (@.type() == "array" && @.size() == 1536
                        && !exists(@[*] ? (@.type() != "number" || @ > 1e38 || @ < -1e38)))'
                )
                then embedding_vector::text::vector(1536)
            end;

        select count(*) into unfit
        from public.document_chunks
        where embedding_vector <> 'null'::jsonb and embedding_vec is null;

        if unfit > 0 then
            raise warning '% chunks got no embedding_vec: embedding_vector is no list of 1536 numbers', unfit;
        end if;
    end if;

    create index if not exists idx_document_chunks_embedding_vec
        on public.document_chunks using hnsw (embedding_vec vector_cosine_ops);

    comment on column public.document_chunks.embedding_vec is
        'The meaning vector in native form, for distance search in the database.';
    comment on index public.idx_document_chunks_embedding_vec is
        'nearest pieces by cosine distance';
end;
$body$;
