"""The indexes of the schema that this one replaces, built on its tables for comparison.

``replaced.tsv`` has one line per index: ``columns_there`` as they were called, ``columns`` as they are called
here. For a column of few values that nothing here is, such as a severity, another column of few values stands
in on the tables that are measured. Elsewhere such a column is left out, and where none is left, the index is
built on a constant: one entry per row, all equal, which is the least that an index can cost.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.schema.databases import Connection

_CONSTANT = "(true)"
FILE = Path(__file__).with_name("replaced.tsv")

# Keys stay: both schemas have them. Only tables that the replaced schema had are touched.
_OURS = """
select x.indexrelid::regclass::text, c.conname
from pg_index as x
left join pg_constraint as c on c.conindid = x.indexrelid and c.contype = 'u'
where x.indrelid = %s::regclass and not x.indisprimary
"""


@dataclass(frozen=True, slots=True)
class Replaced:
    """An index of the replaced schema, by this schema's names; no columns: nothing here stands for them."""

    series: str
    table: str
    unique: bool
    columns: str
    columns_there: str


@cache
def load() -> tuple[Replaced, ...]:
    """Return all of them, in the order of the file; the indexes of keys are not listed."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return tuple(
            Replaced(
                row["series"], row["table"], row["unique"] == "unique", row["columns"], row["columns_there"]
            )
            for row in rows
        )


def build(connection: Connection) -> None:
    """Put the replaced schema's indexes in place of this one's, where its tables are. Writes; commits."""
    tables = connection.execute("select relname from pg_class where relkind = 'r'").fetchall()
    here = {table for (table,) in tables}
    listed = [one for one in load() if one.table in here]
    for table in dict.fromkeys(one.table for one in listed):
        for index, constraint in connection.execute(_OURS, [f"public.{table}"]).fetchall():
            drop = (
                f"alter table public.{table} drop constraint {constraint}"
                if constraint
                else f"drop index {index}"
            )
            connection.execute(drop.encode())
    for one in listed:
        unique = "unique " if one.unique else ""
        columns = one.columns or _CONSTANT
        connection.execute(f"create {unique}index on public.{one.table} ({columns})".encode())
    connection.commit()
