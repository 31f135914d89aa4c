"""Write diagrams as Mermaid, which GitHub draws by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.reference.diagram import Card, Diagram, Line, Overview

_KEYS = {"PK", "FK", "UK"}  # the marks that Mermaid knows


def group(diagram: Diagram) -> str:
    """Return the diagram of one migration file, with columns."""
    cards = [line for card in diagram.cards for line in _card(card)]
    return _block([*cards, *(_line(line, label=", ".join(line.columns)) for line in diagram.lines)])


def overview(diagram: Overview) -> str:
    """Return the overview of a series: names and lines only."""
    names = [f"    {_entity(name)}" for _, tables in diagram.clusters for name in tables]
    return _block([*names, *(_line(line, label="") for line in diagram.lines)])


def _block(lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", "erDiagram", *lines, "```"])


def _card(card: Card) -> Iterator[str]:
    yield f"    {_entity(card.title)} {{"
    for row in card.rows:
        keys = ", ".join(mark for mark in row.marks if mark in _KEYS)
        yield f"        {_word(row.type)} {_word(row.name)} {keys}".rstrip()
    yield "    }"


def _line(line: Line, *, label: str) -> str:
    many = "|o" if line.unique else "}o"
    one = "o|" if line.optional else "||"
    stroke = ".." if line.foreign else "--"
    return f"    {_entity(line.child)} {many}{stroke}{one} {_entity(line.parent)} : {_quoted(label)}"


def _entity(name: str) -> str:
    return name if re.fullmatch(r"[a-z][a-z0-9_]*", name) else _quoted(name)


def _quoted(text: str) -> str:
    return '"{}"'.format(re.sub(r'["%\\\n]', "'", text))


def _word(text: str) -> str:
    """Return a type or a name as the one word that Mermaid takes: ``numeric(3_2)`` for ``numeric(3,2)``."""
    word = re.sub(r"[^A-Za-z0-9_()\[\]-]", "_", text)
    return word if word[:1].isalpha() else f"_{word}"
