"""Tell whether a column's new type holds less than its old one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import database

if TYPE_CHECKING:
    from runner.database import Connection
    from runner.locks.column import Column

# An implicit cast keeps what there is, says PostgreSQL's manual of create cast; but not every digit.
_CAST = """
    select (
            select c.castcontext = 'i' from pg_catalog.pg_cast as c
            where c.castsource = o.base and c.casttarget = n.base
        ),
        o.base = n.base,
        n.base in ('pg_catalog.float4'::pg_catalog.regtype, 'pg_catalog.float8'::pg_catalog.regtype)
            and o.base in ('pg_catalog.int8'::pg_catalog.regtype, 'pg_catalog.numeric'::pg_catalog.regtype)
        or n.base = 'pg_catalog.float4'::pg_catalog.regtype
            and o.base = 'pg_catalog.int4'::pg_catalog.regtype,
        n.base in ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype)
    from (
        select coalesce(nullif(t.typbasetype, 0), t.oid) as base from pg_catalog.pg_type as t where t.oid = %s
    ) as o, (
        select coalesce(nullif(t.typbasetype, 0), t.oid) as base from pg_catalog.pg_type as t where t.oid = %s
    ) as n
"""
_WHOLE = {"smallint": 5, "integer": 10, "bigint": 19}  # digits
_LIMIT = re.compile(r"\((\d+)(?:,(-?\d+))?\)")


def narrows(connection: Connection, old: Column, new: Column) -> bool:
    """Tell whether values may be cut, rounded or refused by the new type. Does not write."""
    [(implicit, same, rounds, is_text)] = database.query(connection, _CAST, old.type, new.type)
    limit = _limit(new.shown)
    if limit is None:
        return not (same or (implicit and not rounds) or is_text)
    if new.shown.startswith("numeric"):
        digits, scale = limit
        had = _limit(old.shown) if same else (_WHOLE.get(old.shown, 0), 0) if old.shown in _WHOLE else None
        return had is None or digits - scale < had[0] - had[1] or scale < had[1]
    had = _limit(old.shown)
    is_alike = same or (new.shown.startswith("character") and old.shown.startswith("character"))
    default = 6 if re.match(r"time|interval", old.shown) else None  # digits behind the second
    before = had[0] if had else default
    return not is_alike or before is None or limit[0] < before


def _limit(shown: str) -> tuple[int, int] | None:
    """Return the numbers behind a type: a length, or digits and how many of them are behind the point."""
    found = _LIMIT.search(shown)
    return (int(found[1]), int(found[2] or 0)) if found else None
