"""Draw the lines around a place in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.errors import Place


def lines(place: Place) -> Iterable[str]:
    """Return the lines around a place, with a caret under it."""
    gutter = len(str(max((number for number, _ in place.excerpt), default=0)))
    for number, row in place.excerpt:
        yield f"  {number:>{gutter}} | {text.visible(row.expandtabs(4))}"
        if number == place.line:
            before = text.visible(row[: place.caret - 1].expandtabs(4))
            yield f"  {'':>{gutter}} | {' ' * text.columns(before)}^"
