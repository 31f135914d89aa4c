"""Measure and mend text for a terminal: what it shows, how many columns that takes, and what fits."""

from __future__ import annotations

import re

_BLANK = "\0"  # stands for a blank that is no place for a line to end
# What a terminal may obey, or a line may end at: C0, C1, what turns the direction, bytes that are no letter.
OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NO_COLUMN = {"Mn", "Me", "Cf"}  # what stands on a letter, and what is not seen
_JOINS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # of scripts and of pictures


def visible(text: str) -> str:
    """Return the text with control characters written out, so that a terminal does not obey them.

    So is what nobody sees; a blank of any kind stays.
    """
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if _is_shown(c) else _written(c) for c in text)


def inline(text: str) -> str:
    """Return what is visible of a text in one line: a name may hold an end of a line, too."""
    return text if text.isprintable() else visible(text).replace("\n", r"\n").replace("\t", r"\t")


def rows(text: str, *, indent: str) -> list[str]:
    """Return the lines of a text; what goes on stands behind ``indent``: no name in it begins a line."""
    return re.sub(r"\n(?=.)", f"\n{indent}", visible(text)).split("\n")


def _is_shown(letter: str) -> bool:
    if letter.isprintable() or letter in "\n\t" or letter in _JOINS:
        return True
    return letter.isspace() and not OBEYED.match(letter)


def harmless(text: str, *, of: str | None = None) -> str:
    """Return the text with nothing written out but what a terminal obeys: for what somebody copies.

    ``of`` is how a letter is written out, if not as in Python.
    """

    def written(found: re.Match[str]) -> str:
        return of.format(ord(found[0])) if of else _written(found[0])

    return OBEYED.sub(lambda found: found[0] if found[0] in "\n\t" else written(found), text)


def _written(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def columns(text: str) -> int:
    """Return how many columns a terminal needs: an ideograph takes two, a mark none, as in psql."""
    if text.isascii():
        return len(text)
    import unicodedata  # noqa: PLC0415 - rarely needed

    bare = [c for c in text if unicodedata.category(c) not in _NO_COLUMN]
    return len(bare) + sum(unicodedata.east_asian_width(c) in "WF" for c in bare)


def head(text: str, width: int) -> str:
    """Return as much of the beginning as takes at most ``width`` columns."""
    end = width = max(width, 0)
    while columns(text[:end]) > width:
        end -= 1
    while end < len(text) and columns(text[: end + 1]) <= width:  # a combining mark
        end += 1
    return text[:end]


def shortened(text: str, width: int | None) -> str:
    """Return the text with … in its middle, if it takes more than ``width`` columns."""
    if width is None or columns(text) <= width:
        return text
    front = head(text, width // 2)
    back = head(text[::-1], width - 1 - columns(front))[::-1]
    return f"{front}…{back}"


def part(text: str, width: int | None, *, start: int = 0) -> str:
    """Return ``width`` columns of a line from column ``start`` on, with … where something is cut off."""
    if start and text:
        front = head(text, start + 1)
        rest = text[len(front) :]
        text = f"… {rest[1:]}" if columns(front) <= start else f"…{rest}"  # half an ideograph
    return text if width is None or columns(text) <= width else head(text, width - 1) + "…"


def wrapped(text: str, width: int | None, *, indent: str = "") -> list[str]:
    """Return lines that end between words and fit into ``width`` columns; all but the first are indented.

    A word that is longer, such as a path, stays whole, and so does what stands in backticks: somebody may
    copy it. What has a $ is for a shell and stays one line.
    """
    if width is None or "$" in text or columns(text) <= width:
        return [text]
    import textwrap  # noqa: PLC0415 - start-up time

    joined = re.sub(r"`[^`]*`", lambda found: found.group().replace(" ", _BLANK), text)
    lines = textwrap.wrap(
        joined, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(_BLANK, " ") for line in lines] or [text]


def counted(count: int, word: str) -> str:
    """Return how many there are of what a word names."""
    return f"{count} {word}{'s' * (count != 1)}"


def duration(ms: int) -> str:
    """Return a time for a person: milliseconds, from ten seconds on seconds."""
    return f"{ms} ms" if ms < 10_000 else f"{ms / 1000:.1f} s"  # noqa: PLR2004 - said above
