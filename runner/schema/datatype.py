"""Ask the server what it says of a data type, once for each. Does not write."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.database import query
from runner.schema.origin import FIRST_OID

if TYPE_CHECKING:
    from runner.database import Connection

_TYPES = """
    select t.typname::text, pg_catalog.format_type(t.oid, null), t.typtype::text, t.typcategory::text,
        t.typbasetype, case when t.typlen = -1 then t.typelem else 0 end,
        array(
            select pg_catalog.quote_literal(e.enumlabel)
            from pg_catalog.pg_enum as e where e.enumtypid = t.oid order by e.enumsortorder
        ),
        array(
            select a.atttypid::text from pg_catalog.pg_attribute as a
            where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum
        ),
        coalesce(r.rngsubtype, m.rngtypid, 0::pg_catalog.oid),
        array(
            select pg_catalog.pg_get_constraintdef(k.oid)
            from pg_catalog.pg_constraint as k where k.contypid = t.oid and k.contype = 'c'
        ),
        pg_catalog.format_type(t.typbasetype, t.typtypmod)
    from pg_catalog.pg_type as t
    left join pg_catalog.pg_range as r on r.rngtypid = t.oid
    left join pg_catalog.pg_range as m on m.rngmultitypid = t.oid
    where t.oid = %s
"""


class Type(NamedTuple):
    """What pg_type says of a type."""

    name: str
    full: str  # as SQL writes it
    kind: str
    category: str
    base: int
    element: int
    labels: list[str]
    parts: list[str]
    of: int  # the type that a range is of
    checks: list[str]
    based_on: str


class Types:
    """The types of a database, each asked for once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._known: dict[int, Type] = {}

    def forget(self) -> None:
        """Ask anew for the types that were made here."""
        self._known = {oid: type_ for oid, type_ in self._known.items() if oid < FIRST_OID}

    def get(self, oid: int) -> Type:
        """Return a type. Does not write."""
        if oid not in self._known:
            [row] = query(self.connection, _TYPES, oid)
            self._known[oid] = Type(*row)
        return self._known[oid]
