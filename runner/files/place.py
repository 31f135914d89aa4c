"""Turn an offset into a text into a place that people can find."""

from __future__ import annotations

from runner.errors import Place
from runner.files.mask import masked

_CONTEXT_LINES = 2
WIDEST_LINE = 160


def locate(text: str, offset: int, *, path: str) -> Place:
    """Turn a character offset into a place with the lines around it.

    An offset at the end of the text is moved to the last line that holds something.
    """
    offset = min(offset, len(text.rstrip()))
    head = text[:offset]
    line = head.count("\n") + head.count("\r") - head.count("\r\n") + 1
    column = offset - max(head.rfind("\n"), head.rfind("\r"))
    first = max(line - _CONTEXT_LINES, 1)
    window = max(column - WIDEST_LINE // 2, 0) if column > WIDEST_LINE else 0
    text = masked(text, besides=offset).replace("\r\n", "\n").replace("\r", "\n")
    rows = text.removesuffix("\n").split("\n")
    around = rows[first - 1 : line + 1]
    excerpt = tuple((first + i, row[window : window + WIDEST_LINE]) for i, row in enumerate(around))
    return Place(path, line, column, excerpt, caret=column - window)
