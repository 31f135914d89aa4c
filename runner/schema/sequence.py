"""Know the sequences of a database, and where each stands."""

from __future__ import annotations

from typing import NamedTuple

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
VALUES = "select s.seqrelid, pg_catalog.pg_sequence_last_value(s.seqrelid) from pg_catalog.pg_sequence as s"


class Sequence(NamedTuple):
    """Where a sequence stands, and the column that owns it, whose gaps nobody minds."""

    value: int | None
    is_descending: bool
    owner: str | None
