"""Know what the rows of a table must look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from runner import database
from runner.database import run, send
from runner.schema.guesses import guesses

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from runner.database import Connection
    from runner.schema.datatype import Types

_ENOUGH = 6  # guesses of a column that its own checks let pass


class _Facts(NamedTuple):
    """One row of shape.sql."""

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
    draw: str | None  # the next number of the sequence that numbers it


class Reference(NamedTuple):
    """What the foreign key that a column is part of refers to."""

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

    @property
    def draw(self) -> str | None:
        """What gives a key its numbers, where a sequence does: from 1, which a seed takes as well."""
        return self.facts.draw if self.facts.in_key and self.reference is None else None


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
    def draws(self) -> set[str]:
        """What numbers its keys, each in its own way: where it is a sequence, by drawing from it."""
        return {column.draw for column in self.columns if column.draw}

    @property
    def identity(self) -> str:
        """An expression that tells its rows apart."""
        names = [c.facts.name for c in self.columns if c.facts.is_primary]
        return f"row({', '.join(names)})::text" if names else "ctid::text"


def shapes(
    types: Types, *, reader: Connection, besides: str, only: Collection[int] | None, numbers: Sequence[str]
) -> Iterator[Table]:
    """Yield the tables of a database, or those with the oids ``only``. Does not write.

    The session of ``types`` tries the checks; ``reader``, which may be another, asks what there is.
    """
    connection = types.connection
    found: dict[int, list[_Facts]] = {}
    for one in _read(reader, besides, only):
        found.setdefault(one.oid, []).append(one)
    begin = database.opening(connection, access="read write")  # a check may call anything
    run(connection, f"{begin} set local role none")
    types.forget()
    for oid, facts in found.items():
        columns = (_column(connection, types, one, numbers) for one in facts if one.plain is not None)
        yield Table(oid, facts[0].table, tuple(columns))
    run(connection, "rollback")


def _read(connection: Connection, besides: str, only: Collection[int] | None) -> list[_Facts]:
    """Ask what columns are like; a session that prepares its questions has this one planned once."""
    chosen = None if only is None else "{" + ",".join(map(str, only)) + "}"
    run(connection, database.opening(connection))
    text = database.packaged(__package__, "shape.sql")  # a file of this package
    try:
        found = database.query(connection, text, besides=besides, only=chosen)
    finally:
        database.roll_back(connection)
    return [_Facts(*row) for row in found]


def _column(connection: Connection, types: Types, facts: _Facts, numbers: Sequence[str]) -> Column:
    checks = [*facts.own_checks, *facts.other_checks]
    found = guesses(types, facts.type_oid, facts.type, checks, is_key=facts.in_key)
    if types.get(facts.type_oid).category == "N":
        found += [f"({int(number) + more})" for number in numbers for more in (0, 1)]
    if facts.own_checks or types.get(facts.type_oid).kind == "d":
        found = _passing(connection, found, facts) or found
    oid, *rest = facts.reference or ("",)
    return Column(facts, tuple(found), Reference(int(oid), *rest) if oid else None)


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
