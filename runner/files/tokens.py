"""Find what hides or ends a statement of SQL: strings, comments, quoted names and semicolons."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Letters, digits, _ and everything beyond ASCII; written as what it is not, which compiles in no time.
_IN_NAME = r"[^\0-/:-@\[-\^`{-\x7f]"
_BEGINS_NAME = r"[^\0-@\[-\^`{-\x7f]"
IN_WORD = r"[^\0-#%-/:-@\[-\^`{-\x7f]"  # $ too

# Patterns are compiled when a text first needs them: that takes longer than to read most files.
# One alternative per thing that can hide or end a statement; plain text is skipped between matches.
# A string without a backslash or a doubled quote, the common case, matches whole.
_TOKEN = rf"""(?x)
      '[^'\\]*'(?!') | ' | " | ; | \\ | --[^\r\n]* | /\*
    | \$(?:{_BEGINS_NAME}{_IN_NAME}*)?\$
"""
_QUOTED = r"[^']*+(?:''[^']*+)*+'"
_ESCAPED = r"(?s)[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+'"
_CONTINUED = r"[ \t\f]*+(?:--[^\r\n]*+)?[\r\n](?:[ \t\r\n\f]++|--[^\r\n]*+)*+'"
_DELIMITED = r'[^"]*+(?:""[^"]*+)*+"'
_COMMENT_EDGE = r"/\*|\*/"
_RESTRICT = r"\\(?:un)?restrict\b"
COMMENTS = "-/"  # how they begin, among the tokens


class Refusal(Exception):
    """The text holds, at ``offset``, something that must not be sent."""

    def __init__(self, offset: int, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason
        self.remedy = remedy


def tokens(text: str, begin: int = 0) -> "Iterator[tuple[int, int]]":
    """Yield where each string, comment, quoted name and semicolon behind ``begin`` begins and ends.

    Raises ``Refusal`` for an open quote or a psql command.
    """
    token_of = re.compile(_TOKEN)
    while match := token_of.search(text, begin):
        start, token = match.start(), match.group()
        begin = match.end() if token == ";" else _skip(text, start, token)
        yield start, begin


def _skip(text: str, at: int, token: str) -> int:
    """Return the offset behind the quoted thing or comment that begins at ``at``."""
    match token[0]:
        case "'":
            return _skip_string(text, at, token)
        case "-":
            return at + len(token)
        case '"':
            return _end(_DELIMITED, text, at + 1, at, "quoted name")
        case "/":
            return _skip_comment(text, at)
        case "\\":
            raise _command(text, at)
    if re.match(IN_WORD, text[max(at - 1, 0) : at]):
        return at + 1  # the dollar sign is part of a name
    end = text.find(token, at + len(token))
    if end < 0:
        raise _unterminated(at, f"dollar-quoted string {token}")
    return end + len(token)


def _command(text: str, at: int) -> Refusal:
    restricts = re.compile(_RESTRICT).match(text, at)
    return Refusal(
        at,
        "holds a psql command (a backslash outside quotes)",
        "Delete the two lines \\restrict and \\unrestrict: pg_dump writes them for psql, no SQL needs them."
        if restricts
        else "Write it as plain SQL: the runner and psql must do the same with the file.",
    )


def has_escape_prefix(text: str, at: int) -> bool:
    """Tell whether the string that begins at ``at`` is one in which a backslash escapes."""
    return text[max(at - 1, 0) : at] in ("e", "E") and not re.match(IN_WORD, text[max(at - 2, 0) : at - 1])


def _skip_string(text: str, at: int, token: str) -> int:
    """Skip a string; the prefix E holds for its continuation on the next line, too."""
    if not has_escape_prefix(text, at):
        return at + len(token) if len(token) > 1 else _end(_QUOTED, text, at + 1, at)
    end = _end(_ESCAPED, text, at + 1, at)
    while more := re.compile(_CONTINUED).match(text, end):
        end = _end(_ESCAPED, text, more.end(), at)
    return end


def _end(rest: str, text: str, position: int, at: int, what: str = "string") -> int:
    """Return where what begins at ``at`` ends, by the pattern of its ``rest``."""
    if match := re.compile(rest).match(text, position):
        return match.end()
    raise _unterminated(at, what)


def _skip_comment(text: str, at: int) -> int:
    depth, position = 0, at
    while edge := re.compile(_COMMENT_EDGE).search(text, position):
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
        if depth == 0:
            return position
    raise _unterminated(at, "comment")


def _unterminated(at: int, what: str) -> Refusal:
    return Refusal(at, f"has a {what} that begins here and never ends", "Close it.")
