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
    select s.seqrelid, s.seqrelid::pg_catalog.regclass::text, case when s.seqincrement < 0 then -1 else 1 end,
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
    sign: int  # -1 for one that descends
    owner: str | None
    start: int
    oid: int

    def given(self, number: int) -> int:
        """Return the last number it gave for one that lies beyond: a made-up key, for which it was drawn."""
        return number if self.value is None else min(number, self.value, key=lambda one: self.sign * one)

    def repeats(self, held: Collection[int]) -> bool:
        """Tell whether its column holds what it gives next, or what lies beyond."""
        last = self.start - self.sign if self.value is None else self.value
        return any(self.sign * (number - last) > 0 for number in held)

    def went_back(self, now: Sequence) -> bool:
        """Tell whether it stands before this place at another moment."""
        if now.value is None or self.value is None:
            return self.value is not None
        return self.sign * (now.value - self.value) < 0


def values(connection: Connection, known: Mapping[int, list[Any]]) -> dict[str, Sequence]:
    """Return where the sequences stand of which name, sign and owner are known. Does not write."""
    found = {oid: facts for oid, *facts in database.query(connection, _VALUES) if oid in known}
    unused = {oid: known[oid][0] for oid, (value, _, _) in found.items() if value is None}
    for oid, following in _following(connection, unused).items():
        _, start, step = found[oid]
        found[oid][0] = None if following == start else following - step
    return {
        name: Sequence(found[oid][0], sign, owner, found[oid][1], oid)
        for oid, (name, sign, owner) in known.items()
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
