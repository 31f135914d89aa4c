"""Find the schemas that a file makes, and the routines that it replaces."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.files import outside
from runner.files.lexer import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.files.lexer import Statement

_NAME = f"({outside.NAME})"
_MADE = (  # compiled where a file needs it
    rf"(?i)\bcreate\s+schema\s+(?:if\s+not\s+exists\s+)?(?:authorization\s+)?{_NAME}"
    rf"|\balter\s+schema\s+{_NAME}\s+rename\s+to\s+{_NAME}"
)
_REPLACES = (
    r"(?i)\bcreate\s+or\s+replace\s+(?:function|procedure|aggregate)\s+"
    rf"(?:{_NAME}\s*\.\s*)?{_NAME}\s*\("
)
_RETURNS = (  # a type of PostgreSQL's own, as it is written
    r"(?i)[^;]*?\breturns\s+(?!table\b)(?:setof\s+)?"
    r"(\w+(?![\w.])(?:\s+(?:precision|varying|with(?:out)?\s+time\s+zone)\b)?(?:\s*\[\s*\])*)"
)
_BLANKS, _VERBS = " \t\n\r\f\v", ("create", "alter")
_FEW = 50  # comments: behind more a closer look is shorter
_MENTIONED = r"(?i)\b(?:create|alter)\s+schema\b"


@lru_cache(1000)  # of a fleet each member asks for the same files
def made_schemas(text: str) -> tuple[str, ...]:
    """Return the names of the schemas that ``text`` creates or gives a new name, in order.

    The code of a ``do`` block counts; a name that a statement puts together while it runs is not found.
    """
    small = text.lower()
    if "schema" not in small or not _is_mentioned(small):
        return ()
    return tuple(dict.fromkeys(name for one in statements(text) for name in _names(text, one)))


def _is_mentioned(text: str) -> bool:
    """Tell whether a text in small letters may create a schema, or rename one."""
    return any(_follows_verb(text, end) for end in outside.before(text, "schema", _BLANKS))


def _follows_verb(text: str, end: int) -> bool:
    """Tell whether the word before ``end`` may make a schema; a few comments in between do not count."""
    for _ in range(_FEW):
        if text.endswith(_VERBS, 0, end):
            return True
        line = text.rfind("\n", 0, end) + 1
        is_block = text.endswith("*/", 0, end)
        comment = text.rfind("/*", 0, end) if is_block else text.find("--", line, end)
        if comment < 0:
            return False
        end = outside.back(text, comment, _BLANKS)
    return True


def _names(text: str, statement: Statement) -> Iterator[str]:
    """Yield the names of one statement: found in its code, without strings, and read from the text."""
    raw = outside.blanked(text[statement.start : statement.end])
    code = raw if statement.word == "do" else statement.code
    for made in re.finditer(_MENTIONED, code):
        if found := re.compile(_MADE).match(raw, made.start()):
            yield outside.plain(found[1] or found[3])


def replaced_routines(text: str) -> tuple[tuple[str | None, str, str | None], ...]:
    """Return schema, where it is said, name and type of each routine that ``text`` makes or replaces.

    The type is what it returns, where that is said without a schema.
    """
    if "replace" not in text.lower():
        return ()
    code = outside.blanked(text)
    return tuple(
        (one[1] and outside.plain(one[1]), outside.plain(one[2]), returned and returned[1])
        for one in re.finditer(_REPLACES, code)
        for returned in [re.compile(_RETURNS).match(code, one.end())]
    )
