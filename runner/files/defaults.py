"""Find defaults that look like the time of each row, and are the time at which the table was made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.files.lexer import statements
from runner.files.place import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Place

_TIMES = r"(?:timestamptz|timestamp|timetz|time|date)"
# The code of a statement has of each string its first character alone; what it holds stands in the text.
_DEFAULT = re.compile(
    rf"\bdefault\s+(?:\(\s*|cast\s*\(\s*)*(?P<type>{_TIMES}(?:\s+with(?:out)?\s+time\s+zone)?\s+)?(?P<quote>')",
    re.IGNORECASE,
)
_BEHIND = r"\s*(?:[(\[]|(?:with|without|array|not|null|constraint|primary|unique|check|references)\b|\Z)"
_COLUMN = re.compile(rf"\b{_TIMES}\b(?={_BEHIND})[^,;]*\Z", re.IGNORECASE)
_SET = re.compile(r"\bset\s+\Z", re.IGNORECASE)
_WORD = re.compile(
    rf"'\s*(?P<word>now|today|tomorrow|yesterday)\b[^']*'\s*(?P<cast>::\s*(?P<to>\w+)|as\s+{_TIMES}\b)?",
    re.IGNORECASE,
)


def folded(text: str, *, path: str) -> Iterator[tuple[str, Place]]:
    """Yield each such default, as ``'now'``, with its place.

    PostgreSQL turns the string into a time when it reads it, once. Where the type of the column is not in the
    statement, as in ``alter column … set default 'now'``, it is taken for one.
    """
    for statement in statements(text):
        for found in _DEFAULT.finditer(statement.code):
            word = _WORD.match(text, statement.start + found.start("quote"))
            if word and _is_time(statement.code[: found.start()], found["type"], word):
                at = statement.start + found.start()
                yield f"'{word['word'].lower()}'", locate(text, at, path=path)


def _is_time(before: str, kind: str | None, word: re.Match[str]) -> bool:
    """Tell whether a string becomes a time: by its prefix or cast, else by the column it is for."""
    if word["to"]:
        return re.fullmatch(_TIMES, word["to"], re.IGNORECASE) is not None
    if kind or word["cast"]:
        return True
    return bool(_COLUMN.search(before) or (_SET.search(before) and word["word"].lower() == "now"))
