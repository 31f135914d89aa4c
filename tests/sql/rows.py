"""Fill any table with a valid row: what a column must hold is read from the catalog."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from psycopg import sql
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
    "integer": lambda _: 0,
    "numeric": lambda _: 0,
    "date": lambda number: date(2020, 1, 1) + timedelta(days=number),
    "timestamp with time zone": lambda _: LONG_AGO,
    "jsonb": lambda _: Jsonb({}),
    "text": lambda number: f"text {number}",
    "character varying": lambda number: f"text {number}",
}

# A value for each column that accepts only certain ones.
CERTAIN: dict[str, object] = {
    "generated_projects.generation_version": 1,
    "conversation_history.role": "user",
    "conflicts.type": "technology",
    "conflicts.severity": "low",
    "team_members.role": "viewer",
    "team_invitations.role": "viewer",
    "project_shares.permission_level": "read",
    "api_keys.provider": "claude",
    "subscriptions.tier": "free",
    "subscriptions.status": "active",
    "test_results.test_status": "passed",
}

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
        for table in self.catalog.tables:
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
        """Return a new value for a column: a certain one, or for a reference the id of a new row."""
        if column.name in CERTAIN:
            return CERTAIN[column.name]
        if key := self._reference(column):
            return self.insert(str(key.target))["id"]
        return VALUES[column.type.partition("(")[0]](next(self._numbers))

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
