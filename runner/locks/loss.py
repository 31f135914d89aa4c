"""Know what a statement destroys: by what the server says was dropped, by files, types and its text.

An event trigger, made in the transaction that is rolled back in the end, is told of every drop, also inside a
``do`` block or a function. It works with the rights of who made it, whatever role a file takes on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner import database
from runner.locks import outside
from runner.locks.column import columns
from runner.locks.effect import Loss, Work
from runner.locks.narrowing import keeps_labels, narrows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from runner.database import Connection
    from runner.files import Statement
    from runner.locks.probe import Relation
    from runner.locks.run import Existing

_WATCH = """
    create schema runner_trace;
    create table runner_trace.dropped (
        number integer generated always as identity, objid oid, objsubid integer, kind text,
        identity text, names text[], args text[],
        original boolean
    );
    create function runner_trace.note() returns event_trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
    begin
        insert into runner_trace.dropped (objid, objsubid, kind, identity, names, args, original)
        select objid, objsubid, object_type, object_identity, address_names, address_args, original
        from pg_catalog.pg_event_trigger_dropped_objects()
        where original or normal;
    end
    $$;
    create event trigger runner_trace_drop on sql_drop execute function runner_trace.note();
    alter event trigger runner_trace_drop enable always;
    grant usage on schema runner_trace to public;
    grant select on runner_trace.dropped to public;
"""
_DROPPED = """
    select number, objid, objsubid, kind, identity, names, args, original
    from runner_trace.dropped where number > %s
"""
_ALL_DROPPED = f"{_DROPPED} union all {outside.DROPPED} order by 8 desc, 1"
# What is made of a foreign key: its triggers, and one key more to each partition of the table referred to. A
# not null, too, is a constraint only since PostgreSQL 18: the same statement destroys nothing before.
_PARTS = """
    select 'trigger', t.oid from pg_catalog.pg_trigger as t where t.tgisinternal
    union all
    select 'table constraint', c.oid
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_constraint as whole on whole.oid = c.conparentid
    where c.contype = 'f' and c.confrelid <> whole.confrelid
    union all
    select 'table constraint', c.oid from pg_catalog.pg_constraint as c where c.contype = 'n'
"""
_NEXT = "select pg_catalog.lo_create(0)"  # it gets the next number of all
_IS_THERE = "select pg_catalog.pg_get_object_address({kind}, {names}::text[], {args}::text[])"

# What a server, a database or a file may have set against all event triggers: since PostgreSQL 17.
WATCHING = """
    select pg_catalog.set_config('event_triggers', 'on', true)
    where case pg_catalog.current_setting('event_triggers', true) when 'off' then
        pg_catalog.has_parameter_privilege('event_triggers', 'set') end;
"""

# Kinds that hold rows; and those that cannot be made again as they were.
HOLDING = {"table", "table column", "composite type column", "materialized view", "foreign table"}
_DATA = {*HOLDING, "sequence", "schema", "type", "domain", "extension", "database", "tablespace"}
_NOTHING = "default value"
_DELETE = re.compile(rf"\bdelete\s+from\s+(?:only\s+)?({outside.PATH})", re.IGNORECASE)
_WHERE = re.compile(r"\bwhere\b", re.IGNORECASE)
_ALWAYS = re.compile(
    r"""\s*(?: true\s+or\b
    | \(?\s*(?:true|not\s+false|(\d+)\s*=\s*\1)\s*\)?\s*(?:returning\b|\)|$) )""",
    re.IGNORECASE | re.VERBOSE,
)


class Dropped(NamedTuple):
    """What the server says was dropped."""

    number: int
    objid: int
    objsubid: int
    kind: str
    identity: str
    names: list[str]
    args: list[str]
    is_original: bool  # the statement named it; else it went with that, by cascade or as a part


class Losses:
    """What a transaction has destroyed so far; made where it begins. Writes there."""

    def __init__(self, connection: Connection, known: Existing) -> None:
        self.connection = connection
        self.known = known
        self.columns = columns(connection, known, first_new=known.first_new)
        self._then = self.columns
        self._number = 0
        self._told: set[int] = set()  # of what lies outside
        self._parts = set(database.query(connection, _PARTS))
        database.run(connection, _WATCH + outside.WATCH)

    def dropped(self) -> list[Dropped]:
        """Return what was dropped since the last call, of that what existed before."""
        rows = [Dropped(*row) for row in database.query(self.connection, _ALL_DROPPED, self._number)]
        found = [one for one in rows if one.number or one.objid not in self._told]
        self._told |= {one.objid for one in found if not one.number}
        self._number = max((self._number, *(one.number for one in found)))
        homes = [one.names[:2] if one.objsubid else one.names for one in found if one.is_original]
        named = [one for one in found if one.is_original or not _is_within(one.names, homes)]
        return [one for one in named if one.kind != _NOTHING and self._existed(one)]

    def _existed(self, one: Dropped) -> bool:
        if one.objsubid:
            return (one.objid, one.objsubid) in self.columns
        is_old = (one.kind, one.objid) not in self._parts and one.objid < self.known.first_new
        return is_old and self.known.is_live(one.kind, one.names[-1])

    def narrowed(self) -> Iterator[Loss]:
        """Yield the columns and attributes whose type holds less than before, since the last call."""
        now = columns(self.connection, self.known, first_new=self.known.first_new)
        for key, new in now.items():
            old = self._then.get(key)
            if (
                old
                and old[1:4] != new[1:4]
                and not keeps_labels(self.connection, old, new)
                and narrows(self.connection, old, new)
            ):
                home = new.home if new.is_attribute else self.known[key[0]].name
                text = f"narrows {home}.{new.name} from {old.shown} to {new.shown}"
                yield Loss(text, is_data=not new.is_attribute)  # no table may have such a column
        self._then = now

    def is_there(self, one: Dropped) -> bool:
        """Tell whether what was dropped was made again."""
        text = database.fill(_IS_THERE, kind=one.kind, names=one.names, args=one.args)
        return database.try_run(self.connection, text)


def named(statement: Statement, text: str, known: Existing, *, in_transaction: bool) -> Iterator[Dropped]:
    """Yield what lies outside the database and, by its text, is dropped, where the live server has it."""
    for kind, shown in outside.named(statement, text, in_transaction=in_transaction):
        [name] = outside.plain(shown)
        if known.is_live(kind, name):
            yield Dropped(0, 0, 0, kind, shown, [name], [], is_original=True)


def next_number(connection: Connection) -> int:
    """Return the object identifier that nothing has yet. Does not leave a change."""
    database.run(connection, "begin")
    try:
        [(number,)] = database.query(connection, _NEXT)
    finally:
        database.roll_back(connection)
    return int(number)


def _is_within(names: list[str], homes: list[list[str]]) -> bool:
    """Tell whether something is a part of one of others, as a trigger is of its table."""
    return any(len(home) > 1 and names[: len(home)] == home != names for home in homes)


def drop(one: Dropped) -> Loss:
    """Return a drop as a loss: ``drops column public.orders.total``."""
    kind = one.kind.replace("composite type column", "attribute").removeprefix("table ")
    return Loss(f"drops {kind} {one.identity}", is_data=one.kind in _DATA)


def emptied(works: Mapping[int, Collection[Work]], without: Iterable[int], known: Existing) -> Iterator[Loss]:
    """Yield the tables that were truncated, and those that are ``without`` a row as all were deleted."""
    truncated = (oid for oid, kinds in works.items() if Work.EMPTIES in kinds)
    yield from (Loss(f"empties {known[oid].name}", is_data=True) for oid in truncated)
    yield from (Loss(f"deletes every row of {known[oid].name}", is_data=True) for oid in without)


def unconditional(statement: Statement, text: str) -> Iterator[str]:
    """Yield the tables and views, as written, from which a statement deletes without a condition."""
    for match in _DELETE.finditer(statement.code):
        rest = statement.code[match.end() :]
        where = _WHERE.search(outside.own_level(rest))
        if not where or _ALWAYS.match(rest, where.end()):
            yield text[statement.start + match.start(1) : statement.start + match.end(1)].strip()


def row_of(relation: Relation) -> str:
    """Return the question for one row of a relation."""
    return f"select from {relation.name} limit 1"
