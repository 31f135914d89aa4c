"""Put a row into every empty table of a scratch database, and tell whether rows changed.

What a column must hold is guessed from the catalog: a default, a row of the table it refers to, the words
and numbers its checks mention, else a plain value of its type. A table that takes none of the guesses
stays empty, and is named.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.database import ask, query, run, try_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.database import Connection

_TRIES = 60  # per table and round: enough for a dozen columns with a handful of words each

# Names and words come back quoted by the server, ready to be written into a statement.
_COLUMNS = """
    select pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.quote_ident(a.attname),
        pg_catalog.format_type(a.atttypid, a.atttypmod),
        coalesce(nullif(b.typcategory, 'U'), t.typcategory)::text,
        t.typname::text, a.attnotnull and not a.atthasdef and a.attidentity = '',
        (
            select pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ')
            from pg_catalog.pg_constraint as k
            where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey)
        ),
        (
            select pg_catalog.format(
                '(select %%I from %%s limit 1)', f.attname, k.confrelid::pg_catalog.regclass
            )
            from pg_catalog.pg_constraint as k
            join pg_catalog.pg_attribute as f
                on f.attrelid = k.confrelid
                and f.attnum = k.confkey[pg_catalog.array_position(k.conkey, a.attnum)]
            where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any (k.conkey)
            limit 1
        ),
        (
            select pg_catalog.quote_literal(e.enumlabel)
            from pg_catalog.pg_enum as e where e.enumtypid = a.atttypid order by e.enumsortorder limit 1
        )
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_attribute as a
        on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and a.attgenerated = '' and a.attidentity <> 'a'
    left join pg_catalog.pg_type as t on t.oid = a.atttypid
    left join pg_catalog.pg_type as b on b.oid = t.typbasetype
    where c.relkind in ('r', 'p') and not c.relispartition
        and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        and c.oid is distinct from pg_catalog.to_regclass(%s)
        and (%s::text[] is null or n.nspname = any (%s::text[]))
    order by c.oid, a.attnum
"""

_PLAIN = {
    "A": ["'{}'"],
    "B": ["false", "true"],
    "D": ["'2020-01-01'", "now()"],
    "I": ["'127.0.0.1'"],
    "N": ["1", "0", "100"],
    "R": ["'empty'"],
    "S": ["'x'", "'abc'", "'a@example.org'", "''"],
    "T": ["'1 day'"],
}
_TYPES = {"uuid": ["gen_random_uuid()"], "jsonb": ["'{}'", "'[]'"], "json": ["'{}'"], "bytea": ["''"]}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table and the SQL expressions that may fit it, the likeliest first."""

    name: str
    required: bool
    guesses: tuple[str, ...]


def fill(connection: Connection, *, besides: str) -> tuple[str, ...]:
    """Insert a row into each empty table but ``besides``; return the tables that stayed empty. Writes."""
    tables = _tables(connection, besides)
    run(connection, "begin read write; set local statement_timeout = 0")
    empty = [table for table in tables if not _has_rows(connection, table)]
    while rest := [table for table in empty if not _insert(connection, table, tables[table])]:
        if len(rest) == len(empty):
            break
        empty = rest  # a table may refer to one that comes later
    run(connection, "commit")
    return tuple(rest)


def contents(
    connection: Connection, *, besides: str, schemas: Sequence[str] = ()
) -> dict[str, tuple[int, str]]:
    """Return the number of rows and a digest of them, per table of ``schemas``, without any of all.

    Does not write.
    """
    found = {}
    for table in _tables(connection, besides, schemas):
        text = f"select count(*), md5(string_agg(t::text, ',' order by t::text)) from {table} as t"  # noqa: S608 - quoted by the server
        _, result = ask(connection, f"set local row_security = on; {text}")  # the owner may be subject to it
        found[table] = (int(result.get_value(0, 0) or 0), (result.get_value(0, 1) or b"").decode())
    return found


def _tables(connection: Connection, besides: str, schemas: Sequence[str] = ()) -> dict[str, list[Column]]:
    chosen = list(schemas) or None
    tables: dict[str, list[Column]] = {}
    for table, name, type_, category, base, required, checks, reference, label in query(
        connection, _COLUMNS, besides, chosen, chosen
    ):
        columns = tables.setdefault(table, [])
        if name is not None:
            guesses = _guesses(type_, category, base, checks or "", [reference, label])
            columns.append(Column(name, required, guesses))
    return tables


def _guesses(
    type_: str, category: str, base: str, checks: str, known: Sequence[str | None]
) -> tuple[str, ...]:
    sure = [guess for guess in known if guess]
    if sure:
        return tuple(sure)
    words = re.findall(r"'(?:[^']|'')*'", checks)
    numbers = re.findall(r"(?<![\w.'])\d+(?:\.\d+)?(?![\w'])", checks)
    plain = _TYPES.get(base) or _PLAIN.get(category) or ["null"]
    return tuple(f"({guess})::{type_}" for guess in (*words, *plain, *numbers))


def _has_rows(connection: Connection, table: str) -> bool:
    [result] = run(connection, f"select exists (select from {table})")  # noqa: S608 - quoted by the server
    return result.get_value(0, 0) == b"t"


def _insert(connection: Connection, table: str, columns: Sequence[Column]) -> bool:
    """Try to insert a row: first with the required columns only, then with all of them."""
    for chosen in ([c for c in columns if c.required], columns):
        for number in range(_TRIES if chosen else 1):
            guess = random.Random(number)  # noqa: S311 - repeatable
            values = [c.guesses[0] if number == 0 else guess.choice(c.guesses) for c in chosen]
            names = ", ".join(c.name for c in chosen)
            text = f"({names}) values ({', '.join(values)})" if chosen else "default values"
            if try_run(connection, f"insert into {table} {text}"):
                return True
    return False
