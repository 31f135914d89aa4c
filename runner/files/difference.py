"""Explain how an edited file differs from what was applied."""

from __future__ import annotations

import difflib

from runner.files.checksum import canonical
from runner.files.lexer import Refusal, scan

COMMENTS_DIFFER = "Only comments or empty lines differ."
_MOST_LINES = 40


def explain(applied: str, current: str) -> tuple[str, ...]:
    """Return lines for a person: that only comments and blanks differ, or a diff of the two texts."""
    if _code(applied) == _code(current):
        return (COMMENTS_DIFFER,)
    old, new = (canonical(text).splitlines() for text in (applied, current))
    lines = tuple(difflib.unified_diff(old, new, "as applied", "the file now", lineterm="", n=2))
    rest = len(lines) - _MOST_LINES
    return (*lines[:_MOST_LINES], f"... and {rest} more lines") if rest > 0 else lines


def _code(text: str) -> str:
    """Return the text with comments as blanks, without empty lines; what cannot be scanned, as it is."""
    try:
        comments = scan(text).comments
    except Refusal:
        return text
    parts, position = [], 0
    for start, end in comments:
        parts.append(text[position:start])
        position = end
    lines = canonical(" ".join((*parts, text[position:]))).splitlines()
    return "\n".join(line for line in lines if line)
