"""Make texts that match a regular expression of PostgreSQL's, as a check demands them.

Understands what checks are written with: characters, classes, groups, alternatives, repetitions, anchors
and the usual escapes. Of the rest (look-ahead, back references) it makes a guess; who needs a text that
surely matches tries it on the server.
"""

from __future__ import annotations

import random
import re
import string

_CLASSES = {
    "alpha": string.ascii_letters,
    "alnum": string.ascii_letters + string.digits,
    "digit": string.digits,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "space": " ",
    "punct": "-._",
    "xdigit": "0123456789abcdef",
    "word": string.ascii_letters + string.digits,
}
_ESCAPES = {"d": string.digits, "w": string.ascii_lowercase, "s": " ", "S": "k", "D": "k", "W": "-"}
_NOTHING = "mMyYAZbB<>"  # escapes that match a place, not a character
_TIMES = {"*": (0, 2), "+": (1, 3), "?": (0, 1)}  # at least, at most
# With a ? behind it as few as possible: the same texts match. A brace before no number stands for itself.
_QUANTIFIER = re.compile(r"(?:([*+?])|\{([0-9]+)(,?)([0-9]*)\})\??")
_CLASS = re.compile(r":(\w*):\]")
_PRINTABLE = string.ascii_letters + string.digits + "-_ .@/:#"


def example(pattern: str, number: int) -> str:
    """Return a text that most likely matches ``pattern``; each ``number`` gives another one."""
    return _Writer(pattern, number).alternatives()


class _Writer:
    """Reads a pattern from left to right and writes what it asks for."""

    def __init__(self, pattern: str, number: int) -> None:
        self.pattern = pattern
        self.number = number
        self.chance = random.Random(number)  # noqa: S311 - repeatable
        self.at = 0

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _next(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1 : self.at]

    def alternatives(self) -> str:
        found = [self._sequence()]
        while self._peek() == "|":
            self._next()
            found.append(self._sequence())
        return found[self.number % len(found)]

    def _sequence(self) -> str:
        text = ""
        while self._peek() not in ("", "|", ")"):
            begin = self.at
            piece = self._atom()
            low, high = self._times()
            after = self.at
            count = low if self.number % 2 else min(high, low + 1)
            text += piece if count else ""
            for _ in range(1, count):
                self.at = begin  # once more, by other chances
                text += self._atom()
            self.at = after
        return text

    def _atom(self) -> str:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return self._bracket()
        if char == "\\":
            return self._escape()
        if char in "^$":
            return ""
        return self.chance.choice(string.ascii_lowercase) if char == "." else char

    def _group(self) -> str:
        kind = ":"  # (?: groups only; (?! and (?= are left to luck
        if self._peek() == "?":
            self._next()
            kind = self._next()
        text = self.alternatives()
        self._next()
        return text if kind == ":" else ""

    def _escape(self) -> str:
        char = self._next()
        if char in _ESCAPES:
            return self.chance.choice(_ESCAPES[char])
        return "" if char in _NOTHING else char

    def _bracket(self) -> str:
        negated = self._peek() == "^"
        if negated:
            self._next()
        members = ""
        while (char := self._next()) and (char != "]" or not members):
            members += self._member(char)
        if negated:
            members = "".join(c for c in _PRINTABLE if c not in members)
        return self.chance.choice(members) if members else ""

    def _member(self, char: str) -> str:
        if char == "[" and (named := _CLASS.match(self.pattern, self.at)):
            self.at = named.end()
            return _CLASSES.get(named[1], "k")
        if char == "\\":
            escaped = self._next()
            return _ESCAPES.get(escaped, escaped)
        if self._peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
            self._next()
            return "".join(map(chr, range(ord(char), ord(self._next()) + 1)))
        return char

    def _times(self) -> tuple[int, int]:
        if not (found := _QUANTIFIER.match(self.pattern, self.at)):
            return 1, 1
        self.at = found.end()
        sign, low, comma, high = found.groups()
        return _TIMES[sign] if sign else (int(low), int(high) if high else int(low) + bool(comma))
