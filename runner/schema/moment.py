"""Hold what a database was at one moment, as a proof compares it.

The schema, the rows, where sequences stand, what belongs to the whole server, and what the ledger records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence as Sequence_

    from runner.schema import system
    from runner.schema.catalog import Snapshot
    from runner.schema.contents import Table
    from runner.schema.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Moment:
    """A database at one moment. ``has_ledger`` tells whether the runner has made its own table yet."""

    schema: Snapshot = field(default_factory=dict)
    system: system.Rows = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    server: dict[str, str] = field(default_factory=dict)
    recorded: tuple[str, ...] = ()
    has_ledger: bool = False
    schemas: Sequence_[str] = ()  # those that count, none for all
    touched: frozenset[int] = frozenset()  # relations that changed since the moment before, or their rows
    written: tuple[frozenset[tuple[str, str]], ...] = ()  # keys of rows of catalogs, for each moment so far

    def written_since(self, before: Moment) -> frozenset[tuple[str, str]]:
        """Return the keys of the rows of catalogs that were written since a moment before."""
        return frozenset().union(*self.written[len(before.written) :])

    @property
    def parts(self) -> frozenset[int]:
        """The partitions of its tables."""
        return frozenset().union(*(one.members - {one.oid} for one in self.tables.values()))

    def kin(self, table: Table) -> list[Table]:
        """Return what a table is now, with what has or had it as a part; else what has its name."""
        kin = [one for one in self.tables.values() if one.members & table.members]
        kin.sort(key=lambda one: one.oid != table.oid)
        return kin or [one for one in (self.tables.get(table.name),) if one]
