"""Find rows whose reference into another database points at nothing: no foreign key can prevent them.

Which columns refer to another database, their comments say: they end with ``References auth.users.id
(cross-database, no foreign key).``, which names a series, a table and a column.
Nothing here writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.database import query, query_quoted
from runner.errors import ReferenceUnknown
from runner.schema import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.database import Connection
    from runner.schema.sentence import Reference

BATCH = 10_000  # values that are looked up at once: memory does not grow with the tables
_EXAMPLES = 3
_COLUMNS = """
    select n.nspname || '.' || c.relname || '.' || a.attname,
        pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.quote_ident(a.attname),
        pg_catalog.col_description(c.oid, a.attnum)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p')
        and pg_catalog.col_description(c.oid, a.attnum) like '%%' || %s
    order by n.nspname, c.relname, a.attnum
"""

_EXISTS = """
    select exists (
        select from pg_catalog.pg_attribute
        where attrelid = pg_catalog.to_regclass(%s) and attname = %s and attnum > 0 and not attisdropped
    )
"""


@dataclass(frozen=True, slots=True)
class Referring:
    """A column that refers to another database; ``table`` and ``column`` are quoted for SQL."""

    label: str  # public.projects.user_id
    table: str
    column: str
    to: Reference

    @property
    def target(self) -> str:
        """The table it refers to, quoted for SQL; a name in the sentence holds no quotes."""
        schema, _, name = self.to.table.rpartition(".")
        return f'"{schema or "public"}"."{name}"'


@dataclass(frozen=True, slots=True)
class Orphans:
    """How many rows of a reference point at nothing, with how many values, and some of these."""

    reference: Referring
    rows: int
    values: int
    examples: tuple[str, ...]


def references(connection: Connection) -> tuple[Referring, ...]:
    """Return the columns of a database that refer to another one, table by table."""
    found = query(connection, _COLUMNS, sentence.MARK)
    read = [
        (label, table, column, sentence.read_sentence(comment)) for label, table, column, comment in found
    ]
    return tuple(Referring(label, table, column, to) for label, table, column, to in read if to)


def find_orphans(
    connection: Connection, among: tuple[Referring, ...], databases: Mapping[str, Connection]
) -> Iterator[Orphans]:
    """Yield what was found of each reference, good ones included; ``databases`` are by series.

    Values are read first and looked up afterwards, so a row that appears meanwhile is no orphan. Raises
    ``ReferenceUnknown`` when a comment names what does not exist.
    """
    for reference in among:
        yield _orphans(connection, reference, _database(reference, databases))


def _database(reference: Referring, databases: Mapping[str, Connection]) -> Connection:
    other = databases.get(reference.to.series)
    if other is None or not query(other, _EXISTS, reference.target, reference.to.column)[0][0]:
        raise ReferenceUnknown(
            f"The comment on {reference.label} refers to {reference.to}, which does not exist.",
            remedy="Migrate that database first; if the comment is wrong, mend it in a new file.",
        )
    return other


def _orphans(connection: Connection, reference: Referring, other: Connection) -> Orphans:
    rows = values = 0
    examples: tuple[str, ...] = ()
    for batch in _batches(connection, reference):
        lost = [value for (value,) in query_quoted(other, _lost(reference), batch)]
        if lost:
            [(count,)] = query_quoted(connection, _rows(reference), lost)
            rows, values = rows + count, values + len(lost)
            examples = (*examples, *map(str, lost))[:_EXAMPLES]
    return Orphans(reference, rows, values, examples)


def _batches(connection: Connection, reference: Referring) -> Iterator[list[object]]:
    """Yield the values of a reference in order, each once: as its index has them."""
    batch = query_quoted(connection, _values(reference, "is not null"))
    while batch:
        yield [value for (value,) in batch]
        batch = query_quoted(connection, _values(reference, "> $1"), *batch[-1])


def _values(reference: Referring, which: str) -> str:
    column = reference.column
    return f"select distinct {column} from {reference.table} where {column} {which} order by 1 limit {BATCH}"  # noqa: S608 - quoted by the server


def _lost(reference: Referring) -> str:
    """Return the query for those of $1 that are not there."""
    there = f'select from {reference.target} where "{reference.to.column}" = looked_up'
    return f"select looked_up from pg_catalog.unnest($1) as looked_up where not exists ({there}) order by 1"  # noqa: S608 - names of letters, digits and _


def _rows(reference: Referring) -> str:
    return f"select pg_catalog.count(*) from {reference.table} where {reference.column} = any ($1)"  # noqa: S608 - quoted by the server
