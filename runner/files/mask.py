"""Hide the passwords in what is shown of SQL: a log is read by more people than a file."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.files.tokens import COMMENTS, Refusal, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each pattern begins with a letter that is rare: it is looked for in a file of any size.
_HINT = r"[:pP](?:(?<=:)//|(?<=[pP])(?i:assword))"
_BEFORE = r'(?i)password"?\s*(?:=>|:=)?\s*(?:e|u&)?\Z'
_NEAR = 200  # characters before a string
_DEEPEST = 50
# Within a string, a comment or what is no SQL: in a URL, in quotes, in what connects. Not what is to
# be filled in, or a pattern of URLs.
_WITHIN = r"""(?x)
    [:pP] (?:
        ( (?<=:) //[^\s:/@'*^\\()[\]]*: ) (?!%[sL]?@) [^\s/@']+ (?=@)
        | ( (?<=[pP]) (?i:assword)"? (?:\s+|\s*=\s*) (?i:e|u&)? ['\\]+ ) [^'\\\r\n]+
        | ( (?<=[pP]) (?i:assword)"? \s+ \$\w*\$ ) [^$\r\n]+
        | ( (?<=[pP]) (?i:assword) \s*=\s* (?!>) ) (?!%[sL]\b) [^\s'&]+
    )
"""
# Code and prose may compare something with a password: of another row, or what a function makes.
_COLUMN = r"(?: (?:\w+\.)? (?:\w+_)? password\b | \$\d | \w*(?:crypt|hash|md5|digest|coalesce)\( )"
_BESIDE = _WITHIN.replace(r"(?i:assword) \s*=\s* (?!>)", rf"(?<!\.p)(?i:assword)= (?!> | {_COLUMN})")
_CONNECTS = r"\s*\w+\s*="  # no code begins so
_SHOWN = r"[^'$\n\r\v\f\x1c-\x1e\x85\u2028\u2029]"  # all but quotes and line ends


def masked(text: str, *, besides: int = -1) -> str:
    """Return a text of the same length without its passwords, but the one at the offset ``besides``."""
    parts: list[str] = []
    position = 0
    for begin, end in _secrets(text):
        if not begin <= besides < end:
            parts += [text[position:begin], re.sub(_SHOWN, "*", text[begin:end])]
            position = end
    return "".join((*parts, text[position:])) if parts else text


@lru_cache(maxsize=1)  # of a file, each statement is shown
def _secrets(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(_found(text, depth=0))


def _found(text: str, *, depth: int) -> Iterator[tuple[int, int]]:
    """Yield where passwords begin and end; what cannot be scanned is taken for a string."""
    hints = [one.start() for one in re.finditer(_HINT, text)]
    position, before = 0, ""
    try:
        for start, end in tokens(text) if hints else ():
            if before or bisect_left(hints, end) > bisect_left(hints, position):
                yield from _matches(_BESIDE, text, position, start)
                before = (before + text[position:start])[-_NEAR:]
                is_secret = text[start] in "'$" and re.search(_BEFORE, before) is not None
                yield from [(start, end)] if is_secret else _of_token(text, start, end, depth)
                if not is_secret and text[start] not in COMMENTS:  # else it goes on behind it
                    before = text[start:end] if text[start] == '"' else ""
            position = end
    except Refusal:
        yield from _matches(_WITHIN, text, position, len(text))
    else:
        yield from _matches(_BESIDE, text, position, len(text))


def _of_token(text: str, start: int, end: int, depth: int) -> Iterator[tuple[int, int]]:
    if text[start] == "$" and end - start > 1:
        quote = text.index("$", start + 1) + 1 - start
        body = text[start + quote : end - quote]
        if depth < _DEEPEST and not re.match(_CONNECTS, body):
            yield from ((start + quote + a, start + quote + b) for a, b in _found(body, depth=depth + 1))
            return
    yield from _matches(_WITHIN if text[start] in "'$" else _BESIDE, text, start, end)


def _matches(pattern: str, text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    for one in re.compile(pattern).finditer(text, begin, end):
        yield one.end(one.lastindex or 0), one.end()
