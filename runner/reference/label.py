"""Write what stands in the boxes of a diagram, as Graphviz' tables, with room for any usual font."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.reference.diagram import Card, Row

INK, FAINT, RULE = "#1c2733", "#5b6c7d", "#dfe7ef"
BAND, ROD, ABROAD = "#24557d", "#6b8299", "#b45309"
_MARKS = {"PK": "#8a6100", "FK": BAND, "DB": ABROAD, "UK": "#3f7032"}

# A reader's font may be wider than Arial: no letter of these is narrower than in DejaVu Sans, the widest of
# the usual ones. In thousandths of the font size: (regular, bold).
_NARROW, _LETTER, _CAPITAL, _BROAD = (460, 530), (640, 720), (840, 860), (1020, 1120)


def of_card(card: Card) -> str:
    """Return a table with its columns; their ports are their numbers with w and e for the sides."""
    widths = (
        max((width(" ".join(row.marks), 8, bold=True) for row in card.rows), default=0),
        max((width(row.name, 11) for row in card.rows), default=0),
        max((width(row.type, 11) for row in card.rows), default=0),
    )
    rows = [_row(number, row, widths) for number, row in enumerate(card.rows)]
    if card.more:
        rest = f"and {card.more} more column{'s' * (card.more > 1)}"
        rows.append(f"<tr>{_cell('', widths[0])}{_cell(_font(rest, FAINT), width(rest, 11), span=2)}</tr>")
    frame = _frame(BAND, "white", padding=4)
    return f"{frame}{_band(card.title)}{''.join(rows)}</table>"


def _frame(color: str, fill: str, *, padding: int, style: str = "solid") -> str:
    return (
        f"<table border='1' cellborder='0' cellspacing='0' cellpadding='{padding}' color='{color}'"
        f" bgcolor='{fill}' style='{style}'>"
    )


def _band(name: str) -> str:
    room = width(name, 13, bold=True) + 8
    return (
        f"<tr><td colspan='3' bgcolor='{BAND}' align='left' width='{room}' port='top'>"
        f"<font point-size='13' color='white'><b>{escape(name)}</b></font></td></tr>"
    )


def _row(number: int, row: Row, widths: Sequence[int]) -> str:
    marks = " ".join(_font(mark, _MARKS[mark], bold=True) for mark in row.marks)
    return (
        "<tr>"
        + _cell(
            f"<font point-size='8'>{marks}</font>" if marks else "", widths[0], port=f"{number}w", low=True
        )
        + _cell(_font(row.name, INK), widths[1])
        + _cell(_font(row.type, FAINT), widths[2], port=f"{number}e")
        + "</tr>"
    )


def _cell(content: str, room: int, *, span: int = 1, port: str = "", low: bool = False) -> str:
    return (
        f"<td sides='T' border='1' color='{RULE}' align='left' colspan='{span}' width='{room + 8}'"
        f" port='{port}' valign='{'bottom' if low else 'middle'}'>{content}</td>"
    )


def _font(text: str, color: str, *, bold: bool = False) -> str:
    shown = escape(text)
    return f"<font color='{color}'>{f'<b>{shown}</b>' if bold else shown}</font>"


def of_stub(name: str, room: int, *, abroad: bool) -> str:
    """Return the name of a table that is described elsewhere, in a box with ``room`` for a text."""
    color, fill, style = (ABROAD, "#fff6e9", "dashed") if abroad else (FAINT, "#eef3f8", "solid")
    return _box(_font(name, color), _frame(color, fill, padding=5, style=style), room)


def of_name(table: str, room: int, *, abroad: bool) -> str:
    """Return the name of a table, in a box with ``room`` for a text."""
    frame = _frame(ABROAD if abroad else BAND, "white", padding=5)
    return _box(_font(table, INK), frame, room)


def _box(content: str, frame: str, room: int) -> str:
    cell = f"<td align='left' width='{room + 10}' port='top'>{content}</td>"
    return f"{frame}<tr>{cell}</tr></table>"


def width(text: str, size: int, *, bold: bool = False) -> int:
    """Return the room in points that a text needs in any usual font."""
    return -(-sum(_room(letter)[bold] for letter in text) * size // 1000)


def _room(letter: str) -> tuple[int, int]:
    if letter in "fijlrtI .,:;!|'\"()[]/\\-":
        return _NARROW
    if letter in "mwMW@%&" or not letter.isascii():
        return _BROAD
    return _CAPITAL if letter.isupper() or letter in "#+<=>^~" else _LETTER
