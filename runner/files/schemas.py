"""Find the schemas that a file makes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.files import outside
from runner.files.lexer import Refusal, scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.files.lexer import Statement

_NAME = r'("(?:[^"]|"")+"|[^\W\d][\w$]*)'
_MADE = (  # compiled where a file needs it
    rf"(?i)\bcreate\s+schema\s+(?:if\s+not\s+exists\s+)?(?:authorization\s+)?{_NAME}"
    rf"|\balter\s+schema\s+{_NAME}\s+rename\s+to\s+{_NAME}"
)
_MENTIONED = r"(?i)\b(?:create|alter)\s+schema\b"


@lru_cache(1000)  # of a fleet each member asks for the same files
def made_schemas(text: str) -> tuple[str, ...]:
    """Return the names of the schemas that ``text`` creates or gives a new name, in order.

    The code of a ``do`` block counts; a name that a statement puts together while it runs is not found.
    """
    small = text.lower()
    if "schema" not in small or not _is_mentioned(small):
        return ()
    try:
        statements = scan(text).statements
    except Refusal:
        return ()  # a file that will be refused
    return tuple(dict.fromkeys(name for one in statements for name in _names(text, one)))


def _is_mentioned(text: str) -> bool:
    """Tell whether a text in small letters may create a schema, or rename one."""
    ends = outside.before(text, "schema", " \t\n\r\f\v")
    return any(text.endswith(("create", "alter"), 0, end) for end in ends)


def _names(text: str, statement: Statement) -> Iterator[str]:
    """Yield the names of one statement: found in its code, without strings, and read from the text."""
    raw = text[statement.start : statement.end]
    code = raw if statement.word == "do" else statement.code
    for made in re.finditer(_MENTIONED, code):
        if found := re.compile(_MADE).match(raw, made.start()):
            yield _unquoted(found.group(1) or found.group(3))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
