"""Put rows into the empty tables of a scratch database.

What a column must hold is guessed from the catalog; each table gets several rows, one of them with nothing
but what is required. Values of keys are such as no seed would use. A table that takes none of the guesses
stays empty, and is named. A project's own rows, where it has some, come first.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner import database
from runner.database import query_quoted, run, send, try_run
from runner.schema.guesses import Types, guesses

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from runner.database import Connection

_QUERY = Path(__file__).parent / "rows.sql"
_ROWS = 3  # per table: two full ones, and one with what is required
_TRIES = 40  # per row: the likeliest values first, then others by chance
_SECONDS = 4.0  # per table: a trigger may sleep
_ENOUGH = 6  # guesses of a column that its own checks let pass


class _Facts(NamedTuple):
    """One row of rows.sql."""

    oid: int
    table: str
    plain: str | None
    name: str
    type_oid: int
    type: str
    is_required: bool
    makes_itself: bool  # identity, a sequence, a random uuid
    has_default: bool
    in_key: bool
    is_primary: bool
    own_checks: list[str]
    other_checks: list[str]
    reference: list[str] | None


class Reference(NamedTuple):
    """The foreign key that a column is part of, and what it refers to."""

    constraint: str
    oid: int
    table: str
    column: str
    columns: str  # all that the key refers to


class Column(NamedTuple):
    """A column of a table, and the expressions that may fit it."""

    facts: _Facts
    guesses: tuple[str, ...]
    reference: Reference | None

    @property
    def is_wanted(self) -> bool:
        """Whether a row must give it a value."""
        return self.facts.is_required and not self.facts.has_default and not self.facts.makes_itself

    def guess(self, number: int) -> str:
        """Return a guess as an expression of its type."""
        return f"({self.guesses[number % len(self.guesses)]})::{self.facts.type}" if self.guesses else "null"


@dataclass(frozen=True, slots=True)
class Table:
    """A table that rows are made for."""

    oid: int
    name: str
    columns: tuple[Column, ...]

    @property
    def parents(self) -> set[int]:
        """The other tables it refers to."""
        return {c.reference.oid for c in self.columns if c.reference} - {self.oid}

    @property
    def identity(self) -> str:
        """An expression that tells its rows apart."""
        names = [c.facts.name for c in self.columns if c.facts.is_primary]
        return f"row({', '.join(names)})::text" if names else "ctid::text"


@dataclass(slots=True)
class Filler:
    """What is known of the tables of one database, which stayed empty, and which rows were made."""

    connection: Connection
    besides: str
    own: Path | None = None  # a folder with a project's own rows, a file per table: public.users.sql
    tables: dict[int, Table] = field(default_factory=dict)
    empty: dict[int, str] = field(default_factory=dict)
    made: dict[int, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # files of own rows, and what the server said
    types: Types = field(init=False)

    def __post_init__(self) -> None:
        self.types = Types(self.connection)


def fill(filler: Filler, only: Collection[int] | None = None, *, numbers: Sequence[str] = ()) -> None:
    """Put rows into the tables that are empty; ``filler.empty`` names those that stay so. Writes.

    ``only`` are the tables that changed since the last time, ``None`` means all. ``numbers`` are tried, too.
    """
    learn(filler, only, numbers=numbers)
    wanted = {oid for oid in (filler.tables if only is None else only) if oid in filler.tables}
    if wanted:
        wanted |= filler.empty.keys() & filler.tables.keys()  # a table it refers to may have rows now
    few = [oid for oid in sorted(wanted) if _how_many(filler.connection, filler.tables[oid].name) < _ROWS]
    for oid in wanted:
        filler.empty.pop(oid, None)
    if few:
        _fill(filler, few)


def add(filler: Filler, wishes: Mapping[int, Iterable[tuple[str, str]]]) -> None:
    """Put a row more into a table for each pair of a column and the value it is to hold. Writes."""
    _begin(filler.connection)
    for oid, pairs in wishes.items():
        for number, (column, value) in enumerate(pairs):
            _insert(filler, filler.tables[oid], _ROWS + number, fixed={column: value}, tries=8)
    _end(filler.connection)


def clear(filler: Filler, oids: Collection[int]) -> None:
    """Delete the rows made for tables, and for those that refer to them. Writes."""
    chosen = set(oids)
    while more := {oid for oid, table in filler.tables.items() if table.parents & chosen} - chosen:
        chosen |= more
    _begin(filler.connection)
    rest = [oid for oid in chosen if filler.made.get(oid)]
    while left := [oid for oid in rest if not _delete(filler, oid)]:
        if len(left) == len(rest):
            break
        rest = left  # a table may be referred to by one that comes later
    _end(filler.connection)


def learn(filler: Filler, only: Collection[int] | None, *, numbers: Sequence[str] = ()) -> None:
    """Read what the rows of tables must look like. Does not write."""
    values = {"besides": filler.besides, "only": None if only is None else list(only)}
    text = _QUERY.read_bytes()  # a file of this package
    found: dict[int, list[_Facts]] = {}
    run(filler.connection, "begin; set local search_path = ''; set local jit = off")  # names in full
    for row in filler.connection.execute(text, values).fetchall():
        found.setdefault(row[0], []).append(_Facts(*row))
    for oid in list(filler.tables) if only is None else only:
        if oid not in found:
            for known in (filler.tables, filler.empty, filler.made):
                known.pop(oid, None)
    filler.types.forget()
    for oid, facts in found.items():
        columns = tuple(_column(filler, one, numbers) for one in facts if one.plain is not None)
        filler.tables[oid] = Table(oid, facts[0].table, columns)
    run(filler.connection, "rollback")


def _column(filler: Filler, facts: _Facts, numbers: Sequence[str]) -> Column:
    types = filler.types
    checks = [*facts.own_checks, *facts.other_checks]
    found = guesses(types, facts.type_oid, facts.type, checks, is_key=facts.in_key)
    if types.get(facts.type_oid).category == "N":
        found += [f"({int(number) + more})" for number in numbers for more in (0, 1)]
    if facts.own_checks or types.get(facts.type_oid).kind == "d":
        found = _passing(filler.connection, found, facts) or found
    reference = (
        Reference(facts.reference[0], int(facts.reference[1]), *facts.reference[2:])
        if facts.reference
        else None
    )
    return Column(facts, tuple(found), reference)


def _passing(connection: Connection, found: Sequence[str], facts: _Facts) -> list[str]:
    """Return the guesses that the column's own checks let pass."""
    condition = " and ".join(f"({check})" for check in facts.own_checks) or "true"
    passed: list[str] = []
    for guess in found:
        text = f"select from (select ({guess})::{facts.type} as {facts.name}) as x where {condition}"
        results = send(connection, f"savepoint attempt; {text}")
        if database.failure(results):
            run(connection, "rollback to savepoint attempt")
        elif results[1].ntuples:
            passed.append(guess)
        if len(passed) == _ENOUGH:
            break
    return passed


# ------------------------------------------------------------------ inserting


def _begin(connection: Connection) -> None:
    run(
        connection,
        "begin; set local statement_timeout = 2000; set local jit = off; set local search_path = ''",
    )


def _end(connection: Connection) -> None:
    run(connection, "commit" if database.in_transaction(connection) else "rollback")


def _fill(filler: Filler, oids: Sequence[int]) -> None:
    """Fill tables in one transaction; when what is deferred to its end fails, each row by itself."""
    for alone in (False, True):
        _begin(filler.connection)
        made = {oid: list(known) for oid, known in filler.made.items()}
        _own_rows(filler, [oid for oid in oids if not _how_many(filler.connection, filler.tables[oid].name)])
        rest = _fill_once(filler, oids, alone=alone)
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
        if file.is_file() and not try_run(filler.connection, file.read_text(encoding="utf-8")):
            filler.failed[file.name] = "its rows were refused"


def _fill_once(filler: Filler, oids: Sequence[int], *, alone: bool) -> list[int]:
    """Return the tables that stayed empty."""
    rest = list(oids)
    while rest:
        left = [oid for oid in rest if not _rows(filler, filler.tables[oid], alone=alone)]
        if len(left) == len(rest) and not (len(left) > 1 and _together(filler, left)):
            return left
        rest = [oid for oid in left if not _how_many(filler.connection, filler.tables[oid].name)]
    return []


def _rows(filler: Filler, table: Table, *, alone: bool) -> bool:
    """Make several rows for a table; return whether there is one."""
    deadline = time.monotonic() + _SECONDS
    done = _how_many(filler.connection, table.name)
    for number in range(done, _ROWS):
        if number and not done:
            break
        tries = _TRIES if number == 0 else _TRIES // 2
        sparse = number == _ROWS - 1
        done += _insert(filler, table, number, tries=tries, sparse=sparse, alone=alone, deadline=deadline)
    return done > 0


def _insert(
    filler: Filler,
    table: Table,
    number: int,
    *,
    tries: int,
    fixed: Mapping[str, str] | None = None,
    sparse: bool = False,
    alone: bool = False,
    deadline: float = float("inf"),
) -> bool:
    """Insert one row, by several tries; return whether it is there."""
    after = " set constraints all immediate; set constraints all deferred;" if alone else ""
    for attempt in range(tries):
        if time.monotonic() > deadline:
            return False
        values = _values(table, number, attempt, fixed or {}, sparse=sparse and attempt < tries // 2)
        names = f"({', '.join(values)}) overriding system value values ({', '.join(values.values())})"
        text = names if values else "default values"
        statement = f"insert into {table.name} {text} returning {table.identity}"
        results = send(filler.connection, f"savepoint attempt; {statement}; {after}")
        if database.failure(results) or not results[1].ntuples:
            run(filler.connection, "rollback to savepoint attempt")
            continue
        filler.made.setdefault(table.oid, []).append((results[1].get_value(0, 0) or b"").decode())
        return True
    return False


def _values(
    table: Table, number: int, attempt: int, fixed: Mapping[str, str], *, sparse: bool
) -> dict[str, str]:
    """Return an expression for each column that a row is to give a value."""
    chance = random.Random(f"{number} {attempt}")  # noqa: S311 - repeatable
    offset = number + attempt
    found = {}
    for column in table.columns:
        facts = column.facts
        if facts.plain is not None and facts.plain in fixed:
            found[facts.name] = f"({fixed[facts.plain]})::{facts.type}"
        elif column.reference:
            if not sparse or column.is_wanted:
                found[facts.name] = _referred(column, column.reference, offset, table)
        elif facts.makes_itself and attempt < _TRIES // 4:
            continue
        elif not sparse or column.is_wanted:
            found[facts.name] = column.guess(number if attempt == 0 else chance.randrange(97))
    return found


def _referred(column: Column, reference: Reference, offset: int, table: Table) -> str:
    """Return a value of the table referred to; a row that must refer to its own table may be the first there."""
    source = f"from {reference.table}"
    value = (
        f"(select {reference.column} {source} order by {reference.columns} offset "
        f"(select {offset} % greatest(count(*), 1) {source}) limit 1)"
    )
    if reference.oid != table.oid or not column.is_wanted:
        return value
    own = next((c.guess(0) for c in table.columns if c.facts.name == reference.column), "null")
    return f"coalesce({value}, {own})"


def _together(filler: Filler, oids: Sequence[int]) -> bool:
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
    return (
        f"insert into {table.name} ({', '.join(values)}) overriding system value"  # noqa: S608 - quoted by the server
        f" values ({', '.join(values.values())})"
    )


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
