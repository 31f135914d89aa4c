"""Split SQL text into statements with positions, and refuse what a migration may not contain.

The lexical rules are those of PostgreSQL (manual, section 4.1) with ``standard_conforming_strings``
on. Every position is a character offset into the text. Nothing here talks to a server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import FileRefused
from runner.place import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

_IDENTIFIER = r"A-Za-z0-9_\u0080-\U0010ffff"

# One alternative per thing that can hide or end a statement; plain text is skipped between matches.
# A string without a backslash or a doubled quote, the common case, matches whole.
_TOKEN = re.compile(
    rf"""
      '[^'\\]*'(?!') | ' | " | ; | \\ | --[^\r\n]* | /\*
    | \$(?:[A-Za-z_\u0080-\U0010ffff][{_IDENTIFIER}]*)?\$
    """,
    re.VERBOSE,
)
_QUOTED = re.compile(r"[^']*+(?:''[^']*+)*+'")
_ESCAPED = re.compile(r"[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+'", re.DOTALL)
_CONTINUED = re.compile(r"[ \t\f]*+(?:--[^\r\n]*+)?[\r\n](?:[ \t\r\n\f]++|--[^\r\n]*+[\r\n])*+'")
_DELIMITED = re.compile(r'[^"]*+(?:""[^"]*+)*+"')
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_NAME_CHARACTER = re.compile(rf"[{_IDENTIFIER}$]")
_NOT_BLANK = re.compile(r"\S")

_ROUTINE = re.compile(r"\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\b", re.IGNORECASE)
_ATOMIC = re.compile(r"\bbegin\s+atomic\b", re.IGNORECASE)
_NESTING = re.compile(
    rf"(?<![{_IDENTIFIER}$])(?:(begin\s+atomic|case)|end)(?![{_IDENTIFIER}$])", re.IGNORECASE
)
_TRANSACTION = re.compile(
    r"(?:begin|commit|end|rollback|abort|savepoint|release|start\s+transaction|prepare\s+transaction)\b",
    re.IGNORECASE,
)
_CLIENT_COPY = re.compile(r"copy\b.*\b((?:from|to)\s+std(?:in|out))\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: ``start`` is its first word, ``end`` lies behind its semicolon.

    ``code`` is its text without the semicolon, of the same length, with comments blanked out, and
    strings and quoted names behind their first character.
    """

    start: int
    end: int
    code: str


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the scanner found in one text; ``comments`` are (start, end) offsets."""

    statements: tuple[Statement, ...]
    comments: tuple[tuple[int, int], ...]


class Refusal(Exception):
    """The text holds, at ``offset``, something that must not be sent."""

    def __init__(self, offset: int, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason
        self.remedy = remedy


def check(text: str, *, path: str, single: bool = False) -> Script:
    """Scan a migration that is about to be sent. Raises ``FileRefused`` with the first place in the file.

    ``single`` asks for exactly one statement: PostgreSQL runs several in one message as a transaction.
    """
    statements: list[Statement] = []
    comments: list[tuple[int, int]] = []
    try:
        for statement in _statements(text, comments):
            _check_statement(statement)  # at once: what follows copy from stdin is no SQL
            statements.append(statement)
        if single and len(statements) > 1:
            raise Refusal(
                statements[1].start,
                "is to run without a transaction, but holds more than one statement",
                "Put each such statement into a file of its own.",
            )
        if not statements:
            raise Refusal(0, "holds no statement", "Write one, or delete the file.")
    except Refusal as refusal:
        raise FileRefused(
            f"{path} {refusal.reason}.",
            remedy=refusal.remedy,
            place=locate(text, refusal.offset, path=path),
        ) from refusal
    return Script(tuple(statements), tuple(comments))


def _check_statement(statement: Statement) -> None:
    if control := _TRANSACTION.match(statement.code):
        raise Refusal(
            statement.start,
            f"controls the transaction ({' '.join(control.group().lower().split())})",
            "Remove it: the runner, or psql -1, begins and commits around the file.",
        )
    if copy := _CLIENT_COPY.match(statement.code):
        raise Refusal(
            statement.start,
            f"copies {' '.join(copy.group(1).lower().split())}, which only a client can serve",
            "Use insert, or copy a file that lies on the server.",
        )


def scan(text: str) -> Script:
    """Split ``text`` into statements. Raises ``Refusal`` for an open quote or a psql command."""
    comments: list[tuple[int, int]] = []
    statements = tuple(_statements(text, comments))
    return Script(statements, tuple(comments))


def _statements(text: str, comments: list[tuple[int, int]]) -> Iterator[Statement]:
    """Yield the statements of ``text``, and note its comments on the way."""
    code: list[str] = []
    position = begin = 0
    while match := _TOKEN.search(text, position):
        token, at = match.group(), match.start()
        code.append(text[position:at])
        if token == ";":
            position = match.end()
            joined = "".join(code)
            if _goes_on(joined):
                code = [joined, ";"]
                continue
            yield from _statement(joined, begin, position)
            begin, code = position, []
            continue
        position = _skip(text, at, token)
        hidden = " " * (position - at)
        if token.startswith(("--", "/*")):
            comments.append((at, position))
        else:
            hidden = token[0] + hidden[1:]
        code.append(hidden)
    yield from _statement("".join((*code, text[position:])), begin, len(text))


def _statement(code: str, begin: int, end: int) -> tuple[Statement, ...]:
    first = _NOT_BLANK.search(code)
    if first is None:
        return ()
    return (Statement(begin + first.start(), end, code[first.start() :]),)


def _goes_on(code: str) -> bool:
    """Tell whether a semicolon after ``code`` stands inside parentheses or an SQL-standard routine body."""
    if code.count("(") > code.count(")"):
        return True
    if not _ROUTINE.match(code) or not (body := _ATOMIC.search(code)):
        return False
    nesting = _NESTING.finditer(code, body.start())
    return sum(1 if match.group(1) else -1 for match in nesting) > 0


def _skip(text: str, at: int, token: str) -> int:
    """Return the offset behind the quoted thing or comment that begins at ``at``."""
    match token[0]:
        case "'":
            return _skip_string(text, at, token)
        case "-":
            return at + len(token)
        case '"':
            return _end(_DELIMITED.match(text, at + 1), at, "quoted name")
        case "/":
            return _skip_comment(text, at)
        case "\\":
            raise Refusal(
                at,
                "holds a psql command (a backslash outside quotes)",
                "Write it as plain SQL: the runner and psql must do the same with the file.",
            )
    if _NAME_CHARACTER.match(text[max(at - 1, 0) : at]):
        return at + 1  # the dollar sign is part of a name
    end = text.find(token, at + len(token))
    if end < 0:
        raise _unterminated(at, f"dollar-quoted string {token}")
    return end + len(token)


def _has_escape_prefix(text: str, at: int) -> bool:
    return text[max(at - 1, 0) : at] in ("e", "E") and not _NAME_CHARACTER.match(
        text[max(at - 2, 0) : at - 1]
    )


def _skip_string(text: str, at: int, token: str) -> int:
    """Skip a string; the prefix E holds for its continuation on the next line, too."""
    if not _has_escape_prefix(text, at):
        return at + len(token) if len(token) > 1 else _end(_QUOTED.match(text, at + 1), at, "string")
    end = _end(_ESCAPED.match(text, at + 1), at, "string")
    while more := _CONTINUED.match(text, end):
        end = _end(_ESCAPED.match(text, more.end()), at, "string")
    return end


def _end(match: re.Match[str] | None, at: int, what: str) -> int:
    if match is None:
        raise _unterminated(at, what)
    return match.end()


def _skip_comment(text: str, at: int) -> int:
    depth, position = 0, at
    while edge := _COMMENT_EDGE.search(text, position):
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
        if depth == 0:
            return position
    raise _unterminated(at, "comment")


def _unterminated(at: int, what: str) -> Refusal:
    return Refusal(at, f"has a {what} that begins here and never ends", "Close it.")
