"""Say which rows a file looks for: an update of what is 'paid' changes nothing where nothing is paid."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.model import Migration
    from runner.schema.shape import Column, Table

_MOST = 8  # rows per table and file
_FEW = 4  # numbers per file
_WORD = re.compile(r"\w+")
_ABSENT = re.compile(r"not\s+exists\s*\([^()]*\)", re.IGNORECASE)
_CHECK = re.compile(r"\bcheck\s*\([^;]*", re.IGNORECASE)  # of that, rows are to be on one side
_NUMBER = re.compile(r"(?<![\w.'$-])\d{1,9}(?![\w.'])")
_ONE = re.compile(r"'(?:[^']|'')*'|-?\d+(?:\.\d+)?|\bnull\b", re.IGNORECASE)
# A long word or string is looked at from its start alone: from each character in turn, it takes for ever.
_TYPED = (
    r"(?:\b(?:and|date|timestamp\w*)\s+)*"
    r"(?:(?<!')'(?:[^']|'')*'(?!')|-?(?<!\w)\d+(?:\.\d+)?)(?:::[a-z]\w*)?"
)
# A seed has none, and may be long.
_CLAUSE = re.compile(r"\b(?:where|when|if|having|join|while)\b", re.IGNORECASE)
_SIDES = {">": "+", "<=": "+", "<": "-", ">=": "-", "between": "+"}
_TURNED = str.maketrans("<>", "><")
_SET = re.compile(r'(?:\bset|,)\s*"?\Z', re.IGNORECASE)
_CONDITION = re.compile(
    r"\b(?P<name>\w++)(?:::\w++)?[^\w:]{0,3}\s*"
    r"(?P<sign><>|!=|<=|>=|=|<|>|\bbetween\b|(?:\bnot\s+)?\bin\b|\bi?like\b|\bis\s+(?=null\b))"
    rf"(?=\s*(?:any\b\s*)?[\s(]*(?:array\s*\[\s*)?(?P<values>null\b|(?:{_TYPED}[\s,]*)+))",
    re.IGNORECASE,
)
_REVERSED = re.compile(rf"(?P<values>{_TYPED})\s*(?P<sign><=|>=|=|<|>)\s*(?:\w+\.)?(?P<name>[a-z_]\w*)", re.I)
_JOIN = re.compile(r'(?<![\'\w])(\w++)"?\s*=\s*(?:"?\w+"?\.)?"?([a-z_]\w*)\b(?!\s*[(.\'])', re.IGNORECASE)
_IN = re.compile(
    r"\b(\w++)\s+(?:not\s+)?in\s*\(\s*select\s+(?:distinct\s+)?(?:\w+\.)?(\w+)\s+from", re.IGNORECASE
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
    undo = Path(migration.rollback).read_text("utf-8", "replace") if migration.rollback else ""
    named = {oid: tables[oid] for oid in mentioned(migration.sql, tables)}
    statements = [_read(text) for text in migration.sql.split(";") if _CLAUSE.search(text)]
    found = {}
    for oid, table in named.items():
        own, others = _own(table, undo), [one for one in named.values() if one is not table]
        rows: dict[tuple[str, ...], None] = {}
        for one in statements:
            if len(rows) < _MOST:
                rows |= dict.fromkeys(_rows(table, one, others, own))
        if rows:
            found[oid] = list(rows)[:_MOST]
    return found


def _own(table: Table, undo: str) -> set[str]:
    """Return what a rollback deletes from a table: rows of the file's own."""
    name = _WORD.findall(table.name)[-1]
    return set(_ONE.findall(" ".join(re.findall(rf"(?i)\bdelete\s+from\s[^;]*?\b{name}\b[^;]*", undo))))


class _Statement(NamedTuple):
    """What a statement compares, and does not set: names with values, and how; names with one another."""

    values: list[tuple[str, str, str]]
    names: list[frozenset[str]]


def _read(text: str) -> _Statement:
    plain = _CHECK.sub("", _ABSENT.sub("", text))
    values = [
        (found["name"], value, found["sign"].translate(_TURNED) if pattern is _REVERSED else found["sign"])
        for pattern in (_CONDITION, _REVERSED)
        for found in pattern.finditer(plain)
        if found["sign"] != "=" or not _is_set(plain, found.start())
        for value in _ONE.findall(found["values"])[:_MOST]
    ]
    pairs = (one for pattern in (_JOIN, _IN) for one in pattern.finditer(text))
    return _Statement(values, [frozenset(one.groups()) for one in pairs if not _is_set(text, one.start())])


def _is_set(text: str, at: int) -> bool:
    return bool(_SET.search(text[max(at - 9, 0) : at]))


def _rows(
    table: Table, statement: _Statement, others: Sequence[Table], own: Collection[str]
) -> Iterator[tuple[str, ...]]:
    """Yield rows for one statement, whose columns hold what it compares them with, all at once."""
    columns: dict[str, list[str]] = {}
    for column in table.columns:
        if not column.facts.in_key and not column.reference and column.facts.plain:
            values = [*_compared(column, statement, own), *_joined(column, statement, others)]
            if values:
                columns[column.facts.plain] = list(dict.fromkeys(values))
    if all(values == ["null"] for values in columns.values()):
        return  # a row with nothing but what is required is there
    for row in zip_longest(*columns.values()):
        pairs = zip(columns.items(), row, strict=True)
        yield tuple(part for (name, values), value in pairs for part in (name, value or values[-1]))


def _compared(column: Column, statement: _Statement, own: Collection[str]) -> Iterator[str]:
    """Yield the values that a column is compared with; at a bound, what lies on the other side of it, too."""
    is_time = column.facts.type.startswith(("date", "timestamp"))
    for name, value, sign in statement.values:
        if name != column.facts.plain or value in own:
            continue
        yield value
        if (side := _SIDES.get(sign.lower())) and not value.startswith("'"):
            yield f"{value} {side} 1"
        elif side and is_time:
            yield f"{value}::timestamptz {side} interval '1 day'"


def _joined(column: Column, statement: _Statement, tables: Sequence[Table]) -> Iterator[str]:
    """Yield values of keys that a column is compared with."""
    names = {name for pair in statement.names if column.facts.plain in pair for name in pair}
    for table in tables if names else ():
        for other in table.columns:
            key = other.facts
            if key.plain in names - {column.facts.plain} and key.in_key and key.type == column.facts.type:
                yield f"(select {key.name} from {table.name} order by 1 limit 1)"  # noqa: S608 - of the catalog
