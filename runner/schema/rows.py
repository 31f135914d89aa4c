"""Put rows into the empty tables of a scratch database.

What a column must hold is guessed from the catalog; each table gets several rows, one of them with nothing
but what is required. Values of keys are such as no seed would use. A table that takes none of the guesses
stays empty, and is named. A project's own rows, where it has some, come first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner import database
from runner.database import run, try_run
from runner.schema import shape
from runner.schema.datatype import Types
from runner.schema.insertion import TRIES, Wish, insert, together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from runner.database import Connection
    from runner.schema.shape import Table

_ROWS = 3  # per table: two full ones, and one with what is required
# As a superuser, and not for ever.
_BOUNDS = "set local role none; set local statement_timeout = 2000; set local row_security = on"
_SECONDS = 4.0  # per table: a trigger may sleep


@dataclass(slots=True)
class Filler:
    """What is known of the tables of one database, which stayed empty, and which rows were made."""

    connection: Connection
    besides: str
    reader: Connection | None = None  # a session that prepares its questions
    own: Path | None = None  # a folder with a project's own rows, a file per table: public.users.sql
    tables: dict[int, Table] = field(default_factory=dict)
    empty: dict[int, str] = field(default_factory=dict)
    made: dict[int, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # files of own rows, and what the server said
    types: Types = field(init=False)

    def __post_init__(self) -> None:
        self.types = Types(self.connection)

    @property
    def has_rows(self) -> bool:
        """Whether rows were made that a file may trip over."""
        return any(self.made.values())


def fill(filler: Filler, only: Collection[int] | None = None, *, numbers: Sequence[str] = ()) -> None:
    """Put rows into the tables that are empty; ``filler.empty`` names those that stay so. Writes.

    ``only`` are the tables that changed since the last time, ``None`` means all. ``numbers`` are tried, too.
    """
    if only is not None and not only:
        return
    learn(filler, only, numbers=numbers)
    wanted = filler.tables.keys() if only is None else filler.tables.keys() & set(only)
    if wanted:
        wanted |= filler.empty.keys() & filler.tables.keys()  # a table it refers to may have rows now
        for oid in wanted & filler.empty.keys():
            del filler.empty[oid]
        _fill(filler, sorted(wanted))


def add(filler: Filler, wishes: Mapping[int, Iterable[tuple[str, ...]]]) -> None:
    """Put a row more into a table for each wish: columns and the values they are to hold, in turn. Writes.

    Where they are not to be had together, a row holds the first of them.
    """
    _begin(filler.connection)
    for oid, wanted in wishes.items():
        for number, parts in enumerate(wanted, _ROWS):
            values = dict(zip(parts[::2], parts[1::2], strict=True))
            if not insert(filler, filler.tables[oid], Wish(number, 8, values)):
                insert(filler, filler.tables[oid], Wish(number, 8, {parts[0]: parts[1]}))
    _end(filler.connection)


def clear(filler: Filler, oids: Collection[int]) -> None:
    """Delete the rows made for tables, and for those that refer to them. Writes."""
    chosen = set(oids)
    while more := {oid for oid, table in filler.tables.items() if table.parents & chosen} - chosen:
        chosen |= more
    _begin(filler.connection)
    rest = [oid for oid in sorted(chosen, reverse=True) if filler.made.get(oid)]
    while left := [oid for oid in rest if not _delete(filler, oid)]:
        if len(left) == len(rest):
            break
        rest = left  # a table may be referred to by one that was made before it
    _end(filler.connection)


def learn(filler: Filler, only: Collection[int] | None, *, numbers: Sequence[str] = ()) -> None:
    """Read what the rows of tables must look like. Does not write."""
    reader = filler.reader or filler.connection
    tables = shape.shapes(filler.types, reader=reader, besides=filler.besides, only=only, numbers=numbers)
    found = {table.oid: table for table in tables}
    for oid in set(filler.tables if only is None else only) - found.keys():
        for known in (filler.tables, filler.empty, filler.made):
            known.pop(oid, None)
    filler.tables |= found


# ------------------------------------------------------------------ inserting


def _begin(connection: Connection) -> None:
    run(connection, f"{database.opening(connection, access='read write')} {_BOUNDS}")


def _end(connection: Connection) -> None:
    run(connection, "commit" if database.in_transaction(connection) else "rollback")


def _fill(filler: Filler, oids: Sequence[int]) -> None:
    """Fill tables in one transaction; when what is deferred to its end fails, each row by itself."""
    for alone in (False, True):
        _begin(filler.connection)
        made = {oid: list(known) for oid, known in filler.made.items()}
        counts = {oid: _how_many(filler.connection, filler.tables[oid].name) for oid in oids}
        _own_rows(filler, [oid for oid, count in counts.items() if not count])
        rest = _fill_once(filler, [oid for oid, count in counts.items() if count < _ROWS], alone=alone)
        if try_run(filler.connection, "set constraints all immediate"):
            break
        run(filler.connection, "rollback")
        filler.made = made
    _end(filler.connection)
    for oid in rest:
        filler.empty[oid] = filler.tables[oid].name


def _own_rows(filler: Filler, oids: Sequence[int]) -> None:
    if filler.own is None:
        return
    for oid in oids:
        file = filler.own / f"{filler.tables[oid].name}.sql"
        if file.is_file() and (why := _refused(filler.connection, file)):
            filler.failed[file.name] = why


def _refused(connection: Connection, file: Path) -> str | None:
    """Run a file of own rows; return why that was not to be done."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # a mark in front is no part of it
    except UnicodeDecodeError:
        return "it is not UTF-8"
    return None if try_run(connection, text) else "its rows were refused"


def _fill_once(filler: Filler, oids: Sequence[int], *, alone: bool) -> list[int]:
    """Return the tables that stayed empty."""
    rest = list(oids)
    while rest:
        left = [oid for oid in rest if not _rows(filler, filler.tables[oid], alone=alone)]
        if len(left) == len(rest) and not together(filler, left):
            return left
        rest = [oid for oid in left if not _how_many(filler.connection, filler.tables[oid].name)]
    return []


def _rows(filler: Filler, table: Table, *, alone: bool) -> bool:
    """Make several rows for a table; return whether there is one."""
    deadline = time.monotonic() + _SECONDS
    done = _how_many(filler.connection, table.name)
    used = max(len(filler.made.get(table.oid, ())) - done, 0)  # keys that were moved away may come back
    for number in range(done, _ROWS):
        if number and not done:
            break
        tries = TRIES if number == 0 else TRIES // 2
        wish = Wish(used + number, tries, sparse=number == _ROWS - 1, alone=alone, deadline=deadline)
        done += insert(filler, table, wish)
    return done > 0


def _delete(filler: Filler, oid: int) -> bool:
    table = filler.tables[oid]
    rows = database.fill("{rows}", rows=filler.made[oid])
    text = f"delete from {table.name} where {table.identity} = any ({rows}::text[])"  # noqa: S608 - quoted by the server
    done = try_run(filler.connection, text)
    if done:
        filler.made.pop(oid)
    return done


def _how_many(connection: Connection, table: str) -> int:
    """Count the rows of a table, as far as several."""
    text = f"select count(*) from (select from {table} limit {_ROWS}) as x"  # noqa: S608 - quoted by the server
    [result] = run(connection, text)
    return int(result.get_value(0, 0) or 0)
