"""Hold what a reader wants to know of a schema: frozen, without I/O.

Names of tables are in full (``public.users``), as the server prints them; ``title`` is what people read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runner.schema import read_sentence, without_sentence

if TYPE_CHECKING:
    from runner.model import Migration
    from runner.schema import Reference


def title(name: str) -> str:
    """Return the name of a table or type as people write it: without the schema ``public``."""
    return name.removeprefix("public.")


@dataclass(frozen=True, slots=True)
class Named:
    """What has a name, and maybe a comment."""

    name: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Column(Named):
    """A column; ``default`` also says how an identity or generated column gets its value."""

    number: int
    type: str
    nullable: bool
    default: str | None
    collation: str | None  # where it is not that of its type
    note: str  # of its not null: not valid, no inherit

    @property
    def reference(self) -> Reference | None:
        """What the sentence at the end of its comment says, which every tool reads this way."""
        return read_sentence(self.comment)

    @property
    def purpose(self) -> str:
        """Its comment without that sentence."""
        return without_sentence(self.comment)


@dataclass(frozen=True, slots=True)
class Check(Named):
    """A condition that every row meets."""

    condition: str
    columns: tuple[str, ...]
    note: str  # not enforced, not valid


@dataclass(frozen=True, slots=True)
class ForeignKey(Named):
    """A column, or several, that point at a row of ``target``."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    on_delete: str  # with the columns that it sets, where not all
    on_update: str
    note: str  # not enforced, not valid, deferrable


@dataclass(frozen=True, slots=True)
class Index(Named):
    """An index; ``kind`` tells whether it is a key, and ``comment`` what it is for."""

    kind: str
    method: str
    columns: tuple[str, ...]  # the plain ones among its parts
    parts: tuple[str, ...]  # columns or expressions, in order
    included: tuple[str, ...]
    condition: str | None
    note: str  # nulls not distinct, deferrable, invalid

    @property
    def is_key(self) -> bool:
        """Tell whether it holds each value at most once, over all rows."""
        return self.kind in ("primary key", "unique constraint", "unique index") and not self.condition


@dataclass(frozen=True, slots=True)
class Trigger(Named):
    """What happens by itself when rows change."""

    fires: str
    condition: str | None
    calls: str  # a function, with arguments


@dataclass(frozen=True, slots=True)
class Policy(Named):
    """Which rows a role may see or write; ``using`` and ``with_check`` are conditions."""

    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    with_check: str | None


@dataclass(frozen=True, slots=True)
class Table(Named):
    """A table, or a view of any kind, with all that belongs to it."""

    kind: str
    partitioning: str | None
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]
    foreign_keys: tuple[ForeignKey, ...]
    indexes: tuple[Index, ...]
    triggers: tuple[Trigger, ...]
    policies: tuple[Policy, ...]
    definition: str | None  # of a view
    row_security: str | None

    @property
    def title(self) -> str:
        """Its name as people write it."""
        return title(self.name)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the columns of its primary key."""
        return next((index.columns for index in self.indexes if index.kind == "primary key"), ())

    def is_unique(self, columns: tuple[str, ...]) -> bool:
        """Tell whether no two rows share the values of ``columns``: a key holds them, or some of them."""
        return any(
            index.is_key and set(index.columns) <= set(columns) and len(index.columns) == len(index.parts)
            for index in self.indexes
        )


@dataclass(frozen=True, slots=True)
class Other(Named):
    """A function, a type or a sequence."""

    kind: str
    definition: str | None


@dataclass(frozen=True, slots=True)
class Addition:
    """Columns that a later file added to a table."""

    table: Table
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What one migration file made."""

    migration: Migration
    tables: tuple[Table, ...]
    additions: tuple[Addition, ...]
    others: tuple[Other, ...]


@dataclass(frozen=True)  # without slots: what is asked for with every table is worked out once
class Schema:
    """The schema that the files of one series make."""

    series: str
    database: str
    groups: tuple[Group, ...]

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Every table, in the order of the files."""
        return tuple(table for group in self.groups for table in group.tables)

    def table(self, name: str) -> Table | None:
        """Return a table by its name or title, or by its title without quotes, as a sentence has it."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Table]:
        bare = {table.title.replace('"', ""): table for table in reversed(self.tables)}
        return bare | {name: table for table in reversed(self.tables) for name in (table.title, table.name)}

    @cached_property
    def references(self) -> tuple[tuple[Table, Column, Reference], ...]:
        """The columns that point into another database."""
        return tuple((t, c, there) for t in self.tables for c in t.columns if (there := c.reference))
