"""Write diagrams for Graphviz, which lays them out."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.reference.diagram import Card, Diagram, Line, Overview, Row

    Ports = Mapping[str, Sequence[str]]  # the columns shown of a table, in order

_FONT = "Helvetica,Arial,sans-serif"
_PAPER, _INK, _FAINT, _RULE = "#fbfcfe", "#1c2733", "#66788a", "#dfe7ef"
_BAND, _ROD, _ABROAD = "#24557d", "#6b8299", "#b45309"
_MARKS = {"PK": "#8a6100", "FK": _BAND, "DB": _ABROAD, "UK": "#3f7032"}

# Graphviz measures with the fonts it finds, a reader's may be wider: cells are made for the widest usual one.
_EM = 0.64


def group(diagram: Diagram) -> str:
    """Return the diagram of one migration file, with columns."""
    nodes = [_card(card) for card in diagram.cards]
    nodes += [_stub(name, _FAINT, "#eef3f8") for name in diagram.stubs]
    nodes += [_stub(name, _ABROAD, "#fff6e9", style="dashed") for name in diagram.foreign_stubs]
    ports = {card.title: [row.name for row in card.rows] for card in diagram.cards}
    return _graph(diagram.name, [*nodes, *(_line(line, ports) for line in diagram.lines)])


def overview(diagram: Overview) -> str:
    """Return the overview of a series: names in a box per file, and lines."""
    boxes = []
    for number, (label, tables) in enumerate(diagram.clusters):
        names = "\n".join(_name(table, abroad=table in diagram.abroad) for table in tables)
        boxes.append(
            f"subgraph cluster_{number} {{\n"
            f"label=<<font point-size='11' color='{_FAINT}'>{escape(label)}</font>>\n"
            f'labeljust=l color="{_RULE}" bgcolor="#f3f7fb" margin=12\n{names}\n}}'
        )
    return _graph(diagram.series, [*boxes, *(_line(line, {}) for line in diagram.lines)])


def _graph(name: str, body: Iterable[str]) -> str:
    return "\n".join(
        [
            f"digraph {_quoted(name)} {{",
            f'graph [rankdir=LR bgcolor="{_PAPER}" pad=0.25 nodesep=0.35 ranksep=0.9 fontname="{_FONT}"]',
            f'node [shape=plain fontname="{_FONT}" fontsize=11 fontcolor="{_INK}"]',
            f'edge [dir=both color="{_ROD}" penwidth=1.2 arrowsize=0.8]',
            *body,
            "}",
            "",
        ]
    )


def _card(card: Card) -> str:
    widths = (
        max((_width(" ".join(row.marks), 8) for row in card.rows), default=0),
        max((_width(row.name, 11) for row in card.rows), default=0),
        max((_width(row.type, 11) for row in card.rows), default=0),
    )
    rows = [_row(number, row, widths) for number, row in enumerate(card.rows)]
    if card.more:
        rest = _font(f"… {card.more} more column{'s' * (card.more > 1)}", _FAINT)
        rows.append(f"<tr>{_cell('', widths[0])}{_cell(rest, 0, span=2)}</tr>")
    return f"{_quoted(card.title)} [label=<{_frame(_BAND)}{_band(card.title, _BAND)}{''.join(rows)}</table>>]"


def _frame(color: str, *, style: str = "solid") -> str:
    return (
        f"<table border='1' cellborder='0' cellspacing='0' cellpadding='4' color='{color}' bgcolor='white'"
        f" style='{style}'>"
    )


def _band(name: str, color: str) -> str:
    return (
        f"<tr><td colspan='3' bgcolor='{color}' align='left' width='{_width(name, 13)}' port='top'>"
        f"<font point-size='13' color='white'><b>{escape(name)}</b></font></td></tr>"
    )


def _row(number: int, row: Row, widths: Sequence[int]) -> str:
    marks = " ".join(_font(mark, _MARKS[mark], bold=True) for mark in row.marks)
    return (
        "<tr>"
        + _cell(f"<font point-size='8'>{marks}</font>" if marks else "", widths[0], port=f"{number}w")
        + _cell(_font(row.name, _INK), widths[1])
        + _cell(_font(row.type, _FAINT), widths[2], port=f"{number}e")
        + "</tr>"
    )


def _cell(content: str, width: int, *, span: int = 1, port: str = "") -> str:
    return (
        f"<td sides='T' border='1' color='{_RULE}' align='left' colspan='{span}' width='{width}'"
        f" port='{port}'>{content}</td>"
    )


def _font(text: str, color: str, *, bold: bool = False) -> str:
    shown = escape(text)
    return f"<font color='{color}'>{f'<b>{shown}</b>' if bold else shown}</font>"


def _stub(name: str, color: str, fill: str, *, style: str = "solid") -> str:
    return (
        f"{_quoted(name)} [label=<<table border='1' cellborder='0' cellspacing='0' cellpadding='6'"
        f" color='{color}' bgcolor='{fill}' style='{style}'><tr><td width='{_width(name, 11)}' port='top'>"
        f"<font color='{color}'>{escape(name)}</font></td></tr></table>>]"
    )


def _name(table: str, *, abroad: bool) -> str:
    color = _ABROAD if abroad else _BAND
    return (
        f"{_quoted(table)} [label=<<table border='1' cellborder='0' cellspacing='0' cellpadding='5'"
        f" color='{color}' bgcolor='white'><tr><td width='{_width(table, 11)}' port='top'>"
        f"{escape(table)}</td></tr></table>>]"
    )


def _line(line: Line, ports: Ports) -> str:
    child = _end(line.child, line.columns[0], ports, "w")
    parent = _end(line.parent, line.parent_columns[0], ports, "e")
    many = "teeodot" if line.unique else "crowodot"
    one = "teeodot" if line.optional else "teetee"
    look = f' color="{_ABROAD}" style=dashed' if line.foreign else ""
    return f"{parent} -> {child} [arrowtail={one} arrowhead={many}{look}]"


def _end(table: str, column: str, ports: Ports, side: str) -> str:
    """Return where a line ends: at the row of its column, left or right, or at the table's name."""
    rows = ports.get(table, ())
    port = f"{rows.index(column)}{side}" if column in rows else "top"
    return f"{_quoted(table)}:{_quoted(port)}:{side}"


def _width(text: str, size: int) -> int:
    return round(len(text) * size * _EM)


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '\\"'))
