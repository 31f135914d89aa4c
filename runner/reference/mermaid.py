"""Write diagrams as Mermaid, which GitHub draws by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.reference.text import packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.reference.diagram import Card, Diagram, Line, Overview, Row

    _Piece = tuple[str, str]  # a table, and text that belongs to it

MOST = 45_000  # characters of a block: viewers refuse more than 50,000, some count a few twice
_ROWS = 200  # columns in one piece of a table: a name and a type have 63 characters each, mostly
_KEYS = {"PK", "FK", "UK"}  # the marks that Mermaid knows
# Words of its grammar, which it takes for themselves in any case: a mark is not a name, nor is one of these.
_MARK = re.compile(r"(?:pk|fk|uk)\b", re.IGNORECASE | re.ASCII)
_RESERVED = {
    "class", "classdef", "direction", "end", "erdiagram", "many", "one", "only", "optionally", "style",
    "subgraph", "title", "to", "u", "zero",
}  # fmt: skip
# What no quoted name may hold. Each has a look-alike of its own: to Mermaid, tables of one name are one.
_LOOKALIKES = str.maketrans('"%\\\b\n\v\r', "\u201d\uff05\uff3c\u2408\u240a\u240b\u240d")


def group(diagram: Diagram) -> tuple[str, ...]:
    """Return the diagram of one migration file, with columns; in blocks of which a viewer takes each."""
    cards = [(card.title, piece) for card in diagram.cards for piece in _card(card)]
    lines = [(line.child, _line(line, label=", ".join(line.columns))) for line in diagram.lines]
    return tuple(_blocks(cards, lines))


def overview(diagram: Overview) -> tuple[str, ...]:
    """Return the overview of a series, names and lines only; in blocks of which a viewer takes each."""
    names = [(name, f"    {_entity(name)}") for _, tables in diagram.clusters for name in tables]
    lines = [(line.child, _line(line, label="")) for line in diagram.lines]
    return tuple(_blocks(names, lines))


def _blocks(cards: Sequence[_Piece], lines: Sequence[_Piece]) -> Iterator[str]:
    """Yield one block, or, where it would be too long, several; a line stands with the table it begins at."""
    pieces = [*cards, *lines]
    if sum(map(_size, pieces)) > MOST:
        order = {title: number for number, (title, _) in reversed([*enumerate(cards)])}
        pieces.sort(key=lambda piece: order.get(piece[0], len(order)))
    for block in packed(pieces, _size, MOST):
        yield "\n".join(["```mermaid", "erDiagram", *(text for _, text in block), "```"])


def _size(piece: _Piece) -> int:
    return len(piece[1]) + 1


def _card(card: Card) -> Iterator[str]:
    """Yield a table with its columns; one with thousands of them in several pieces, which Mermaid joins."""
    rows = [_row(row) for row in card.rows]
    for start in range(0, len(rows) or 1, _ROWS):
        yield "\n".join((f"    {_entity(card.title)} {{", *rows[start : start + _ROWS], "    }"))


def _row(row: Row) -> str:
    keys = ", ".join(mark for mark in row.marks if mark in _KEYS)
    return f"        {_word(row.type)} {_word(row.name)} {keys}".rstrip()


def _line(line: Line, *, label: str) -> str:
    many = "|o" if line.unique else "}o"
    one = "o|" if line.optional else "||"
    stroke = ".." if line.foreign else "--"
    return f"    {_entity(line.child)} {many}{stroke}{one} {_entity(line.parent)} : {_quoted(label)}"


def _entity(name: str) -> str:
    return name if re.fullmatch(r"[a-z][a-z0-9_]*", name) and name not in _RESERVED else _quoted(name)


def _quoted(text: str) -> str:
    return f'"{text.translate(_LOOKALIKES)}"'


def _word(text: str) -> str:
    """Return a type or a name as the one word that Mermaid takes: ``numeric(3_2)`` for ``numeric(3,2)``."""
    word = re.sub(r"[^A-Za-z0-9_()\[\]\u00C0-\u1FFF\u3040-\uDFFF-]", "_", text)  # no punctuation of others
    return word if word[:1].isalpha() and not _MARK.match(word) else f"_{word}"
