"""Know the sequences of a database, and where each stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from runner import database

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.database import Connection
    from runner.schema.moment import Moment

KNOWN = """
    select s.seqrelid, s.seqrelid::pg_catalog.regclass::text, s.seqincrement < 0,
        d.refobjid::pg_catalog.regclass::text || '.' || a.attname
    from pg_catalog.pg_sequence as s
    join pg_catalog.pg_class as c on c.oid = s.seqrelid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace and (%(schemas)s::text[] is null or n.nspname = any (%(schemas)s::text[]))
    left join pg_catalog.pg_depend as d
        on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = s.seqrelid
        and d.refobjsubid > 0 and d.deptype in ('a', 'i')
    left join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
"""
_VALUES = """
    select s.seqrelid, pg_catalog.pg_sequence_last_value(s.seqrelid), s.seqstart, s.seqincrement
    from pg_catalog.pg_sequence as s
"""
_NUMBER = re.compile(r"-?\d+")  # a sequence may be owned by a column of any type


class Sequence(NamedTuple):
    """Where a sequence stands, none for its start, and the column that owns it, whose gaps nobody minds."""

    value: int | None
    is_descending: bool
    owner: str | None
    start: int
    oid: int

    def given(self, number: int) -> int:
        """Return the last number it gave for one that lies beyond: a made-up key, for which it was drawn."""
        if self.value is None:
            return number
        return max(number, self.value) if self.is_descending else min(number, self.value)

    def repeats(self, held: Collection[int]) -> bool:
        """Tell whether its column holds what it gives next, or what lies beyond."""
        if not held:
            return False
        if self.value is None:
            return min(held) <= self.start if self.is_descending else max(held) >= self.start
        return min(held) < self.value if self.is_descending else max(held) > self.value

    def went_back(self, now: Sequence) -> bool:
        """Tell whether it stands before this place at another moment."""
        if now.value is None or self.value is None:
            return self.value is not None
        return now.value > self.value if self.is_descending else now.value < self.value


def values(connection: Connection, known: Mapping[int, list[Any]]) -> dict[str, Sequence]:
    """Return where the sequences stand of which name, direction and owner are known. Does not write."""
    found = {oid: facts for oid, *facts in database.query(connection, _VALUES) if oid in known}
    unused = {oid: known[oid][0] for oid, (value, _, _) in found.items() if value is None}
    for oid, following in _following(connection, unused).items():
        _, start, step = found[oid]
        found[oid][0] = None if following == start else following - step
    return {
        name: Sequence(found[oid][0], is_descending, owner, found[oid][1], oid)
        for oid, (name, is_descending, owner) in known.items()
        if oid in found
    }


def _following(connection: Connection, names: Mapping[int, str]) -> dict[int, int]:
    """Return what comes next from sequences that have given nothing since they were set."""
    texts = [
        f"select {oid}, last_value from {name} where not is_called"  # noqa: S608 - quoted by the server
        for oid, name in names.items()
    ]
    return dict(database.query_quoted(connection, " union all ".join(texts))) if texts else {}


def set_back(before: Moment, after: Moment) -> Iterator[tuple[str, Sequence, Sequence]]:
    """Yield sequences that would give again what their columns hold, by the names they have then."""
    known = {was.oid: was for was in before.sequences.values()}
    for name, now in after.sequences.items():
        was = known.get(now.oid) or before.sequences.get(name)
        if was and was.went_back(now) and now.repeats([was.given(number) for number in _held(now, after)]):
            yield name, was, now


def _held(sequence: Sequence, moment: Moment) -> list[int]:
    """Return the numbers in the column that owns a sequence."""
    table, _, column = (sequence.owner or "").rpartition(".")
    rows = moment.tables[table].rows if table in moment.tables else ()
    return [int(value) for row in rows if (value := row.get(column)) and _NUMBER.fullmatch(value)]
