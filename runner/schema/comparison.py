"""Say in SQL when a value of one column is that of another, in another database and maybe of another type."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner import database

if TYPE_CHECKING:
    from runner.database import Connection

# To read a value is to cast it: by the owner's function if there is one. The checks of a domain would run, so
# what counts is what it is over; an array, a composite type and a range may hold one. What an extension
# brings, such as citext, is compared and put in order by operators of its own, which no question here names.
TYPE = """
    cross join lateral (
        with recursive base (oid) as (
            select a.atttypid
            union all
            select d.typbasetype from base join pg_catalog.pg_type as d using (oid) where d.typtype = 'd'
        )
        select pg_catalog.format_type(b.oid, -1) as name, b.typcategory::pg_catalog.text as category,
            b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid or (
                'e' in (b.typtype, e.typtype) and not exists (
                    select from pg_catalog.pg_cast as k
                    join pg_catalog.pg_proc as p on p.oid = k.castfunc
                    join pg_catalog.pg_language as l on l.oid = p.prolang
                    where b.oid in (k.castsource, k.casttarget) and l.lanname not in ('internal', 'c')
                )
            ) as is_plain,
            coalesce((
                select o.collisdeterministic from pg_catalog.pg_collation as o where o.oid = a.attcollation
            ), true) as is_exact
        from base join pg_catalog.pg_type as b on b.oid = base.oid and b.typtype <> 'd'
        left join pg_catalog.pg_type as e on e.oid = b.typelem
    ) as t
"""
_STRINGS, _ENUM = "S", "E"  # categories of types
# Values that a string may hold in several spellings: numbers, booleans, times and spans, addresses, bits.
_SPELLED = frozenset("NBDTIV")
_UUID = "uuid"
_SPELLED_NAMES = frozenset((_UUID, "bytea", "macaddr", "macaddr8", "pg_lsn", "xid8"))
# The server compares none of the one kind with one of the other, but they write a whole number alike.
_WHOLE, _LIKE_WHOLE = frozenset(("smallint", "integer", "bigint")), frozenset(("jsonb", "xid8"))
_ASKS = 160000  # version of the server since which it can be asked whether a text is a value of a type
_NO_SUCH_LETTER = "22P05"  # in the encoding of that database
_HEX = "([0-9a-f]{4}-?){7}[0-9a-f]{4}"  # a uuid, which is what a key mostly is


class Type(NamedTuple):
    """The type of a column, or what its domain is over: its name in SQL, and its category."""

    name: str
    category: str
    is_plain: bool  # to read it runs no code of whoever made it
    is_exact: bool  # by its collation, if it has one, no two texts are equal

    def read(self, column: str) -> str:
        """Return the column such that values are equal only when they are written alike."""
        return column if self.is_exact else f'{column} collate pg_catalog."C"'


def equalities(column: str, own: Type, target: Type, *, version: int) -> list[str]:
    """Return what finds ``value``, the text of a value, in a column: by its index where the types allow it.

    Each is for the values that those before it did not find. A string and what is no string are compared as
    what is none, for a string has many spellings of it; as they are written, where a server of this
    ``version`` cannot tell what spells a value. It refuses types that it has no operator for.
    """
    pair, written = {own.category, target.category}, f"{column}::pg_catalog.text = value"
    names = {own.name, target.name}
    if _ENUM in pair <= {_ENUM, _STRINGS} or (names & _WHOLE and names & _LIKE_WHOLE):
        return [written]
    if own.category == _STRINGS and _is_spelled(target):
        parsed = _parsed("value", target, version=version)
        return [f"{column} = {parsed}" if parsed else written]
    if target.category == _STRINGS and _is_spelled(own):
        parsed = _parsed(f"{column}::pg_catalog.text", own, version=version)
        same = f"{column} = value::{target.name}"
        return [same, f"{parsed} = value::{own.name}"] if parsed else [same]
    return [f"{column} = value::{(target if pair == {_STRINGS} else own).name}"]


def absent(connection: Connection, values: list[str], *, table: str, found: str) -> list[str]:
    """Return the values that a table has not, in their order; ``found`` is one of ``equalities``.

    What its database cannot spell cannot be there, and is looked for by halves.
    """
    question = f"""
        select value from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as given (value, number)
        where not exists (select from {table} where {found})
        order by number
    """  # noqa: S608 - quoted by who asks
    try:
        return [value for (value,) in database.query_quoted(connection, question, values)]
    except database.Error as error:
        if error.sqlstate != _NO_SUCH_LETTER:
            raise
    if len(values) == 1:
        return values
    halves = values[: len(values) // 2], values[len(values) // 2 :]
    return [value for half in halves for value in absent(connection, half, table=table, found=found)]


def _is_spelled(type_: Type) -> bool:
    return type_.category in _SPELLED or type_.name in _SPELLED_NAMES


def _parsed(text: str, type_: Type, *, version: int) -> str | None:
    """Return the value that a text spells, null where it spells none; nothing if the server cannot tell."""
    if version >= _ASKS:
        is_one = f"pg_catalog.pg_input_is_valid({text}, '{type_.name}')"
    elif type_.name == _UUID:
        is_one = f"{text} operator(pg_catalog.~*) '^({_HEX}|\\{{{_HEX}\\}})$'"
    else:
        return None
    return f"case when {is_one} then {text}::{type_.name} end"
