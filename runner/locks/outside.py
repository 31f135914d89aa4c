"""Know what is lost and no event trigger is told of.

Event triggers, roles, and what else is the server's: inside a transaction the lock that a drop takes tells
it, also from a block. Where the object may be on the live server alone (``if exists``), and where no
transaction is open, the text of the statement does. And the sequence of an identity, where its column stays,
and the values of a column that a statement replaces: its ``using`` names the column nowhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.files import Statement
    from runner.locks.probe import Relation

WATCH = """
    create table runner_trace.outside as
    select 'pg_catalog.pg_authid'::pg_catalog.regclass as class, r.oid, 'role' as kind,
        r.rolname::text as name
    from pg_catalog.pg_roles as r
    union all
    select e.tableoid, e.oid, 'event trigger', e.evtname::text from pg_catalog.pg_event_trigger as e;
    grant select on runner_trace.outside to public;
    create table runner_trace.identities as
    select s.oid, array[n.nspname::text, s.relname::text] as names, d.refobjid, d.refobjsubid
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_class as s on s.oid = d.objid and s.relkind = 'S'
    join pg_catalog.pg_namespace as n on n.oid = s.relnamespace
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = d.classid
        and d.deptype = 'i';
    grant select on runner_trace.identities to public;
"""
# Without its language the event trigger of the trace itself is gone.
DROPPED = """
    select 0, o.oid, 0, o.kind, pg_catalog.quote_ident(o.name), array[o.name], '{}'::text[], true
    from runner_trace.outside as o
    where exists (
            select from pg_catalog.pg_locks as l
            where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'object'
                and l.mode = 'AccessExclusiveLock' and l.classid = o.class and l.objid = o.oid
        )
        and not exists (select from pg_catalog.pg_roles as r where r.oid = o.oid)
        and not exists (select from pg_catalog.pg_event_trigger as e where e.oid = o.oid)
    union all
    select 0, 0, 0, 'extension', 'plpgsql', array['plpgsql'], '{}', true
    where not exists (select from pg_catalog.pg_extension as e where e.extname = 'plpgsql')
    union all
    select 0, i.oid, 0, 'sequence',
        pg_catalog.quote_ident(i.names[1]) || '.' || pg_catalog.quote_ident(i.names[2]), i.names, '{}', true
    from runner_trace.identities as i
    join pg_catalog.pg_attribute as a
        on a.attrelid = i.refobjid and a.attnum = i.refobjsubid and not a.attisdropped
    where not exists (select from pg_catalog.pg_class as s where s.oid = i.oid)
"""
# In the code of a statement there is no more of a quoted name than its first character.
_WORD = r'(?:[\w$]+|"\s*)'
PATH = rf"{_WORD}(?:\s*\.\s*{_WORD})*"
_DROP = re.compile(
    rf"""drop\s+(role|user(?!\s+mapping\b)|group|event\s+trigger|database|tablespace)\s+
    (if\s+exists\s+)?({_WORD}(?:\s*,\s*{_WORD})*)""",
    re.IGNORECASE | re.VERBOSE,
)
_TABLE = re.compile(rf"alter\s+(?:foreign\s+)?table\s+(?:if\s+exists\s+)?(?:only\s+)?({PATH})", re.IGNORECASE)
_TYPE = re.compile(rf"\balter\s+(?:column\s+)?({_WORD})\s+(?:set\s+data\s+)?type\b", re.IGNORECASE)
_USING = re.compile(r"\busing\b", re.IGNORECASE)


def named(statement: Statement, text: str, *, in_transaction: bool) -> Iterator[tuple[str, str]]:
    """Yield kind and name, as written, of what a text drops; in a transaction only what need not be there."""
    match = _DROP.match(statement.code)
    if not match or (in_transaction and not match[2]):
        return
    kind = " ".join(match[1].lower().split()).replace("user", "role").replace("group", "role")
    for name in re.compile(_WORD).finditer(statement.code, match.start(3), match.end(3)):
        yield kind, text[statement.start + name.start() : statement.start + name.end()].strip()


def replaced(statement: Statement, text: str) -> Iterator[tuple[str, str]]:
    """Yield table, as written, and column whose values a statement replaces; ``text`` is the file's."""
    own = text[statement.start : statement.end]
    table = _TABLE.match(statement.code)
    for match in _TYPE.finditer(statement.code):
        part = own_level(statement.code[match.end() :]).partition(",")[0]
        using = _USING.search(part)
        if not (table and using):
            continue
        begin, end = match.end() + using.end(), match.end() + len(part)
        found = re.compile(_WORD).finditer(statement.code, begin, end)
        words = [word for one in found for word in plain(own[one.start() : one.end()])]
        name, [column] = own[table.start(1) : table.end(1)], plain(own[match.start(1) : match.end(1)])
        if not {column, plain(name)[-1]} & {*words}:  # a function may be given the whole row
            yield name.strip(), column


def own_level(code: str) -> str:
    """Return code up to the end of its own level, with what stands in parentheses blanked out."""
    depth, kept = 0, []
    for character in code:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            break
        kept.append(" " if depth else character)
    return "".join(kept)


def plain(name: str) -> list[str]:
    """Return the parts of a name, as the catalogs hold them."""
    return [files.plain(part) for part in re.findall(files.NAME, name)]


def is_named(relation: Relation, name: str) -> bool:
    """Tell whether a name in a file means a relation; without a schema it may."""
    wanted = plain(name)
    return plain(relation.name)[-len(wanted) :] == wanted
