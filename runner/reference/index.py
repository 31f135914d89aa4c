"""Write the index of the reference: the databases, their files and tables, and what points across."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.reference import links, page, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.reference.facts import Schema
    from runner.reference.links import Parts

FILE = "README.md"
LEGEND = (
    "In the drawings PK is a primary key, FK a foreign key, UK a column without two equal values, and DB a "
    "column that points into another database: such lines are dashed, and in an overview such tables have "
    "an orange frame. A grey box names a table that is drawn elsewhere, an orange one a table of another "
    "database. A line ends in a fork where many rows may point at one, and has a circle where there may be "
    "none."
)


def write(book: Sequence[Schema], parts: Parts) -> str:
    """Return the index page; ``parts`` says on which page of its series a section stands."""
    return text.page(_blocks(book, links.Links(book, None, parts=parts)))


def _blocks(book: Sequence[Schema], to: links.Links) -> Iterator[str]:
    yield page.MARK
    yield "# Schema reference"
    yield text.table(
        ("series", "database", "tables", "columns", "keys and indexes", "foreign keys"),
        (
            (
                f"[{schema.series}]({links.page(schema.series)})",
                text.code(schema.database),
                page.extent(schema).removesuffix(" tables"),
                *(
                    str(sum(len(getattr(table, part)) for table in schema.tables))
                    for part in ("columns", "indexes", "foreign_keys")
                ),
            )
            for schema in book
        ),
    )
    yield LEGEND
    for schema in book:
        yield from _series(schema, to)
    yield from _crossings(book, to)


def _series(schema: Schema, to: links.Links) -> Iterator[str]:
    yield f"## {schema.series}"
    yield page.overview(schema, brief=True)
    yield text.table(
        ("file", "table", "purpose"),
        (
            (
                "" if number else to.section(schema.series, group.migration.label),
                to.table(schema.series, table.name),
                text.plain(table.comment),
            )
            for group in schema.groups
            for number, table in enumerate(group.tables)
        ),
    )


def _crossings(book: Sequence[Schema], to: links.Links) -> Iterator[str]:
    rows = [
        (
            to.table(schema.series, table.name, shown=f"{schema.series}.{table.title}"),
            text.code(column.name),
            to.table(there.series, there.table, shown=str(there)),
        )
        for schema in book
        for table, column, there in schema.references
    ]
    if rows:
        yield "## From one database into another"
        yield "No foreign key can hold these: that the row exists is for the application to check."
        yield text.table(("table", "column", "points at"), rows)
