"""Know what outlives a file in its session, where a new one, as psql begins for each file, would not have it.

Words are looked for as they are mostly written, for to copy a long text in small letters takes long. They may
stand far apart: comments lie between them, or a block puts the statement together, behind a line end that it
writes as an escape. A session too many does no harm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Patterns are compiled when a file first needs them: that takes longer than to read most files.
_GAP = r"(?>[\s'|,]|\\[nrt]|/\*.{0,300}?\*/|--[^\n]{0,300}\n)++"
_WORD = r"[^\s;,'|]{1,300}+"  # not all of a text without blanks, from each place anew
_PART = rf"{_WORD}{_GAP}"

# What a function in PL/pgSQL has once taken for the type of a variable stays that in its session for good: no
# `discard` ends it. To add a value or an attribute makes no other type.
_TYPES = rf"""(?isx:{_GAP}(?:
    (?:type|domain)\b (?!{_GAP}{_PART}add\b) | extension\b
    | (?:column{_GAP})? (?P<column>"[^"]{{1,200}}"|{_WORD}) {_GAP} (?:set{_GAP}data{_GAP})? type\b
    | (?:(?:foreign|materialized){_GAP})? (?:table|view|schema)\b {_GAP} (?:{_PART}){{1,5}}?
        (?:rename\b(?!{_GAP}constraint\b)|set{_GAP}schema\b)
))"""
_DROPS = rf"""(?isx:(?<=\b.{{4}}){_GAP}(?!(?:
    constraint|default|not|expression|identity|index|(?:trigger|policy|function|procedure|routine|aggregate
    |sequence|rule|role|user|group|database|tablespace|event|publication|subscription|statistics
    |server|language|operator|collation|text)\b(?!\s*+(?:[,;]|$))
)\b)[\w"%])"""
_ADDED = r"""(?ix:
    \balter\s++table\s++ (?:if\s++exists\s++)?+ (?:only\s++)?+ (\S{1,200})\s++
    add\s++ (?:column\s++)?+ (?!if\b)("[^"]{1,200}"|[\w$]++)
)"""
_BEFORE = 300  # letters before a column, in which the name of its table is looked for

# What `alter` sets for roles and databases is there in sessions to come, and a trigger on login in each.
_FOR_OTHERS = rf"(?is:{_GAP}(?:(?:database|role|user)\b|%))"
_ON_LOGIN = rf"(?is:{_GAP}trigger{_GAP}{_PART}(?:on{_GAP}login|enable)\b)"

# A setting of somebody's own stays as an empty text when it is reset. What is no plain name may be one. The
# seed of random() is not reset at all, nor is the origin of what is replicated.
_OWN = r"""(?ix:
    _config"?\s*\((?!\s*'(?!seed')\w++'\s*,) | seed"?\s*\( | (?<=session_set)up"?\s*\(
    | \s++(?:local\s++|session\s++)?(?: seed\s*+(?:=|to\b)
        | (?:%\w|\w++|"[^"]*+")\s*+\.\s*+(?:[\w"%]|'\s*+\|\|) )
    | \s++(?:local|session)\s++['%]
)"""


def ages(text: str) -> bool:
    """Tell whether a session may not be as a new one behind a file, even if all is put back that can be."""
    return (
        remakes(text)
        or greets(text)
        or _says(text, "set", _OWN)
        or (_says(text, "alter", _FOR_OTHERS) and _says(text, "set", r"\b"))
    )


def remakes(text: str) -> bool:
    """Tell whether a file may make another type of one that functions know, or drop or rename it.

    A column that the file itself has added is known to none, but one of that name in another table may be.
    """
    altered = {_column(text, one) for one in _found(text, "alter", _TYPES)}
    return bool(altered and not altered.issubset(re.findall(_ADDED, text))) or _says(text, "drop", _DROPS)


def _column(text: str, found: re.Match[str]) -> tuple[str, str | None]:
    """Return what stands before ``alter column``, mostly the name of a table, and the column."""
    at = found.start()  # the first letter of `alter` or the second
    return "".join(text[max(at - _BEFORE, 0) : at + 1].split()[-2:-1]), found["column"]


def greets(text: str) -> bool:
    """Tell whether a file may make a trigger that sets what each session begins with."""
    return _says(text, "event", _ON_LOGIN)


def _says(text: str, word: str, rest: str) -> bool:
    return any(_found(text, word, rest))


def _found(text: str, word: str, rest: str) -> Iterator[re.Match[str]]:
    """Yield where ``rest`` follows a word in small letters, with or without a capital, or in capitals."""
    first, tail, large = word[0], word[1:], word.upper()
    if tail in text:
        yield from re.finditer(rf"{tail}(?<=[{first}{first.upper()}]{tail}){rest}", text)
    if large in text:
        yield from re.finditer(large + rest, text)
