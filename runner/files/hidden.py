"""Take a text apart into what counts as code, and what hides in it: comments, strings and quoted names."""

from __future__ import annotations

import re

from runner.files.tokens import COMMENTS, Refusal, has_escape_prefix, tokens

_IN_NAME = "$"  # a dollar sign that quotes nothing
_STRING = "'…'"
_DEEPEST = 50
_AS = re.compile(r"\bas\s*\Z", re.IGNORECASE)


def blanked(text: str, *, depth: int = 0) -> str:
    """Return a text of the same length with blanks for its comments, those in dollar-quoted bodies as well.

    Strings stay: a block may execute them. A text, or a body, that cannot be scanned stays as it is, and so
    does one within more dollar quotes than anybody writes; ``depth`` is how many there are around this one.
    """
    if depth > _DEEPEST:
        return text
    parts, position = [], 0
    try:
        for start, end in tokens(text):
            parts += [text[position:start], _seen(text[start:end], depth)]
            position = end
    except Refusal:
        return text
    return "".join((*parts, text[position:]))


def _seen(token: str, depth: int) -> str:
    if token[0] in COMMENTS:
        return " " * len(token)
    if not token.startswith("$") or token == _IN_NAME:
        return token
    quote = _quote(token)
    return f"{token[:quote]}{blanked(token[quote:-quote], depth=depth + 1)}{token[-quote:]}"


def _quote(token: str) -> int:
    """Return how long the quote of a string is."""
    return 1 if token[0] == "'" else token.index("$", 1) + 1


def has_backslash(text: str) -> bool:
    """Tell whether a string without the prefix E holds a backslash; not in a text that cannot be scanned."""
    try:
        strings = [start for start, end in tokens(text) if text[start] == "'" and "\\" in text[start:end]]
    except Refusal:
        return False
    return any(not has_escape_prefix(text, start) for start in strings)


def veiled(text: str) -> str:
    """Return somebody's query, which may be cut off, without its strings, and without comments that quote.

    Behind a backslash in a string without the prefix E nothing is certain: by a setting of the session it
    escapes what follows.
    """
    parts: list[str] = []
    position = 0
    try:
        for start, end in tokens(text):
            token = text[start:end]
            parts.append(text[position:start])
            if token.startswith("'") and "\\" in token and not has_escape_prefix(text, start):
                return "".join((*parts, f"{_STRING} …"))
            parts.append(_veil(token))
            position = end
    except Refusal as refusal:
        open_ = refusal.offset
        return "".join((*parts, text[position:open_], _STRING if text[open_] in "'$" else "…"))
    return "".join((*parts, text[position:]))


def _veil(token: str) -> str:
    if token.startswith(("'", "$")):
        return token if token == _IN_NAME else _STRING
    return "/*…*/" if token.startswith("--") or re.match(r"(?s)/\*.*['\"$]", token) else token


def body(text: str) -> tuple[int, int] | None:
    """Return where the body in a statement begins, behind its quote, and where it ends.

    It is the first string behind ``as``, else the longest of all.
    """
    strings = [
        (start, end)
        for start, end in tokens(text)
        if text[start:end].startswith(("'", "$")) and text[start:end] != _IN_NAME
    ]
    if not strings:
        return None
    longest = max(strings, key=lambda one: one[1] - one[0])
    start, end = next((one for one in strings if _AS.search(text[: one[0]])), longest)
    quote = _quote(text[start:end])
    return start + quote, end - quote
