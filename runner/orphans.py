"""Find rows whose reference into another database points at nothing: no foreign key can prevent them.

Which columns refer to another database, their comments say: they end with ``References auth.users.id
(cross-database, no foreign key).``, which names a series, a table of its schema public and a column.
Nothing here writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.database import query, query_quoted
from runner.errors import ReferenceUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.database import Connection

BATCH = 10_000  # values that are looked up at once: memory does not grow with the tables
_EXAMPLES = 3
_SENTENCE = re.compile(
    r"\bReferences ([a-z0-9_]+)\.([a-z0-9_]+)\.([a-z0-9_]+) \(cross-database, no foreign key\)\.$"
)

_COLUMNS = """
    select n.nspname || '.' || c.relname || '.' || a.attname,
        pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.quote_ident(a.attname),
        pg_catalog.col_description(c.oid, a.attnum)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p')
        and pg_catalog.col_description(c.oid, a.attnum) like '%(cross-database, no foreign key).'
    order by n.nspname, c.relname, a.attnum
"""

_EXISTS = """
    select exists (
        select from pg_catalog.pg_attribute
        where attrelid = pg_catalog.to_regclass(%s) and attname = %s and attnum > 0 and not attisdropped
    )
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that refers to another database; ``table`` and ``column`` are quoted for SQL."""

    label: str  # public.projects.user_id
    table: str
    column: str
    series: str  # what it refers to: auth
    target: str  # users
    key: str  # id

    @property
    def refers_to(self) -> str:
        """What the comment says it refers to: ``auth.users.id``."""
        return f"{self.series}.{self.target}.{self.key}"


@dataclass(frozen=True, slots=True)
class Orphans:
    """How many rows of a reference point at nothing, with how many values, and some of these."""

    reference: Reference
    rows: int
    values: int
    examples: tuple[str, ...]


def references(connection: Connection) -> tuple[Reference, ...]:
    """Return the columns of a database that refer to another one, table by table."""
    found = ((*facts, _SENTENCE.search(comment)) for *facts, comment in query(connection, _COLUMNS))
    return tuple(
        Reference(label, table, column, *said.groups()) for label, table, column, said in found if said
    )


def find(
    connection: Connection, among: tuple[Reference, ...], databases: Mapping[str, Connection]
) -> Iterator[Orphans]:
    """Yield what was found of each reference, good ones included; ``databases`` are by series.

    Values are read first and looked up afterwards, so a row that appears meanwhile is no orphan. Raises
    ``ReferenceUnknown`` when a comment names what does not exist.
    """
    for reference in among:
        yield _orphans(connection, reference, _database(reference, databases))


def _database(reference: Reference, databases: Mapping[str, Connection]) -> Connection:
    other = databases.get(reference.series)
    if other is None or not query(other, _EXISTS, f'public."{reference.target}"', reference.key)[0][0]:
        raise ReferenceUnknown(
            f"The comment on {reference.label} refers to {reference.refers_to}, which does not exist.",
            remedy="Migrate that database first; if the comment is wrong, mend it in a new file.",
        )
    return other


def _orphans(connection: Connection, reference: Reference, other: Connection) -> Orphans:
    rows = values = 0
    examples: tuple[str, ...] = ()
    for batch in _batches(connection, reference):
        lost = [value for (value,) in query_quoted(other, _lost(reference), batch)]
        if lost:
            [(count,)] = query_quoted(connection, _rows(reference), lost)
            rows, values = rows + count, values + len(lost)
            examples = (*examples, *map(str, lost))[:_EXAMPLES]
    return Orphans(reference, rows, values, examples)


def _batches(connection: Connection, reference: Reference) -> Iterator[list[object]]:
    """Yield the values of a reference in order, each once: as its index has them."""
    batch = query_quoted(connection, _values(reference, "is not null"))
    while batch:
        yield [value for (value,) in batch]
        batch = query_quoted(connection, _values(reference, "> $1"), *batch[-1])


def _values(reference: Reference, which: str) -> str:
    column = reference.column
    return f"select distinct {column} from {reference.table} where {column} {which} order by 1 limit {BATCH}"  # noqa: S608 - quoted by the server


def _lost(reference: Reference) -> str:
    """Return the query for those of $1 that are not there."""
    there = f'select from public."{reference.target}" where "{reference.key}" = looked_up'
    return f"select looked_up from pg_catalog.unnest($1) as looked_up where not exists ({there}) order by 1"  # noqa: S608 - names of letters, digits and _


def _rows(reference: Reference) -> str:
    return f"select pg_catalog.count(*) from {reference.table} where {reference.column} = any ($1)"  # noqa: S608 - quoted by the server
