"""Find rows whose reference into another database points at nothing: no foreign key can prevent them.

Which columns refer to another database, their comments say: they end with ``References auth.users.id
(cross-database, no foreign key).``, which names a series, a table and a column.
Nothing here writes.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import database
from runner.database import query, query_quoted
from runner.errors import ReferenceUnknown
from runner.schema import comparison, sentence
from runner.schema.comparison import Type

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from runner.database import Connection
    from runner.schema.sentence import Reference

BATCH = 10_000  # values that are looked up at once: memory does not grow with the tables
_EXAMPLES = 3
_NO_OPERATOR = ("42883", "42725")  # none, or several
_COLUMNS = f"""
    select pg_catalog.concat_ws('.', n.nspname, c.relname, a.attname),
        pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.quote_ident(a.attname),
        pg_catalog.col_description(c.oid, a.attnum), t.*
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    {comparison.TYPE}
    where c.relkind in ('r', 'p')
        and pg_catalog.regexp_replace(pg_catalog.col_description(c.oid, a.attnum), '\\s+$', '')
            like '%%' || %s
        and n.nspname = any (coalesce(nullif(%s::text[], '{{}}'), array[n.nspname]))
    order by n.nspname, c.relname, a.attnum
"""  # noqa: S608 - texts of ours
_TARGET = f"""
    select t.*
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind in ('r', 'p')
    {comparison.TYPE}
    where c.oid = pg_catalog.to_regclass(%s) and a.attname = %s and a.attnum > 0 and not a.attisdropped
"""  # noqa: S608 - texts of ours


@dataclass(frozen=True, slots=True)
class Referring:
    """A column that refers to another database; ``table`` and ``column`` are quoted for SQL."""

    label: str  # public.projects.user_id
    table: str
    column: str
    type: Type
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


def references(connection: Connection, *, schemas: Sequence[str] = ()) -> tuple[Referring, ...]:
    """Return the columns that refer to another database, table by table, in ``schemas`` if there are any.

    Raises ``ReferenceUnknown`` for a comment with the mark of the sentence that cannot be read as one.
    """
    found = []
    for label, table, column, comment, *type_ in query(connection, _COLUMNS, sentence.MARK, list(schemas)):
        to = sentence.read_sentence(comment)
        if to is None:
            raise ReferenceUnknown(
                f"The comment on {label} ends as a reference does, but not in the sentence that is read.",
                remedy=f"Write: References series.table.column {sentence.MARK}",
            )
        found.append(Referring(label, table, column, Type(*type_), to))
    return tuple(found)


def find_orphans(
    connection: Connection, among: tuple[Referring, ...], databases: Mapping[str, Connection]
) -> Iterator[Orphans]:
    """Yield what was found of each reference, good ones included; ``databases`` are by series.

    Values are read first and looked up afterwards, so a row that appears meanwhile is no orphan. Raises
    ``ReferenceUnknown`` when a comment names what is no column of a table, or a type is not safe to read.
    """
    for reference in among:
        other = databases.get(reference.to.series)
        target = query(other, _TARGET, reference.target, reference.to.column) if other else []
        if other is None or not target:
            raise ReferenceUnknown(
                f"The comment on {reference.label} refers to {reference.to}, which is no column of a table.",
                remedy="Migrate that database first; if the comment is wrong, mend it in a new file.",
            )
        found = Type(*target[0])
        for label, type_ in ((reference.label, reference.type), (str(reference.to), found)):
            if not type_.is_plain:
                raise ReferenceUnknown(
                    f"{label} is not read: its type, {type_.name}, may run code of its owner's.",
                    remedy="Give it a type of the server's or an enum, without a cast by a function.",
                )
        try:
            yield _orphans(connection, reference, other, found)
        except database.Error as error:
            if error.sqlstate not in _NO_OPERATOR:
                raise
            raise _incomparable(reference, found) from error


def _incomparable(reference: Referring, target: Type) -> ReferenceUnknown:
    return ReferenceUnknown(
        f"{reference.label} is not looked up in {reference.to}: the server compares no "
        f"{reference.type.name} with {target.name}.",
        remedy="Give both columns one type whose values are compared and put in order.",
    )


def _orphans(connection: Connection, reference: Referring, other: Connection, target: Type) -> Orphans:
    rows = values = 0
    examples: tuple[str, ...] = ()
    with closing(_batches(connection, reference)) as batches:
        for lost in _lost(batches, reference, other, target):
            [(count,)] = query_quoted(connection, _rows(reference), lost)
            rows, values = rows + count, values + len(lost)
            examples = (*examples, *lost)[:_EXAMPLES]
    return Orphans(reference, rows, values, examples)


def _lost(
    batches: Iterator[list[str]], reference: Referring, other: Connection, target: Type
) -> Iterator[list[str]]:
    """Yield those values that are not there, in their order.

    A comparison that may read the whole table is made with as many of them at once as others have left.
    """
    column, version = f'"{reference.to.column}"', other.info.server_version
    for found in comparison.equalities(column, reference.type, target, version=version):
        batches = _left(batches, reference, found, other)
    yield from batches


def _left(
    batches: Iterator[list[str]], reference: Referring, found: str, other: Connection
) -> Iterator[list[str]]:
    left: list[str] = []
    for batch in batches:
        left += comparison.absent(other, batch, table=reference.target, found=found)
        if len(left) >= BATCH:
            yield left
            left = []
    if left:
        yield left


def _batches(connection: Connection, reference: Referring) -> Generator[list[str], None, None]:
    """Yield the values of a reference in order, each once, as its index has them, or else one sort of them.

    As text: Python knows no infinite date, and what it reads need not be what the server would write.
    """
    opened = f"{database.opening(connection)} declare value no scroll cursor for {_values(reference)}"
    try:
        database.run(connection, opened)
        while database.in_transaction(connection):
            batch = [value for (value,) in query_quoted(connection, f"fetch {BATCH} from value")]
            if len(batch) < BATCH:  # nothing stays open while the last ones are looked up
                database.roll_back(connection)
            if batch:
                yield batch
    finally:
        database.roll_back(connection)


def _values(reference: Referring) -> str:
    # By itself it would be the text, and in the order of texts.
    column = reference.type.read(f"it.{reference.column}")
    return f"""select distinct on ({column}) {column}::pg_catalog.text from {reference.table} as it
        where {column} is not null order by {column}"""  # noqa: S608 - quoted by the server


def _rows(reference: Referring) -> str:
    values = f"select value::{reference.type.name} from pg_catalog.unnest($1::pg_catalog.text[]) as value"  # noqa: S608 - quoted by the server
    column = reference.type.read(reference.column)
    return f"select pg_catalog.count(*) from {reference.table} where {column} in ({values})"  # noqa: S608 - quoted by the server
