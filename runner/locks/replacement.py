"""Find the columns whose values a statement replaces: its ``using`` names the column nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.locks.loss import own_level, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.files import Statement

_WORD = r'(?:[\w$]+|"\s*)'
_TABLE = re.compile(
    rf"alter\s+(?:foreign\s+)?table\s+(?:if\s+exists\s+)?(?:only\s+)?({_WORD}(?:\s*\.\s*{_WORD})*)",
    re.IGNORECASE,
)
_TYPE = re.compile(rf"\balter\s+(?:column\s+)?({_WORD})\s+(?:set\s+data\s+)?type\b", re.IGNORECASE)
_USING = re.compile(r"\busing\b", re.IGNORECASE)


def replaced(statement: Statement, text: str) -> Iterator[tuple[str, str]]:
    """Yield table, as written, and column of each. ``text`` is that of the file."""
    own = text[statement.start : statement.end]
    table = _TABLE.match(statement.code)
    for match in _TYPE.finditer(statement.code) if table else ():
        part = own_level(statement.code[match.end() :]).partition(",")[0]
        using = _USING.search(part)
        if not (table and using):
            continue
        begin, end = match.end() + using.end(), match.end() + len(part)
        found = re.compile(_WORD).finditer(statement.code, begin, end)
        words = [word for one in found for word in plain(own[one.start() : one.end()])]
        name, [column] = own[table.start(1) : table.end(1)], plain(own[match.start(1) : match.end(1)])
        if not {column, plain(name)[-1]} & {*words}:  # a function may be given the whole row
            yield name.strip(), column
