"""Write diagrams for Graphviz, which lays them out."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from runner.reference import label, text
from runner.reference.diagram import Diagram

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from runner.reference.diagram import Line, Overview

    Ports = Mapping[str, Sequence[str]]  # the columns shown of a table, in order
    Pair = tuple[str, str]  # two nodes, the second at the right of the first

FONT = "Arial"  # the font whose widths Graphviz knows without asking the machine
_ACROSS = (1, 2, 3, 4)  # how many ranks share the leaves of a table
_CROWD = 6  # more lines to one card than these could not be told apart


class Sketch(NamedTuple):
    """A part of a picture in several layouts, one of which is to be taken; ``title`` stands above it."""

    title: str | None
    layouts: tuple[str, ...]


def group(diagram: Diagram) -> tuple[Sketch, ...]:
    """Return the diagram of one migration file: a part for all cards that lines connect.

    A table that has no card here, or that very many point at, is a stub beside each card that points at it.
    """
    pairs = {(line.child, line.parent) for line in diagram.lines}
    pointed_at = Counter(parent for child, parent in pairs if child != parent)
    here = {card.title for card in diagram.cards if pointed_at[card.title] <= _CROWD}
    return tuple(Sketch(None, _layouts(partial(_group, part, here))) for part in _parts(diagram, here))


def overview(diagram: Overview) -> tuple[Sketch, ...]:
    """Return the overview of a series: a part for each file, which names the tables of others as stubs.

    That a table points at itself is left to the diagram of its file.
    """
    return tuple(
        Sketch(file, _layouts(partial(_names, diagram, tables))) for file, tables in diagram.clusters
    )


def _layouts(write: Callable[[int], str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(write, _ACROSS)))


def _parts(diagram: Diagram, here: Container[str]) -> Iterator[Diagram]:
    """Yield the cards that lines connect, together, in the order of the first."""
    pairs = [{line.child, line.parent} for line in diagram.lines if _is_here(line, here)]
    left = {card.title: card for card in diagram.cards}
    while left:
        found = {next(iter(left))}
        while more := set().union(*(pair for pair in pairs if pair & found)) - found:
            found |= more
        cards = tuple(left.pop(name) for name in list(left) if name in found)
        yield Diagram(diagram.name, cards, tuple(line for line in diagram.lines if line.child in found))


def _is_here(line: Line, here: Container[str]) -> bool:
    return line.parent in here and line.parent != line.child and not line.foreign


def _node_of(line: Line, here: Container[str], part: str) -> str:
    """Return the node where a line begins: the parent itself, or its stub in this part."""
    if _is_here(line, here):
        return line.parent
    return f"{line.child} >" if line.parent == line.child else f"{part} > {line.parent}"


def _group(diagram: Diagram, here: Container[str], across: int) -> str:
    ports = {card.title: [row.name for row in card.rows] for card in diagram.cards}
    ends = {line: _node_of(line, here, line.child) for line in diagram.lines}
    pairs = [(parent, line.child) for line, parent in ends.items() if _is_here(line, here)]
    lengths = _lengths(pairs, across)
    return _graph(
        [
            *(_node(card.title, label.of_card(card)) for card in diagram.cards),
            *_stubs(ends, 0),
            *(_line(line, parent, ports, lengths) for line, parent in ends.items()),
        ]
    )


def _names(diagram: Overview, tables: Sequence[str], across: int) -> str:
    lines = [line for line in diagram.lines if line.child in tables and line.child != line.parent]
    ends = {line: _node_of(line, tables, "") for line in lines}
    pairs = [(parent, line.child) for line, parent in ends.items()]
    linked = {name for pair in pairs for name in pair}
    free = [table for table in tables if table not in linked]
    # Graphviz puts what is not connected upside down.
    nodes = [*reversed(free), *(table for table in tables if table in linked)]
    lengths = _lengths(pairs, across)
    room = max(label.width(name, 11) for _, names in diagram.clusters for name in names)
    return _graph(
        [
            *(_node(t, label.of_name(t, room, abroad=t in diagram.abroad)) for t in nodes),
            *_stubs(ends, room),
            *_rows(free, across),
            *(_line(line, parent, {}, lengths) for line, parent in ends.items()),
        ]
    )


def _graph(body: Iterable[str]) -> str:
    return "\n".join(
        [
            "digraph {",
            "graph [rankdir=LR bgcolor=transparent pad=0 margin=0 nodesep=0.25 ranksep=0.6]",
            f'node [shape=plain fontname="{FONT}" fontsize=11]',
            f'edge [dir=both color="{label.ROD}" penwidth=1.2 arrowsize=0.8]',
            *(line.translate(text.CONTROLS) for line in body),
            "}",
            "",
        ]
    )


def _stubs(ends: Mapping[Line, str], room: int) -> Iterator[str]:
    """Yield boxes of one width for parents that are not in this part, or are the child itself."""
    stubs = {node: line for line, node in ends.items() if node != line.parent}
    names = {node: "itself" if line.parent == line.child else line.parent for node, line in stubs.items()}
    room = max([room, *(label.width(name, 11) for name in names.values())])
    for node, line in stubs.items():
        yield _node(node, label.of_stub(names[node], room, abroad=line.foreign))


def _lengths(pairs: Sequence[Pair], across: int) -> dict[Pair, int]:
    """Spread the leaves that have the same parents over ranks, so that many do not make a tower."""
    parents: dict[str, set[str]] = {}
    for parent, child in pairs:
        parents.setdefault(child, set()).add(parent)
    inner = {parent for parent, _ in pairs}
    places: Counter[frozenset[str]] = Counter()
    lengths: dict[Pair, int] = {}
    for child in (child for child in parents if child not in inner):
        siblings = frozenset(parents[child])
        lengths |= {(parent, child): 1 + places[siblings] % across for parent in siblings}
        places[siblings] += 1
    return lengths


def _rows(free: Sequence[str], across: int) -> Iterator[str]:
    """Put tables without a line into rows."""
    for start in range(0, len(free), across):
        for left, right in pairwise(free[start : start + across]):
            yield f"{_quoted(left)} -> {_quoted(right)} [style=invis]"


def _node(node: str, table: str) -> str:
    return f"{_quoted(node)} [label=<{table}>]"


def _line(line: Line, parent: str, ports: Ports, lengths: Mapping[Pair, int]) -> str:
    many = "teeodot" if line.unique else "crowodot"
    one = "teeodot" if line.optional else "teetee"
    look = f' color="{label.ABROAD}" style=dashed' if line.foreign else ""
    start = _end(parent, line.parent_columns[0], ports, "e")
    end = _end(line.child, line.columns[0], ports, "w")
    length = lengths.get((parent, line.child), 1)
    return f"{start} -> {end} [arrowtail={one} arrowhead={many} minlen={length}{look}]"


def _end(table: str, column: str, ports: Ports, side: str) -> str:
    """Return where a line ends: at the row of its column, left or right, or at the table's name."""
    rows = ports.get(table, ())
    port = f"{rows.index(column)}{side}" if column in rows else "top"
    return f"{_quoted(table)}:{_quoted(port)}:{side}"


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))
