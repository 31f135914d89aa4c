"""Tell whether a column's new type holds less than its old one.

Of a domain counts what it is made of, of an array what its elements are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner import database

if TYPE_CHECKING:
    from runner.database import Connection
    from runner.locks.column import Column

# The limit of a domain is its own; that of an array is the one of its elements.
_PLAIN = """
    with recursive found as (
        select %s::pg_catalog.oid as type, %s::integer as modifier, 0 as arrays, 0 as depth
        union all
        select case t.typtype when 'd' then t.typbasetype else t.typelem end,
            case t.typtype when 'd' then t.typtypmod else f.modifier end,
            f.arrays + (t.typtype <> 'd')::integer, f.depth + 1
        from found as f
        join pg_catalog.pg_type as t on t.oid = f.type
        where t.typtype = 'd' or t.typcategory = 'A' and t.typelem <> 0
    )
    select f.type, f.arrays, pg_catalog.format_type(f.type, null),
        pg_catalog.format_type(f.type, f.modifier)
    from found as f order by f.depth desc limit 1
"""
# An implicit cast keeps what there is, says PostgreSQL's manual of create cast, and its own do, but for those
# below; an extension's may not. One without a function does.
_CAST = """
    select c.castcontext = 'i' and c.oid < 16384 or c.castmethod = 'b' from pg_catalog.pg_cast as c
    where c.castsource = %s and c.casttarget = %s
"""
_LABELS = """
    select pg_catalog.count(*), pg_catalog.count(n.oid)
    from pg_catalog.pg_enum as e
    left join pg_catalog.pg_enum as n on n.enumtypid = %s and n.enumlabel = e.enumlabel
    where e.enumtypid = %s
"""
_LOSES = {  # implicit casts that do not: what is left of digits and letters, and what refuses some
    "double precision": {"bigint", "numeric"},
    "real": {"integer", "bigint", "numeric"},
    "name": {"text", "character varying", "character"},
    "macaddr": {"macaddr8"},
    "bit": {"bit varying"},
    "oid": {"smallint", "bigint"},
}
_KEEPS = {("jsonb", "json"), ("oid", "bigint")}  # by a cast that is not implicit
_REGISTERED = re.compile(r"reg[a-z]+$")  # regclass and its kin: a name that is not there is refused
_WHOLE = {"smallint": 5, "integer": 10, "bigint": 19}  # digits
_WIDTH = {"smallint": 6, "integer": 11, "bigint": 20, "boolean": 5, "uuid": 36}  # characters
_TEXT = ("text", "character varying")
_TIME = re.compile(r"time|interval")
_FIELDS = ("year", "month", "day", "hour", "minute", "second")  # interval cuts what is below one
_LIMIT = re.compile(r"\((\d+)(?:,(-?\d+))?\)")


class _Plain(NamedTuple):
    """What a type is made of: of how many arrays, and of what at last, without its limit and with it."""

    oid: int
    arrays: int
    name: str
    shown: str


def narrows(connection: Connection, old: Column, new: Column) -> bool:
    """Tell whether values may be cut, rounded or refused by the new type. Does not write."""
    was, now = (_plain(connection, one) for one in (old, new))
    if was.arrays != now.arrays:
        return now.arrays > 0 or now.shown not in _TEXT
    if now.shown in _TEXT:
        return False
    if now.name == "numeric":
        return _loses_digits(was, now)
    if now.name.startswith("character"):
        return _loses_letters(was, now)
    return not _is_kept(connection, was, now) or _loses_precision(was, now)


def keeps_labels(connection: Connection, old: Column, new: Column) -> bool:
    """Tell whether an enum became another one that has all its labels. Does not write.

    No cast leads from one to the other: a file says itself how, mostly by way of text.
    """
    was, now = (_plain(connection, one) for one in (old, new))
    [(labels, kept)] = database.query(connection, _LABELS, now.oid, was.oid)
    return was.arrays == now.arrays and labels == kept > 0


def _plain(connection: Connection, column: Column) -> _Plain:
    return _Plain(*database.query(connection, _PLAIN, column.type, column.modifier)[0])


def _loses_digits(was: _Plain, now: _Plain) -> bool:
    if was.name != "numeric" and was.name not in _WHOLE:
        return True
    limit, had = _limit(now), (_WHOLE[was.name], 0) if was.name in _WHOLE else _limit(was)
    if limit is None:
        return False
    return had is None or limit[0] - limit[1] < had[0] - had[1] or limit[1] < had[1]


def _loses_letters(was: _Plain, now: _Plain) -> bool:
    """Tell it of text, and of what has a known width; ``character`` forgets blanks at the end."""
    limit, had = _limit(now), _limit(was)
    if was.name in _WIDTH:
        had = (_WIDTH[was.name], 0)
    elif was.name not in (*_TEXT, "character") or (now.name == "character" and was.name in _TEXT):
        return True
    return limit is not None and (had is None or limit[0] < had[0])


def _is_kept(connection: Connection, was: _Plain, now: _Plain) -> bool:
    """Tell whether a type holds every value of another one, but for its limit."""
    if was.oid == now.oid or (was.name, now.name) in _KEEPS:
        return True
    if was.name == "numeric" and now.name in _WHOLE and (had := _limit(was)):
        return had[1] <= 0 and had[0] - had[1] < _WHOLE[now.name]
    if was.name in _LOSES.get(now.name, ()) or (_REGISTERED.match(now.name) and was.name != "oid"):
        return False
    return any(kept for (kept,) in database.query(connection, _CAST, was.oid, now.oid))


def _loses_precision(was: _Plain, now: _Plain) -> bool:
    limit, had = _limit(now), _limit(was)
    if now.name == "bit":
        return limit != had
    if now.name == "interval" and _field(now) < _field(was):
        return True
    if had is None and _TIME.match(was.name):
        had = (6 if _field(was) == len(_FIELDS) - 1 else 0, 0)  # digits behind the second
    return limit is not None and was.name != "date" and (had is None or limit[0] < had[0])


def _field(type_: _Plain) -> int:
    """Return how fine an interval is: the last field it names, all of them if none."""
    named = [_FIELDS.index(word) for word in re.findall(r"[a-z]+", type_.shown) if word in _FIELDS]
    return max(named, default=len(_FIELDS) - 1)


def _limit(type_: _Plain) -> tuple[int, int] | None:
    """Return the numbers behind a type: a length, or digits and how many of them are behind the point."""
    found = _LIMIT.search(type_.shown)
    return (int(found[1]), int(found[2] or 0)) if found else None
