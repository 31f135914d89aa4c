"""Draw lines of SQL: those around a place in a file, and those of a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.errors import Place

_TAB = 4
SIGNS = {"+": "green", "-": "red", "@": "cyan", " ": None}  # of a diff, with their colours


def lines(place: Place, *, width: int | None = None) -> Iterable[str]:
    """Return the lines around a place, with a caret under it; in ``width`` columns the part around it."""
    gutter = len(str(max((number for number, _ in place.excerpt), default=0)))
    room = None if width is None else max(width - gutter - 5, 8)
    before = [_drawn(row[: place.caret - 1]) for number, row in place.excerpt if number == place.line]
    caret = text.columns(before[0]) if before else 0
    start = 0 if room is None or caret < room - 1 else caret - room * 2 // 3
    for number, row in place.excerpt:
        yield f"  {number:>{gutter}} | {text.part(_drawn(row), room, start=start)}".rstrip()
        if number == place.line:
            yield f"  {'':>{gutter}} | {' ' * (caret - start)}^"


def _drawn(row: str) -> str:
    return text.visible(row.expandtabs(_TAB))


def difference(notes: Iterable[str], *, width: int | None = None) -> Iterable[tuple[str, str | None]]:
    """Return the lines of a diff with their styles; one that is too long goes on behind its sign and …."""
    for note in map(text.visible, notes):
        style = SIGNS.get(note[:1])
        rest, mark = note, ""
        while rest:
            now = rest if width is None else text.head(rest, max(width - text.columns(mark), 8))
            if now != rest and (blank := now.rfind(" ")) > len(now) // 2:
                now = now[: blank + 1]
            yield (mark + now).rstrip() if now != note else now, style
            rest, mark = rest[len(now) :], f"{note[:1]}… "
