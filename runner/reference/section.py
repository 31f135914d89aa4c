"""Write the section of one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.reference import text
from runner.reference.facts import title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.reference.facts import Check, Column, ForeignKey, Index, Schema, Table
    from runner.reference.links import Links


def table_section(table: Table, schema: Schema, book: Sequence[Schema], to: Links) -> Iterator[str]:
    """Yield the blocks of one table's section."""
    yield f"### {text.plain(table.title)}"
    yield text.plain(table.comment)
    yield from _nature(table)
    yield _columns(table, schema, to)
    yield _indexes(table)
    yield _checks(table)
    yield _foreign_keys(table, schema, to)
    yield _triggers(table)
    yield _policies(table)
    yield _pointed_at(table, schema, book, to)


def _nature(table: Table) -> Iterator[str]:
    if table.kind != "table":
        yield f"A {table.kind}."
    if table.partitioning:
        yield f"Partitioned by {text.code(text.sql(table.partitioning), in_table=False)}."
    if table.row_security:
        yield f"Row security is {table.row_security}."
    if table.definition:
        yield text.block(table.definition.strip(), language="sql")


def _columns(table: Table, schema: Schema, to: Links) -> str:
    later = {
        column.name: one.migration.label
        for one in schema.groups
        for addition in one.additions
        if addition.table.name == table.name
        for column in addition.columns
    }
    return text.table(
        ("column", "type", "null", "default", "purpose"),
        (
            (
                text.code(column.name),
                text.code(f"{column.type} collate {column.collation}" if column.collation else column.type),
                _with("null" if column.nullable else "not null", column.note),
                text.code(text.sql(column.default)) if column.default else "",
                " ".join(_purpose(column, schema, to, later.get(column.name))),
            )
            for column in table.columns
        ),
    )


def _purpose(column: Column, schema: Schema, to: Links, later: str | None) -> Iterator[str]:
    if column.purpose:
        yield text.plain(column.purpose)
    if there := column.reference:
        link = to.table(there.series, there.table, shown=str(there))
        yield f"References {link} (cross-database, no foreign key)."
    if later:
        yield f"Added by {to.section(schema.series, later)}."


def _indexes(table: Table) -> str:
    return text.table(
        ("key or index", "on", "is", "serves"),
        (
            (text.code(i.name), text.code(_extent(i)), _with(i.kind, i.note), text.plain(i.comment))
            for i in table.indexes
        ),
    )


def _extent(index: Index) -> str:
    method = "" if index.method == "btree" else f"{index.method} "
    included = f" include ({', '.join(index.included)})" if index.included else ""
    where = f" where {text.sql(index.condition)}" if index.condition else ""
    return f"{method}({', '.join(text.sql(part) for part in index.parts)}){included}{where}"


def _checks(table: Table) -> str:
    return text.table(
        ("check", "every row meets"), ((text.code(check.name), _met(check)) for check in table.checks)
    )


def _met(check: Check) -> str:
    condition = _with(text.code(text.sql(check.condition)), check.note)
    return f"{condition}. {text.plain(check.comment)}" if check.comment else condition


def _foreign_keys(table: Table, schema: Schema, to: Links) -> str:
    return text.table(
        ("foreign key", "column", "points at", "when that goes"),
        (
            (
                text.code(key.name),
                text.codes(key.columns),
                f"{to.table(schema.series, key.target)} ({text.codes(key.target_columns)})",
                _with(_on_change(key), key.note),
            )
            for key in table.foreign_keys
        ),
        comments=[key.comment for key in table.foreign_keys],
    )


def _on_change(key: ForeignKey) -> str:
    update = f", on update {key.on_update}" if key.on_update != "no action" else ""
    return f"on delete {text.plain(key.on_delete)}{update}"


def _triggers(table: Table) -> str:
    return text.table(
        ("trigger", "fires", "calls"),
        (
            (
                text.code(one.name),
                text.plain(one.fires)
                + (f", when {text.code(text.sql(one.condition))}" if one.condition else ""),
                text.code(title(one.calls)),
            )
            for one in table.triggers
        ),
        comments=[one.comment for one in table.triggers],
    )


def _policies(table: Table) -> str:
    return text.table(
        ("policy", "for", "rows seen", "rows written"),
        (
            (
                text.code(one.name),
                f"{'' if one.permissive else 'restrictive, '}{one.command}, to {text.codes(one.roles)}",
                text.code(text.sql(one.using)) if one.using else "",
                text.code(text.sql(one.with_check)) if one.with_check else "",
            )
            for one in table.policies
        ),
        comments=[one.comment for one in table.policies],
    )


def _with(words: str, note: str) -> str:
    """Return words and, behind a comma, what is special about the thing."""
    return f"{words}, {note}" if note else words


def _pointed_at(table: Table, schema: Schema, book: Sequence[Schema], to: Links) -> str:
    """Return who points here, by a foreign key or, from another database, without one."""
    rows = [
        (
            to.table(schema.series, child.name),
            text.codes(key.columns),
            f"on delete {text.plain(key.on_delete)}",
        )
        for child in schema.tables
        for key in child.foreign_keys
        if key.target == table.name
    ]
    for other in book:
        rows += [
            (
                to.table(other.series, child.name, shown=f"{other.series}.{child.title}"),
                text.code(column.name),
                "cross-database, no foreign key",
            )
            for child, column, there in other.references
            if there.series == schema.series and schema.table(there.table) is table
        ]
    return text.table(("pointed at by", "column", "how"), rows)
