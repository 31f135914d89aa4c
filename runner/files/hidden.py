"""Take a text apart into what counts as code, and what hides in it: comments, strings and quoted names."""

from __future__ import annotations

from runner.files.lexer import Refusal, bare

_COMMENT = ("--", "/*")


def blanked(text: str) -> str:
    """Return a text of the same length with blanks for its comments, those in dollar-quoted bodies as well.

    Strings stay: a block may execute them. A text, or a body, that cannot be scanned stays as it is.
    """
    parts, position = [], 0
    try:
        for start, end in bare(text):
            parts += [_seen(text[position:start]), text[start:end]]
            position = end
    except Refusal:
        return text
    return "".join(parts)


def _seen(token: str) -> str:
    if token.startswith(_COMMENT):
        return " " * len(token)
    if not token.startswith("$"):
        return token
    quote = len(token) - len(token[1:].partition("$")[2])
    return f"{token[:quote]}{blanked(token[quote:-quote])}{token[-quote:]}"


def body(text: str) -> tuple[int, int] | None:
    """Return where the longest string of a statement begins, behind its quote, and where it ends."""
    found, position = [], 0
    for start, end in bare(text):
        token = text[position:start]
        if token.startswith(("'", "$")):
            quote = 1 if token[0] == "'" else len(token) - len(token[1:].partition("$")[2])
            found.append((position + quote, start - quote))
        position = end
    return max(found, key=lambda one: one[1] - one[0], default=None)
