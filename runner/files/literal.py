"""Read what the strings of a statement say, be they with doubled quotes, escapes, or in several pieces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.files.tokens import has_escape_prefix, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

_BETWEEN = r"(?:\s|--[^\r\n]*)*"
_GOES_ON = r"'[ \t\f]*(?:--[^\r\n]*)?[\r\n](?:[ \t\r\n\f]|--[^\r\n]*)*'"  # in one with the prefix E
# Of the first plane alone: no keyword is beyond.
_ESCAPES = r"""(?xs) '(?P<quote>') | \\(?: x(?P<x>[0-9a-fA-F]{1,2}) | (?P<o>[0-7]{1,3})
    | (?:u|U[0-9a-fA-F]{4})(?P<u>[0-9a-fA-F]{4}) | (?P<one>.) )"""
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NUMBERS = r"\\(?:\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4})|\\)"
_UNICODE = ("U&", "u&")


def strings(text: str) -> Iterator[str]:
    """Yield what each string of a statement says. Raises ``Refusal`` as ``scan`` does."""
    said, last = "", -1  # of the one that may go on, and where it has ended so far
    for start, end in tokens(text):
        token = text[start:end]
        if token.startswith("$") and token != "$":
            quote = token.index("$", 1) + 1
            yield token[quote:-quote]
        elif token.startswith("'"):
            between = text[last:start]
            goes_on = last >= 0 and re.search(r"[\r\n]", between) and re.fullmatch(_BETWEEN, between)
            if last >= 0 and not goes_on:
                yield said
            said = (said if goes_on else "") + _said(text, start, token)
            last = end
    if last >= 0:
        yield said


def _said(text: str, start: int, token: str) -> str:
    inner = token[1:-1]
    if has_escape_prefix(text, start):
        return re.sub(_ESCAPES, _escaped, re.sub(_GOES_ON, "", inner))
    if text[max(start - 2, 0) : start] in _UNICODE:
        inner = re.sub(_NUMBERS, lambda one: chr(int((one[1] or one[2] or "5c")[-4:], 16)), inner)
    return inner.replace("''", "'")


def _escaped(one: re.Match[str]) -> str:
    if one["o"]:
        return chr(int(one["o"], 8))
    number = one["x"] or one["u"]
    letter = one["quote"] or one["one"]
    return chr(int(number, 16)) if number else _LETTERS.get(letter, letter)
