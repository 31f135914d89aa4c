"""Explain how an edited file differs from what was applied."""

from __future__ import annotations

import difflib

from runner.files.checksum import canonical
from runner.files.tokens import COMMENTS, Refusal, tokens

COMMENTS_DIFFER = "Only comments or empty lines differ."
_MOST_LINES = 40
_WITHIN = "\0"  # for a line end within quotes: no file holds one


def explain(applied: str, current: str) -> tuple[str, ...]:
    """Return lines for a person: that only comments and blanks differ, or a diff; none where nothing does."""
    if canonical(applied) == canonical(current):
        return ()
    if _code(applied) == _code(current):
        return (COMMENTS_DIFFER,)
    old, new = (canonical(text).removesuffix("\n").split("\n") for text in (applied, current))
    lines = tuple(difflib.unified_diff(old, new, "as applied", "the file now", lineterm="", n=2))
    rest = len(lines) - _MOST_LINES
    return (*lines[:_MOST_LINES], f"... and {rest} more lines") if rest > 0 else lines


def _code(text: str) -> str:
    """Return the text with comments as blanks, without empty lines; what cannot be scanned, as it is.

    A line within quotes belongs to the one above, for there an empty one counts.
    """
    text = canonical(text)
    parts: list[str] = []
    position = 0
    try:
        for start, end in tokens(text):
            is_comment = text[start] in COMMENTS
            parts += [text[position:start], " " if is_comment else text[start:end].replace("\n", _WITHIN)]
            position = end
    except Refusal:
        return text
    return "\n".join(line for line in canonical("".join((*parts, text[position:]))).split("\n") if line)
