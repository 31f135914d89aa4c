"""Find characters that nobody sees: PostgreSQL takes them for letters of a name."""

from __future__ import annotations

import re

from runner.files.tokens import Refusal, tokens

# Control characters beyond ASCII, blanks other than its own, what only directs the text (Unicode's categories
# Cc, Zs, Zl, Zp, Cf without the signs among them that are drawn), and what else Unicode calls ignorable.
_INVISIBLE = (  # compiled where a text has any beyond ASCII
    "[\x80-\xa0\xad\u034f\u061c\u070f\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_ASCII = bytes(range(128))


def check(text: str) -> None:
    """Raise ``Refusal`` at the first one outside strings, comments and quoted names."""
    if text.isascii() or not re.search(_INVISIBLE, text.encode().translate(None, _ASCII).decode()):
        return  # a fast way to few
    position = 0
    for start, end in (*tokens(text), (len(text), len(text))):
        if found := re.compile(_INVISIBLE).search(text, position, start):
            raise _refusal(found[0], found.start())
        position = end


def _refusal(letter: str, at: int) -> Refusal:
    import unicodedata  # noqa: PLC0415 - failures only

    return Refusal(
        at,
        f"holds a character that nobody sees, U+{ord(letter):04X} "
        f"({unicodedata.name(letter, 'a control character')})",
        "Put a blank in its place, or nothing: PostgreSQL takes it for a letter of a name. A name that "
        "is to hold it stands in double quotes.",
    )
