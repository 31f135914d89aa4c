"""Explain how an edited file differs from what was applied."""

from __future__ import annotations

import difflib
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from runner.files.checksum import canonical
from runner.files.mask import masked
from runner.files.place import WIDEST_LINE
from runner.files.tokens import COMMENTS, Refusal, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMMENTS_DIFFER = "Only comments or empty lines differ."
SECRETS_DIFFER = "Only passwords differ, which are hidden here."
_MOST_LINES = 40
_WIDEST_LINE = 640  # of a wider one, the part around what differs is as wide as in an excerpt
_WITHIN = "\0"  # for a line end within quotes: no file holds one


def explain(applied: str, current: str) -> tuple[str, ...]:
    """Return lines for a person: that only comments and blanks differ, or a diff; none where nothing does."""
    if canonical(applied) == canonical(current):
        return ()
    if _code(applied) == _code(current):
        return (COMMENTS_DIFFER,)
    old, new = (masked(canonical(text)).removesuffix("\n").split("\n") for text in (applied, current))
    if old == new:
        return (SECRETS_DIFFER,)
    lines = ("--- as applied", "+++ the file now", *changes(old, new, around=2))
    rest = len(lines) - _MOST_LINES
    return (*lines[:_MOST_LINES], f"... and {rest} more lines") if rest > 0 else lines


def changes(old: Sequence[str], new: Sequence[str], *, around: int) -> tuple[str, ...]:
    """Return a unified diff without its header; of lines that are too wide, the part around what differs."""
    lines = list(difflib.unified_diff(old, new, lineterm="", n=around))[2:]
    runs = [list(run) for _, run in groupby(lines, key=lambda line: line[0])]
    return tuple(
        _part(line, twin)
        for run, before, after in zip(runs, [[], *runs], [*runs[1:], []], strict=False)
        for line, twin in _pairs(run, after if run[0][0] == "-" else before)
    )


def _pairs(run: Sequence[str], other: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield lines with those that they replace, or that replace them."""
    is_replaced = other and {run[0][0], other[0][0]} == {"-", "+"}
    return zip_longest(run, other[: len(run)] if is_replaced else (), fillvalue="")


def _part(line: str, twin: str) -> str:
    if len(line) <= _WIDEST_LINE + 1:
        return line
    pairs = enumerate(zip(line[1:], twin[1:], strict=False))
    same = next((i for i, (one, other) in pairs if one != other), min(len(line), len(twin)) - 1)
    begin = max(same - WIDEST_LINE // 2, 0)
    end = begin + WIDEST_LINE
    return f"{line[0]}{'…' * (begin > 0)}{line[1:][begin:end]}{'…' * (end < len(line) - 1)}"


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
