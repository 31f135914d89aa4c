"""Measure and mend text for a terminal: what it shows, and how many columns that takes."""

from __future__ import annotations


def visible(text: str) -> str:
    """Return the text with control characters written out, so that a terminal does not obey them."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def columns(text: str) -> int:
    """Return how many columns a terminal needs: an ideograph takes two, a combining mark none."""
    import unicodedata  # noqa: PLC0415 - errors only

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
