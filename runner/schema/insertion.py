"""Insert a made-up row: its columns get the likeliest values first, then others by chance."""

from __future__ import annotations

import random
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from runner import database
from runner.database import query_quoted, run, send, try_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.schema.rows import Filler
    from runner.schema.shape import Column, Reference, Table

TRIES = 40  # per row: the likeliest values first, then others by chance


class Wish(NamedTuple):
    """A row that is to be made: the how manieth of its table, and with which values in any case."""

    number: int
    tries: int
    fixed: Mapping[str, str] = MappingProxyType({})
    sparse: bool = False  # with what is required only
    alone: bool = False  # deferred constraints are checked at once
    deadline: float = float("inf")


def insert(filler: Filler, table: Table, wish: Wish) -> bool:
    """Insert one row, by several tries; return whether it is there."""
    after = " set constraints all immediate; set constraints all deferred;" if wish.alone else ""
    for attempt in range(wish.tries):
        if time.monotonic() > wish.deadline:
            return False
        statement = _statement(table, _values(table, wish, attempt))
        results = send(
            filler.connection, f"savepoint attempt; {statement} returning {table.identity}; {after}"
        )
        if database.failure(results) or not results[1].ntuples:
            run(filler.connection, "rollback to savepoint attempt")
            continue
        filler.made.setdefault(table.oid, []).append((results[1].get_value(0, 0) or b"").decode())
        return True
    return False


def _statement(table: Table, values: Mapping[str, str]) -> str:
    given = f"({', '.join(values)}) overriding system value values ({', '.join(values.values())})"
    return f"insert into {table.name} {given if values else 'default values'}"  # noqa: S608 - quoted by the server


def _values(table: Table, wish: Wish, attempt: int) -> dict[str, str]:
    """Return an expression for each column that a row is to give a value."""
    chance = random.Random(f"{wish.number} {attempt}")  # noqa: S311 - repeatable
    sparse = wish.sparse and attempt < wish.tries // 2
    found = {}
    for place, column in enumerate(table.columns):
        facts = column.facts
        likely = 0 if facts.other_checks else place  # two columns of a row shall differ
        if facts.plain is not None and facts.plain in wish.fixed:
            found[facts.name] = f"({wish.fixed[facts.plain]})::{facts.type}"
        elif column.draw and attempt < TRIES // 8:  # drawn all the same: a file may set it back
            guess = column.guess(wish.number + place if attempt == 0 else chance.randrange(97))
            found[facts.name] = f"(select {guess} from (select {column.draw}) as drawn)"  # noqa: S608 - of the catalog
        elif (sparse and not column.is_wanted) or (facts.makes_itself and attempt < TRIES // 4):
            continue
        elif column.reference:
            found[facts.name] = _referred(column, column.reference, wish.number + attempt, table)
        else:
            found[facts.name] = column.guess(wish.number + likely if attempt == 0 else chance.randrange(97))
    return found


def _referred(column: Column, reference: Reference, offset: int, table: Table) -> str:
    """Return a value of the table referred to; a row that refers to its own table may be the first there."""
    source = f"from {reference.table}"
    value = (
        f"(select {reference.column} {source} order by {reference.columns} offset "
        f"(select {offset} % greatest(count(*), 1) {source}) limit 1)"
    )
    if reference.oid != table.oid or not column.is_wanted:
        return value
    own = next((c.guess(0) for c in table.columns if c.facts.name == reference.column), "null")
    return f"coalesce({value}, {own})"


def together(filler: Filler, oids: Sequence[int]) -> bool:
    """Insert a row into each of several tables that need one another, with one statement."""
    tables = [filler.tables[oid] for oid in oids]
    circle = [t for t in tables if t.parents & set(oids)]
    if len(circle) < 2:  # noqa: PLR2004 - a circle
        return False
    parts = [_keyed(table, {t.oid: t for t in circle}) for table in circle]
    named = ", ".join(f"x{k} as ({part})" for k, part in enumerate(parts[:-1]))
    if not try_run(filler.connection, f"with {named} {parts[-1]}"):
        return False
    for table in circle:
        text = f"select {table.identity} from {table.name}"  # noqa: S608 - quoted by the server
        filler.made[table.oid] = [row for (row,) in query_quoted(filler.connection, text)]
    return True


def _keyed(table: Table, circle: Mapping[int, Table]) -> str:
    """Return an insert whose references hold the first guess of what they refer to."""
    values = {}
    for column in table.columns:
        reference = column.reference
        if reference and reference.oid in circle:
            other = circle[reference.oid].columns
            values[column.facts.name] = next(c.guess(0) for c in other if c.facts.name == reference.column)
        elif reference:
            values[column.facts.name] = _referred(column, reference, 0, table)
        else:
            values[column.facts.name] = column.guess(0)
    return _statement(table, values)
