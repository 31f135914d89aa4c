"""Explain how an edited file differs from what was applied."""

from __future__ import annotations

import difflib
from functools import lru_cache
from itertools import zip_longest
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
_MOST_LOOKED = 1_000_000  # lines, about 0.3 s: texts of up to 1,400 lines never come so far
_NEAR = 200  # lines
_WITHIN = "\0"  # for a line end within quotes: no file holds one


@lru_cache(maxsize=32)  # the databases of a fleet were mostly given the same
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


class _Matcher(difflib.SequenceMatcher[str]):
    """Find what two texts share: each time the longest part, and in long texts at last the nearest one.

    Each look for the longest goes over all that is left, and where every second line differs there are
    thousands of them.
    """

    _looked = 0  # lines

    def find_longest_match(  # type: ignore[override]  # it is called with all four
        self, alo: int, ahi: int, blo: int, bhi: int
    ) -> difflib.Match:
        if self._looked > _MOST_LOOKED:
            near = super().find_longest_match(alo, min(ahi, alo + _NEAR), blo, min(bhi, blo + _NEAR))
            if near.size:
                return near
        self._looked += ahi - alo
        return super().find_longest_match(alo, ahi, blo, bhi)


def changes(old: Sequence[str], new: Sequence[str], *, around: int) -> tuple[str, ...]:
    """Return a unified diff without its header; of lines that are too wide, the part around what differs."""
    lines: list[str] = []
    for group in _Matcher(None, old, new).get_grouped_opcodes(around):
        (_, start, _, begin, _), (_, _, end, _, stop) = group[0], group[-1]
        lines.append(f"@@ -{_place(start, end)} +{_place(begin, stop)} @@")
        for tag, i, j, k, m in group:
            if tag == "equal":
                lines += _parts(" ", old[i:j], ())
            else:
                lines += (*_parts("-", old[i:j], new[k:m]), *_parts("+", new[k:m], old[i:j]))
    return tuple(lines)


def _place(start: int, end: int) -> str:
    """Return where lines are, as it is written in a diff: from 1, and of none the one before."""
    count = end - start
    return f"{start + 1}" if count == 1 else f"{start + bool(count)},{count}"


def _parts(sign: str, lines: Sequence[str], twins: Sequence[str]) -> Iterator[str]:
    """Yield lines of a diff, each beside the one that it replaces, or that replaces it."""
    pairs = zip_longest(lines, twins[: len(lines)], fillvalue="")
    return (f"{sign}{_part(line, twin)}" for line, twin in pairs)


def _part(line: str, twin: str) -> str:
    if len(line) <= _WIDEST_LINE:
        return line
    pairs = enumerate(zip(line, twin, strict=False))
    same = next((i for i, (one, other) in pairs if one != other), min(len(line), len(twin)))
    begin = max(same - WIDEST_LINE // 2, 0)
    end = begin + WIDEST_LINE
    return f"{'…' * (begin > 0)}{line[begin:end]}{'…' * (end < len(line))}"


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
