"""Fill any table with a valid row: what a column must hold is read from the catalog."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from psycopg import DataError, sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from tests.sql.catalog import Catalog, Column, Constraint

Row = dict[str, Any]

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

# A valid value of each type, from a number that is new every time.
VALUES: dict[str, Callable[[int], object]] = {
    "uuid": lambda _: uuid4(),
    "boolean": lambda _: False,
    "smallint": lambda _: 0,
    "integer": lambda _: 0,
    "bigint": lambda _: 0,
    "numeric": lambda _: 0,
    "real": lambda _: 0,
    "double precision": lambda _: 0,
    "date": lambda number: date(2020, 1, 1) + timedelta(days=number),
    "timestamp with time zone": lambda _: LONG_AGO,
    "jsonb": lambda _: Jsonb({}),
    "inet": lambda _: "10.0.0.1",
    "bytea": lambda number: b"%d" % number,
    "text": lambda number: f"text {number}",
    "character varying": lambda number: f"text {number}",
    "character": lambda number: f"text {number}",
}
LITERAL = re.compile(r"'([^']*)'|(?<![\w.])(-?\d+)\b")
CONDITION = re.compile(r"(?s)\ACHECK (\(.*\))")

# Columns that may be empty, but not together with another one.
NEEDED = {"users.username", "specifications.value"}


@dataclass
class Rows:
    """Writes rows through a connection, with values that never repeat."""

    connection: Connection
    catalog: Catalog
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def insert(self, table: str, **given: object) -> Row:
        """Insert a row with as few columns as allowed, and the rows it refers to; return what is stored."""
        values = given
        for column in self.catalog.columns_of(table).values():
            needed = column.name in NEEDED or not (column.nullable or column.default)
            if needed and column.column not in values:
                values[column.column] = self.example(column)
        statement = sql.SQL("insert into {} ({}) values ({}) returning *").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        )
        return self._one(statement, *values.values())

    def insert_everywhere(self) -> dict[str, Row]:
        """Insert one row into every table, all hanging together; return them by table."""
        made: dict[str, Row] = {}
        for table in self.catalog.plain_tables():
            self._insert_once(table.name, made)
        return made

    def update(self, table: str, row: Row, **changes: object) -> Row:
        """Change columns of a row; return what is stored then."""
        statement = sql.SQL("update {} set {} where id = %s returning *").format(
            sql.Identifier(table),
            sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes),
        )
        return self._one(statement, *changes.values(), row["id"])

    def find(self, table: str, row: Row) -> Row | None:
        """Return the row as it is stored now, or none."""
        statement = sql.SQL("select * from {} where id = %s").format(sql.Identifier(table))
        return self.connection.cursor(row_factory=dict_row).execute(statement, [row["id"]]).fetchone()

    def delete(self, table: str, row: Row) -> None:
        """Delete a row."""
        statement = sql.SQL("delete from {} where id = %s").format(sql.Identifier(table))
        self.connection.execute(statement, [row["id"]])

    def example(self, column: Column) -> object:
        """Return a new value for a column: one its checks accept, or for a reference the id of a new row."""
        if key := self._reference(column):
            return self.insert(str(key.target))["id"]
        value = self._new(column)
        checks = [c for c in self.catalog.checks() if (c.table, c.columns) == (column.table, [column.column])]
        return self._accepted(column, value, checks) if checks else value

    def _new(self, column: Column) -> object:
        name, _, limit = column.type.removesuffix(")").partition("(")
        if name not in VALUES:
            raise LookupError(f"{column.name} is {name}: add a value of that type to VALUES in {__file__}")
        value = VALUES[name](next(self._numbers))
        return value[-int(limit) :] if isinstance(value, str) and limit else value

    def _accepted(self, column: Column, value: object, checks: list[Constraint]) -> object:
        """Return the value, or the first that the checks name, or that lies beside one, and all accept."""
        named = [found for check in checks for found in LITERAL.findall(check.definition)]
        words = [word for word, _ in named if word]
        numbers = [str(int(number) + step) for _, number in named if number for step in (0, 1, -1)]
        for candidate in (value, *words, *numbers):
            if self._passes(column, candidate, checks):
                return candidate
        names = ", ".join(check.name for check in checks)
        raise LookupError(f"no value was found that {names} accepts: give {column.name} a default")

    def _passes(self, column: Column, value: object, checks: list[Constraint]) -> bool:
        conditions = sql.SQL(" and ".join(CONDITION.findall(check.definition)[0] for check in checks))
        query = sql.SQL("select from (select %s::{} as {}) as t where {}").format(
            sql.SQL(column.type), sql.Identifier(column.column), conditions
        )
        try:
            with self.connection.transaction():
                return self.connection.execute(query, [value]).rowcount == 1
        except DataError:  # a word that is no number, or the like
            return False

    def _insert_once(self, table: str, made: dict[str, Row]) -> Row:
        if table not in made:
            keys = [key for key in self.catalog.foreign_keys() if key.table == table != key.target]
            parents = {key.columns[0]: self._insert_once(str(key.target), made)["id"] for key in keys}
            made[table] = self.insert(table, **parents)
        return made[table]

    def _reference(self, column: Column) -> Constraint | None:
        keys = self.catalog.foreign_keys()
        return next(
            (key for key in keys if key.table == column.table and key.columns == [column.column]), None
        )

    def _one(self, statement: sql.Composed, *values: object) -> Row:
        row = self.connection.cursor(row_factory=dict_row).execute(statement, values).fetchone()
        assert row is not None
        return row
