"""Compute the checksum of a migration: the rule, written once and never changed.

``sha256:`` names version one of the rule. The digest is taken over the UTF-8 bytes of a *canonical
text*, so that an editor, a checkout on another system or a formatter's last newline changes nothing:

1. a byte order mark at the beginning is dropped;
2. CR LF and lone CR become LF;
3. blanks and tabs at the end of each line are dropped;
4. empty lines at the end are dropped and one newline ends the text.

Anything else, a comment included, changes the checksum. A different rule would get another prefix,
so that a ledger written with this one stays readable for ever (Flyway needed years to leave a rule
that counted line ends).
"""

from __future__ import annotations

import hashlib

PREFIX = "sha256:"


def canonical(text: str) -> str:
    """Return the text the checksum is taken over."""
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Few files have such lines, so few are taken apart; and a single letter is looked for faster than two.
    if " \n" in text or ("\t" in text and "\t\n" in text):
        text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return text.rstrip(" \t\n") + "\n"


def checksum(text: str) -> str:
    """Return the checksum of a migration's text, prefix included."""
    return PREFIX + hashlib.sha256(canonical(text).encode()).hexdigest()
