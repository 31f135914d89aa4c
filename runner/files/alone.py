"""Know a file that runs without a transaction: what it waits for, builds, and may leave half done."""

from __future__ import annotations

import re

from runner.files.hidden import blanked
from runner.files.lexer import scan
from runner.files.outside import NAME, refused

_DROPPED = rf"(?i)\s*drop\s+index\s+concurrently\s+(?:if\s+exists\s+)?((?:{NAME}\s*\.\s*)*{NAME})"
_BUILT = (
    r"(?i)\s*create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?"
    rf"(?:(?!on\s)({NAME})\s*)?on\s+(?:only\s+)?((?:{NAME}\s*\.\s*)*)({NAME})"
)


def waits_for_others(text: str) -> bool:
    """Tell whether a file without a transaction waits for others on purpose, and would leave a wreck."""
    return any((refused(one, text) or "").endswith("concurrently") for one in scan(text).statements)


def indexes(text: str) -> tuple[str | None, str | None]:
    """Return the index that a file builds or drops concurrently, and the table it is built on.

    As SQL writes them; ``None`` for what the file does not say.
    """
    text = blanked(text)
    if dropped := re.match(_DROPPED, text):
        return dropped[1], None
    if built := re.match(_BUILT, text):
        index, schema, table = built.groups()
        return index and f"{schema or ''}{index}", f"{schema or ''}{table}"
    return None, None


def detaches(text: str) -> bool:
    """Tell whether such a file would leave a partition half detached."""
    return any(refused(one, text) == "detach partition concurrently" for one in scan(text).statements)


def commits_itself(text: str) -> bool:
    """Tell whether the statement of such a file may have committed a part when it fails."""
    return any(one.word in ("do", "call") for one in scan(text).statements)
