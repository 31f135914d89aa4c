"""Read the live catalog of one schema into plain values that can be compared.

Definitions come from the server, which writes equal things alike, with the schema's own name left out.
The runner's ledger is not part of the schema and never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from tests.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import Connection

FOREIGN_KEY, CHECK, PRIMARY_KEY, UNIQUE = "f", "c", "p", "u"


@dataclass(frozen=True)
class Thing:
    """Anything with a name of its own."""

    name: str


@dataclass(frozen=True)
class Described(Thing):
    """A thing that is to carry a comment."""

    comment: str | None


@dataclass(frozen=True)
class Table(Described):
    """A table, or whatever else can be selected from."""

    kind: str
    persistence: str
    privileges: str | None


@dataclass(frozen=True)
class Column(Described):
    """A column, named ``<table>.<column>``; ``special`` tells identity and generated ones."""

    table: str
    column: str
    type: str
    nullable: bool
    default: str | None
    special: str


@dataclass(frozen=True)
class Constraint(Thing):
    """A constraint; ``target``, its columns and ``on_delete`` are those of a foreign key."""

    table: str
    kind: str
    columns: list[str]
    target: str | None
    target_columns: list[str]
    on_delete: str
    definition: str


@dataclass(frozen=True)
class Index(Described):
    """An index; a key is a column or an expression, with ``desc`` where the order is falling."""

    table: str
    method: str
    keys: list[str]
    unique: bool
    predicate: str | None
    of_constraint: bool
    valid: bool
    definition: str

    @property
    def columns(self) -> list[str]:
        """Return the keys without their direction: a btree is read both ways."""
        return [key.removesuffix(" desc") for key in self.keys]


@dataclass(frozen=True)
class Trigger(Thing):
    """A trigger; ``enabled`` is O unless somebody switched it."""

    table: str
    function: str
    enabled: str
    definition: str


@dataclass(frozen=True)
class Function(Described):
    """A function that belongs to no extension."""

    settings: list[str]
    definition: str


@dataclass(frozen=True)
class Object(Described):
    """Anything at all, as ``pg_identify_object`` calls it."""

    kind: str


@dataclass(frozen=True)
class Catalog:
    """Everything in one schema, each tuple in order of name (columns: as the table has them).

    ``objects`` holds what there is in every schema, extensions but not what belongs to them.
    """

    tables: tuple[Table, ...]
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    indexes: tuple[Index, ...]
    triggers: tuple[Trigger, ...]
    functions: tuple[Function, ...]
    objects: tuple[Object, ...]

    def plain_tables(self) -> list[Table]:
        """Return what rows are written into: no views."""
        return [table for table in self.tables if table.kind in ("r", "p")]

    def columns_of(self, table: str) -> dict[str, Column]:
        """Return the columns of a table by name."""
        return {column.column: column for column in self.columns if column.table == table}

    def foreign_keys(self) -> list[Constraint]:
        """Return the foreign keys."""
        return [constraint for constraint in self.constraints if constraint.kind == FOREIGN_KEY]

    def checks(self) -> list[Constraint]:
        """Return the check constraints."""
        return [constraint for constraint in self.constraints if constraint.kind == CHECK]


def by_name(things: Iterable[Thing]) -> dict[str, Any]:
    """Return things of one kind by their names."""
    return {thing.name: thing for thing in things}


def read(connection: Connection, schema: str = "public") -> Catalog:
    """Read a schema as it is now."""
    values = {"schema": schema}

    def rows(kind: type[Any], query: str) -> tuple[Any, ...]:
        return tuple(connection.cursor(row_factory=class_row(kind)).execute(query, values))

    return Catalog(
        tables=rows(Table, queries.TABLES),
        columns=rows(Column, queries.COLUMNS),
        constraints=rows(Constraint, queries.CONSTRAINTS),
        indexes=rows(Index, queries.INDEXES),
        triggers=rows(Trigger, queries.TRIGGERS),
        functions=rows(Function, queries.FUNCTIONS),
        objects=rows(Object, queries.OBJECTS),
    )
