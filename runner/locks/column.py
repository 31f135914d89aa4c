"""Know the columns of what existed before, and the attributes of its composite types.

What tables hold of a composite type goes with its attribute, and no table is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner import database

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.database import Connection

_COLUMNS = """
    select a.attrelid, a.attnum::integer, a.attname::text, a.atttypid, a.atttypmod,
        pg_catalog.format_type(a.atttypid, a.atttypmod),
        pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.relkind = 'c'
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where (c.oid = any (%s) or c.relkind = 'c' and c.oid >= 16384 and c.oid < %s)
        and a.attnum > 0 and not a.attisdropped
"""


class Column(NamedTuple):
    """A column of something that existed before, and its type."""

    name: str
    type: int
    modifier: int
    shown: str
    home: str  # as it is called now
    is_attribute: bool  # of a composite type


def columns(connection: Connection, known: Iterable[int], *, first_new: int) -> dict[tuple[int, int], Column]:
    """Return the columns of what existed before, by its number and theirs. Does not write.

    ``known`` are tables; of the composite types those that are older than the number ``first_new``.
    """
    found = database.query(connection, _COLUMNS, list(known), first_new)
    return {(oid, number): Column(*rest) for oid, number, *rest in found}
