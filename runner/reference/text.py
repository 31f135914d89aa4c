"""Turn facts into Markdown that GitHub shows as it was meant."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import TYPE_CHECKING, TypeVar

from runner.files import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_Thing = TypeVar("_Thing")
# Literals and quoted names are taken whole, so that nothing inside them is mistaken for SQL.
_LITERAL = r"'(?:[^']|'')*'"
_QUOTED = r'"(?:[^"]|"")*"'
_TOKEN = re.compile(
    rf"(?P<literal>{_LITERAL})(?:::(?:character varying|text)\b(?![\[(]))?"
    rf"|(?P<quoted>{_QUOTED})"
    r"|(?P<number>\b\d+(?:\.\d+)?)(?:::numeric\b(?!\())?"
    r"|(?P<keyword>\b[A-Z]+\b)"
)
_VALUE = rf"(?:{_LITERAL}|-?\d+(?:\.\d+)?)"
_ANY = re.compile(
    rf"(?P<what>[\w.]+)(?:::text)? = any \(array\[(?P<values>{_VALUE}(?:, {_VALUE})*)\](?:::[a-z ]+\[\])?\)"
)
_BREAK = re.compile(rf"(?P<kept>{_LITERAL}|{_QUOTED})|\s*[\r\n]\s*")
# What nobody sees, and XML and Mermaid refuse, to what Unicode shows for it: ␊
CONTROLS = {number: 0x2400 + number for number in range(32)} | dict.fromkeys((0xFFFE, 0xFFFF), 0xFFFD)
# Categories that stay in an anchor: letters, marks, digits, numbers that are letters, and low lines.
_ANCHORED = ("L", "M", "Nd", "Nl", "Pc")


def sql(expression: str) -> str:
    """Return an expression as a person would write it: ``role in ('user', 'admin')``.

    The server prints keywords in capitals, a cast behind each literal, and a list as an array.
    """
    plain = _TOKEN.sub(_token, expression)
    return _ANY.sub(r"\g<what> in (\g<values>)", plain)


def _token(found: re.Match[str]) -> str:
    keyword = found["keyword"]
    return keyword.lower() if keyword else found["literal"] or found["quoted"] or found["number"]


def plain(text: str | None) -> str:
    """Return text of a comment so that Markdown shows each character, in one line."""
    line = escape(" ".join((text or "").split()), quote=False)
    line = re.sub(r"([\\`*\[\]|~$])", r"\\\1", line)
    line = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", line)
    return re.sub(r"^([-+#=])|^(\d+)([.)])", lambda m: m[2] + "\\" + m[3] if m[2] else "\\" + m[1], line)


def code(text: str, *, in_table: bool = True) -> str:
    """Return text as code in one line, without passwords; a bar needs a backslash in a table alone."""
    line = _BREAK.sub(lambda found: (found["kept"] or " ").translate(CONTROLS), masked(text).strip())
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    blank = " " if line.startswith("`") or line.endswith("`") else ""
    shown = f"{fence}{blank}{line}{blank}{fence}"
    return shown.replace("|", "\\|") if in_table else shown


def block(lines: str, *, language: str) -> str:
    """Return lines as a block of code, whatever they hold, without passwords."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", lines)), default=0))
    return f"{fence}{language}\n{masked(lines)}\n{fence}"


def codes(names: Iterable[str], *, in_table: bool = True) -> str:
    """Return names as code, with commas."""
    return ", ".join(code(name, in_table=in_table) for name in names)


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], *, comments: Sequence[str | None] = ()
) -> str:
    """Return a table of cells that are Markdown already; nothing for no rows.

    ``comments`` on what the rows tell of are a last column, where there are any.
    """
    if any(comments):
        headings = *headings, "purpose"
        rows = ((*row, plain(comment)) for row, comment in zip(rows, comments, strict=True))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}", *lines]) if lines else ""


def page(blocks: Iterable[str]) -> str:
    """Return blocks with an empty line between them; empty blocks are left out."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def packed(things: Iterable[_Thing], size: Callable[[_Thing], int], most: int) -> Iterator[list[_Thing]]:
    """Yield things in their order, in lists of which none is larger than ``most``, unless one thing is."""
    pack: list[_Thing] = []
    room = most
    for thing in things:
        room -= size(thing)
        if pack and room < 0:
            yield pack
            pack, room = [], most - size(thing)
        pack.append(thing)
    yield pack


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    line = " ".join(heading.lower().split())
    kept = (c for c in line if c in "- " or unicodedata.category(c).startswith(_ANCHORED))
    return "".join(kept).replace(" ", "-")
