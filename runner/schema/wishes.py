"""Say which rows a file looks for: an update of what is 'paid' changes nothing where nothing is paid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.model import Migration
    from runner.schema.shape import Table

_MOST = 4  # rows per table and file
_WORD = re.compile(r"\w+")
_ABSENT = re.compile(r"not\s+exists\s*\([^()]*\)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.'$-])\d{1,9}(?![\w.'])")
_VALUE = (
    r"\W{0,3}\s*(?:=|<>|!=|<=|>=|<|>|\bin\b|\bi?like\b)\s*\(?\s*((?:'(?:[^']|'')*'[\s,]*)+|-?\d+(?:\.\d+)?)"
)
_ONE = re.compile(r"'(?:[^']|'')*'|-?\d+(?:\.\d+)?")


def mentioned(sql: str, tables: Mapping[int, Table]) -> frozenset[int]:
    """Return the tables whose names stand in the text of a file."""
    words = set(_WORD.findall(sql))
    return frozenset(oid for oid, table in tables.items() if _WORD.findall(table.name)[-1] in words)


def numbers(sql: str) -> tuple[str, ...]:
    """Return a few numbers that a file mentions: a trigger may want them."""
    return tuple(dict.fromkeys(_NUMBER.findall(sql)))[:_MOST]


def wishes(migration: Migration, tables: Mapping[int, Table]) -> dict[int, list[tuple[str, str]]]:
    """Return values that a file compares columns with, for the tables it mentions: (column, literal).

    Not for keys, and not what the file puts in itself or its rollback takes away: the file's own rows shall
    not be there before it.
    """
    sql = _ABSENT.sub("", migration.sql)
    words = set(_WORD.findall(sql))
    undo = (
        Path(migration.rollback).read_text(encoding="utf-8", errors="replace") if migration.rollback else ""
    )
    found = {}
    for oid in mentioned(sql, tables):
        columns = [str(c.facts.plain) for c in tables[oid].columns if not c.facts.in_key and not c.reference]
        named = ((name, value) for name in columns if name in words for value in _values(name, sql))
        pairs = [(name, value) for name, value in named if not (value.startswith("'") and value in undo)]
        if pairs:
            found[oid] = pairs[:_MOST]
    return found


def _values(column: str, sql: str) -> list[str]:
    pattern = re.compile(rf"\b{re.escape(column)}\b{_VALUE}", re.IGNORECASE)
    return list(dict.fromkeys(one for match in pattern.findall(sql) for one in _ONE.findall(match)))
