-- Turns the words in the schema "old" that only the old schema knew into words that the new tables accept.
--
--     psql -X -q -f docs/alembic/words.sql "$DATABASE_URL_AUTH"
--
-- It runs after the load and before copy.sql, and changes nothing but the schema "old". What it turned, it lists.
-- It may run again, and for one database or the other: a table or column that is not there, or a column that
-- holds no text, is passed over; copy.sql lists what does not fit.

\set ON_ERROR_STOP on

begin;
set local client_min_messages = warning;
set local search_path = pg_catalog;

create schema turning;  -- for the length of this transaction

create table turning.words (
    in_table text,
    in_column text,
    old_word text,  -- in lower case
    new_word text,
    meaning text,
    found text,
    turned bigint
);

insert into turning.words values
    ('users', 'role', 'moderator', 'user', 'no right is given away'),
    ('users', 'status', 'deleted', 'inactive', 'cannot sign in, and is_active is false'),
    ('team_members', 'role', 'member', 'developer', 'works on projects, does not lead'),
    ('team_invitations', 'role', 'member', 'developer', 'works on projects, does not lead'),
    ('project_shares', 'permission_level', 'view', 'read', 'another name');

-- Every word that a check lists is spelled as there.
insert into turning.words
select c.relname, a.attname, lower(word[1]), word[1], 'as the check spells it'
from pg_constraint as k
join pg_class as c on c.oid = k.conrelid and c.relnamespace = 'public'::regnamespace
join pg_attribute as a on a.attrelid = c.oid and k.conkey = array[a.attnum]
cross join regexp_matches(pg_get_expr(k.conbin, k.conrelid), '''(\w+)''', 'g') as word
where k.contype = 'c';

delete from turning.words
where not exists (
    select from pg_attribute
    where attrelid = to_regclass(format('old.%I', in_table)) and attname = in_column and not attisdropped
        and (select t.typcategory from pg_type as t where t.oid = atttypid) = 'S'
);

-- Before the word is turned. Where is_active is missing, or says it by a number or a word, it becomes a boolean;
-- where a value cannot, or something needs it as it is, the script ends and nothing is turned.
do $body$
declare
    deleted constant text := (select old_word from turning.words where in_table = 'users' and old_word = 'deleted');
    kind constant regtype := (
        select atttypid from pg_attribute
        where attrelid = to_regclass('old.users') and attname = 'is_active' and not attisdropped
    );
    is_number constant boolean := (select typcategory = 'N' from pg_type where oid = kind);
    found boolean := false;
begin
    if deleted is not null then
        execute 'select exists (select from old.users where lower(status) = $1)' into found using deleted;
    end if;
    if not found then
        return;
    end if;
    if kind is null then
        alter table old.users add is_active boolean default true;
    elsif kind <> 'boolean'::regtype then
        begin
            alter table old.users
                alter is_active drop default,
                alter is_active type boolean using is_active::text::boolean;
        exception
            when invalid_text_representation then
                raise exception 'old.users.is_active is not turned: %', sqlerrm
                    using hint = 'Say with an update who may sign in (' || case
                        when is_number then '0: who may not). Then: alter table old.users alter is_active drop default, '
                            'alter is_active type boolean using is_active <> 0; Run this file again.'
                        else 'true or false), and run this file again.'
                    end;
            when undefined_function or undefined_object or datatype_mismatch or cannot_coerce or feature_not_supported then
                raise exception 'old.users.is_active is not turned: %', sqlerrm
                    using hint = 'Drop what needs it as it is (a check, index, column, trigger or view), and run this file again.';
        end;
    end if;
    execute 'update old.users set is_active = false where lower(status) = $1' using deleted;
end;
$body$;

do $body$
declare
    one record;
begin
    for one in select ctid, * from turning.words loop
        execute format(
            'update turning.words set (found, turned) = (select string_agg(distinct %2$I, '', ''), count(*) from old.%1$I'
                ' where lower(%2$I::text) = %3$L and %2$I::text <> %4$L) where ctid = %5$L',
            one.in_table, one.in_column, one.old_word, one.new_word, one.ctid
        );
        execute format(
            'update old.%1$I set %2$I = %4$L where lower(%2$I::text) = %3$L and %2$I::text <> %4$L',
            one.in_table, one.in_column, one.old_word, one.new_word
        );
    end loop;
end;
$body$;

\echo 'Words that were turned:'
select in_table || '.' || in_column as "column", found as "from", new_word as "to", turned as rows, meaning
from turning.words
where turned > 0
order by 1, 2;

drop schema turning cascade;
commit;
