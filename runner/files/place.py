"""Turn an offset into a text into a place that people can find."""

from __future__ import annotations

import re

from runner.errors import Place

_CONTEXT_LINES = 2
_WIDEST_LINE = 160
# What is a password: a string behind that word, also within another string, and what connects elsewhere.
_SECRET = r"""(?isx)
      ( \bconnection\s+e?'[^']*?password\s*=\s* ) [^\s']+
    | ( ://[^\s:/@']*: ) [^\s@']+ (?=@)
    | ( password\s+ (?:e(?='))? ) (?: ''[^'\n]+'' | '(?:[^'\\\n]|\\.|'')*'? | \$(\w*)\$.*?(?:\$\4\$|$) )
"""


def locate(text: str, offset: int, *, path: str) -> Place:
    """Turn a character offset into a place with the lines around it.

    An offset at the end of the text is moved to the last line that holds something.
    """
    offset = min(offset, len(text.rstrip()))
    head = text[:offset]
    line = head.count("\n") + head.count("\r") - head.count("\r\n") + 1
    column = offset - max(head.rfind("\n"), head.rfind("\r"))
    first = max(line - _CONTEXT_LINES, 1)
    window = max(column - _WIDEST_LINE // 2, 0) if column > _WIDEST_LINE else 0
    rows = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    around = rows[first - 1 : line + 1]
    at = sum(len(row) + 1 for row in rows[first - 1 : line - 1]) + column - 1
    around = _hidden("\n".join(around), at).split("\n")
    excerpt = tuple((first + i, row[window : window + _WIDEST_LINE]) for i, row in enumerate(around))
    return Place(path, line, column, excerpt, caret=column - window)


def _hidden(text: str, at: int) -> str:
    """Return a text of the same length without its passwords, but the one that an error points at."""

    def hide(found: re.Match[str]) -> str:
        begin = max(found.end(group) for group in (1, 2, 3))
        if begin <= at < found.end():
            return found[0]
        return text[found.start() : begin] + re.sub(r"[^'$\n]", "*", text[begin : found.end()])

    return re.sub(_SECRET, hide, text)
