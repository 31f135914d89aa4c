"""Say which rows a file looks for: an update of what is 'paid' changes nothing where nothing is paid."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.model import Migration
    from runner.schema.shape import Column, Table

_MOST = 8  # rows per table and file
_FEW = 4  # numbers per file
_WORD = re.compile(r"\w+")
_ABSENT = re.compile(r"not\s+exists\s*\([^()]*\)", re.IGNORECASE)
_CHECK = re.compile(r"\bcheck\s*\([^;]*", re.IGNORECASE)  # of that, rows are to be on one side
_NUMBER = re.compile(r"(?<![\w.'$-])\d{1,9}(?![\w.'])")
_ONE = re.compile(r"'(?:[^']|'')*'|-?\d+(?:\.\d+)?|\bnull\b", re.IGNORECASE)
_TYPED = r"(?:(?:and|date|timestamp\w*)\s+)*(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?)(?:::[a-z]\w*)?"
_SET = re.compile(r'(?:\bset|,)\s*"?\Z', re.IGNORECASE)
_CONDITION = re.compile(
    r"\b(?P<name>\w+)(?:::\w+)?[^\w:]{0,3}\s*"
    r"(?P<sign><>|!=|<=|>=|=|<|>|\bbetween\b|(?:\bnot\s+)?\bin\b|\bi?like\b|\bis\s+(?=null\b))"
    rf"(?=\s*(?:any\b\s*)?[\s(]*(?:array\s*\[\s*)?(?P<values>null\b|(?:{_TYPED}[\s,]*)+))",
    re.IGNORECASE,
)
_REVERSED = re.compile(rf"(?P<values>{_TYPED})\s*(?P<sign><=|>=|=|<|>)\s*(?:\w+\.)?(?P<name>[a-z_]\w*)", re.I)
_JOIN = re.compile(r'(?<![\'\w])(\w+)"?\s*=\s*(?:"?\w+"?\.)?"?([a-z_]\w*)\b(?!\s*[(.\'])', re.IGNORECASE)
_IN = re.compile(
    r"(\w+)\s+(?:not\s+)?in\s*\(\s*select\s+(?:distinct\s+)?(?:\w+\.)?(\w+)\s+from", re.IGNORECASE
)


def mentioned(sql: str, tables: Mapping[int, Table]) -> frozenset[int]:
    """Return the tables whose names stand in the text of a file."""
    words = set(_WORD.findall(sql))
    return frozenset(oid for oid, table in tables.items() if _WORD.findall(table.name)[-1] in words)


def numbers(sql: str) -> tuple[str, ...]:
    """Return a few numbers that a file mentions: a trigger may want them."""
    return tuple(dict.fromkeys(_NUMBER.findall(sql)))[:_FEW]


def wishes(migration: Migration, tables: Mapping[int, Table]) -> dict[int, list[tuple[str, ...]]]:
    """Return rows that a file looks for in the tables it mentions: columns and their values in turn.

    Not for keys, and not what the file puts in itself, so that its rollback deletes it: the file's own rows
    shall not be there before it.
    """
    undo = (
        Path(migration.rollback).read_text(encoding="utf-8", errors="replace") if migration.rollback else ""
    )
    named = {oid: tables[oid] for oid in mentioned(migration.sql, tables)}
    found = {}
    for oid, table in named.items():
        name = _WORD.findall(table.name)[-1]
        deleted = re.findall(rf"\bdelete\s+from\s[^;]*?\b{name}\b[^;]*", undo, re.IGNORECASE)
        own = set(_ONE.findall(" ".join(deleted)))
        rows = [row for text in migration.sql.split(";") for row in _rows(table, text, named.values(), own)]
        if rows:
            found[oid] = list(dict.fromkeys(rows))[:_MOST]
    return found


def _rows(
    table: Table, text: str, tables: Collection[Table], own: Collection[str]
) -> Iterator[tuple[str, ...]]:
    """Yield rows for one statement, whose columns hold what it compares them with, all at once."""
    compared = [one for one in _compared(_CHECK.sub("", _ABSENT.sub("", text))) if one[1] not in own]
    columns: dict[str, list[str]] = {}
    for column in table.columns:
        if not column.facts.in_key and not column.reference and column.facts.plain:
            values = [
                value
                for name, *one in compared
                if name == column.facts.plain
                for value in _near(column, *one)
            ]
            values += _joined(column, text, [one for one in tables if one is not table])
            if values:
                columns[column.facts.plain] = list(dict.fromkeys(values))
    if all(values == ["null"] for values in columns.values()):
        return  # a row with nothing but what is required is there
    for row in zip_longest(*columns.values()):
        yield tuple(
            part
            for (name, values), value in zip(columns.items(), row, strict=True)
            for part in (name, value or values[-1])
        )


def _compared(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield what is compared, not what is set: a name, a value, and how."""
    for pattern in (_CONDITION, _REVERSED):
        for found in pattern.finditer(text):
            if found["sign"] != "=" or not _SET.search(text[: found.start()][-9:]):
                yield from ((found["name"], value, found["sign"]) for value in _ONE.findall(found["values"]))


def _near(column: Column, value: str, sign: str) -> list[str]:
    """Return a value, with its neighbours where there is an order."""
    is_time = column.facts.type.startswith(("date", "timestamp")) and value.startswith("'")
    if sign in ("<>", "!=") or not (sign.lower() == "between" or set(sign) & set("<>")):
        return [value]
    if is_time:
        return [value, *(f"{value}::timestamptz {side} interval '1 day'" for side in "+-")]
    return [value] if value.startswith("'") else [value, f"{value} + 1", f"{value} - 1"]


def _joined(column: Column, text: str, tables: Collection[Table]) -> Iterator[str]:
    """Yield values of keys that a statement compares a column with."""
    names = set()
    for found in (*_JOIN.finditer(text), *_IN.finditer(text)):
        if column.facts.plain in found.groups() and not _SET.search(text[: found.start()][-9:]):
            names |= {*found.groups()} - {column.facts.plain}
    for table in tables:
        for other in table.columns:
            if other.facts.plain in names and other.facts.in_key and other.facts.type == column.facts.type:
                yield f"(select {other.facts.name} from {table.name} order by 1 limit 1)"  # noqa: S608 - of the catalog
