"""Find characters that nobody sees: PostgreSQL takes them for letters of a name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.files.lexer import Refusal, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    import unicodedata  # noqa: PLC0415 - failures only

    for at in _found(text):
        name = unicodedata.name(text[at], "a control character")
        raise Refusal(
            at,
            f"holds a character that nobody sees, U+{ord(text[at]):04X} ({name})",
            "Put a blank in its place, or nothing: PostgreSQL takes it for a letter of a name. A name that "
            "is to hold it stands in double quotes.",
        )


def _found(text: str) -> Iterator[int]:
    position = 0
    for start, end in (*tokens(text), (len(text), len(text))):
        if found := re.compile(_INVISIBLE).search(text, position, start):
            yield found.start()
        position = end
