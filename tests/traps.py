"""Plant operators and functions in schema public that say so when somebody calls them.

One whose arguments match to the letter wins over one of the catalog that takes them after a cast, though
pg_catalog comes first on the path. Whoever may create in public could let others run his code so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from psycopg import Connection

_TYPES = """
    bool "char" name text varchar bpchar int2 int4 int8 oid xid xid8 float4 float8 numeric
    date timestamptz interval jsonb regclass regnamespace regproc regprocedure regrole regtype
    regtype[] oid[] text[] name[] int2[] int2vector
"""

# By their arguments; the catalog's take text, any array or anything.
_FUNCTIONS = """
    lower(varchar) upper(varchar) length(varchar) char_length(varchar) btrim(varchar)
    cardinality(text[]) array_length(text[],int4) array_to_string(text[],text)
"""

_COUNTER = """
create schema traps;
create sequence traps.calls minvalue 0 start 0;
select pg_catalog.nextval('traps.calls');
grant all on schema traps to public;
grant all on all sequences in schema traps to public;
"""

_PLANT = """
do $$
declare
    one record;
    gives text;
begin
    for one in
        select row_number() over () as number, o.name, l.type as "left", r.type as "right"
        from unnest('{=,<>,<,>,<=,>=,||,+,-,*,/,~,!~}'::text[]) as o (name),
            unnest(%(types)s::text[]) as l (type), unnest(%(types)s::text[]) as r (type)
        where %(all)s or not exists (
            select from pg_operator as k
            where k.oprnamespace = 'pg_catalog'::regnamespace and k.oprname = o.name
                and k.oprleft = l.type::regtype and k.oprright = r.type::regtype
        )
    loop
        gives := case when one.name in ('||', '+', '-', '*', '/') then one.left else 'bool' end;
        execute format(
            'create function traps.f%%s (%%s, %%s) returns %%s language plpgsql cost 0.0001 as %%L',
            one.number, one.left, one.right, gives,
            format(
                'begin perform pg_catalog.nextval(''traps.calls''); raise exception %%L; end',
                format('trapped: %%s %%s %%s', one.left, one.name, one.right)
            )
        );
        execute format(
            'create operator public.%%s (leftarg = %%s, rightarg = %%s, function = traps.f%%s)',
            one.name, one.left, one.right, one.number
        );
    end loop;
    for one in select name from unnest(%(functions)s::text[]) as f (name) loop
        execute format(
            'create function public.%%s returns %%s language plpgsql immutable cost 0.0001 as %%L',
            one.name, case when one.name ~ 'length|card' then 'int' else 'text' end,
            format(
                'begin perform pg_catalog.nextval(''traps.calls''); raise exception %%L; end',
                format('trapped: %%s', one.name)
            )
        );
    end loop;
end
$$
"""


def plant(url: str, *, everything: bool = False) -> None:
    """Plant what the catalog lacks as an exact match, or ``everything``."""
    _plant(url, _PLANT, types=_TYPES.split(), functions=_FUNCTIONS.split(), all=everything)


def _plant(url: str, text: LiteralString, **given: object) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(_COUNTER)
        psycopg.ClientCursor(connection).execute(text, given)


def calls(connection: Connection) -> int:
    """Return how many planted ones were called, in transactions that were rolled back, too."""
    [(last,)] = connection.execute("select last_value from traps.calls").fetchall()
    return int(last)


def plant_before_the_catalog(url: str) -> None:
    """Plant everything, in a database that looks into public first."""
    plant(url, everything=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("alter database {} set search_path = public, pg_catalog").format(
                sql.Identifier(connection.info.dbname)
            )
        )


# What is read of a text, and written as one. Of whole numbers and their like nobody writes anything else.
_READ = "bool int2 int4 int8 oid xid float4 float8 numeric date timestamptz interval jsonb uuid"
_WRITTEN = "xid8 float8 numeric date timestamptz interval"

_PLANT_CASTS = """
do $$
declare
    one record;
begin
    for one in
        select 'text' as given, name as gives from unnest(%(read)s::text[]) as r (name)
        union all select name, 'text' from unnest(%(written)s::text[]) as w (name)
    loop
        execute format(
            'create function traps.cast_to_%%2$s(%%1$s) returns %%2$s language plpgsql as %%3$L',
            one.given, one.gives,
            format(
                'begin perform pg_catalog.nextval(''traps.calls''); raise exception %%L; end',
                format('trapped: %%s as %%s', one.given, one.gives)
            )
        );
        execute format(
            'create cast (%%1$s as %%2$s) with function traps.cast_to_%%2$s(%%1$s)', one.given, one.gives
        );
    end loop;
end
$$
"""


def plant_casts(url: str) -> None:
    """Plant casts from and to text that the catalog lacks: each wins over the functions of its type."""
    _plant(url, _PLANT_CASTS, read=_READ.split(), written=_WRITTEN.split())
