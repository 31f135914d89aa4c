"""Split SQL text into statements: every string, comment and nested semicolon in its place."""

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Letters, digits, _ and everything beyond ASCII; written as what it is not, which compiles in no time.
_IN_NAME = r"[^\0-/:-@\[-\^`{-\x7f]"
_BEGINS_NAME = r"[^\0-@\[-\^`{-\x7f]"
_IN_WORD = r"[^\0-#%-/:-@\[-\^`{-\x7f]"  # $ too

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

_ROUTINE = r"(?i)\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\b"
_ATOMIC = r"(?i)\bbegin\s+atomic\b"
_NESTING = rf"(?i)(?<!{_IN_WORD})(?:(begin\s+atomic|case)|end)(?!{_IN_WORD})"


class Statement(NamedTuple):  # as in model: it starts faster
    """One statement: ``start`` is its first word, ``end`` lies behind its semicolon.

    ``code`` is its text without the semicolon, of the same length, with comments blanked out, and
    strings and quoted names behind their first character.
    """

    start: int
    end: int
    code: str

    @property
    def word(self) -> str:
        """The first word, in small letters."""
        word = re.match(r"\w*", self.code)
        return word.group().lower() if word else ""


class Script(NamedTuple):  # as in model: it starts faster
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


def scan(text: str) -> Script:
    """Split ``text`` into statements. Raises ``Refusal`` for an open quote or a psql command."""
    found: list[Statement] = []
    comments: list[tuple[int, int]] = []
    position = 0
    while position < len(text):
        statement, position = read(text, position, comments)
        if statement:
            found.append(statement)
    return Script(tuple(found), tuple(comments))


def statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of a text; none of one that cannot be scanned: who sends the file says so."""
    try:
        return scan(text).statements
    except Refusal:
        return ()


def read(text: str, begin: int, comments: list[tuple[int, int]]) -> tuple[Statement | None, int]:
    """Return the statement that begins at ``begin``, none if it is empty, and the offset behind it.

    Its comments are added to ``comments``. Raises ``Refusal``.
    """
    segments: list[str] = []  # from semicolon to semicolon
    code: list[str] = []
    nesting = _Nesting()
    position = begin
    for start, end in tokens(text, begin):
        code.append(text[position:start])
        position = end
        letter = text[start]
        if letter == ";":
            segments.append("".join(code))
            if not nesting.goes_on(segments[-1]):
                return _statement(";".join(segments), begin, end), end
            code = []
        elif letter in COMMENTS:
            comments.append((start, end))
            code.append(" " * (end - start))
        else:
            code.append(letter + " " * (end - start - 1))
    segments.append("".join((*code, text[position:])))
    return _statement(";".join(segments), begin, len(text)), len(text)


def tokens(text: str, begin: int = 0) -> "Iterator[tuple[int, int]]":
    """Yield where each string, comment, quoted name and semicolon behind ``begin`` begins and ends.

    Raises ``Refusal`` as ``scan`` does.
    """
    token_of = re.compile(_TOKEN)
    while match := token_of.search(text, begin):
        start, token = match.start(), match.group()
        begin = match.end() if token == ";" else _skip(text, start, token)
        yield start, begin


def _statement(code: str, begin: int, end: int) -> Statement | None:
    blank = len(code) - len(code.lstrip())
    return Statement(begin + blank, end, code[blank:]) if blank < len(code) else None


class _Nesting:
    """Counts what a semicolon may stand inside: parentheses, and an SQL-standard routine body."""

    def __init__(self) -> None:
        self.parentheses = 0
        self.blocks = 0
        self.routine: bool | None = None

    def goes_on(self, segment: str) -> bool:
        """Take the code up to a semicolon; tell whether the statement goes on behind it."""
        opened = self.parentheses
        self.parentheses += segment.count("(") - segment.count(")")
        if self.routine is None:
            self.routine = bool(re.match(_ROUTINE, segment))
        if self.routine:
            segment = _outside(segment, opened)
            body = None if self.blocks else re.search(_ATOMIC, segment)
            if self.blocks or body:
                words = re.compile(_NESTING).finditer(segment, body.start() if body else 0)
                self.blocks += sum(1 if word.group(1) else -1 for word in words)
        return self.parentheses > 0 or self.blocks > 0


def _outside(code: str, depth: int) -> str:
    """Return code with blanks for what stands in parentheses, of which ``depth`` are open before it."""
    kept = []
    for character in code:
        depth += {"(": 1, ")": -1}.get(character, 0)
        kept.append(" " if depth > 0 else character)
    return "".join(kept)


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
    if re.match(_IN_WORD, text[max(at - 1, 0) : at]):
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
    return text[max(at - 1, 0) : at] in ("e", "E") and not re.match(_IN_WORD, text[max(at - 2, 0) : at - 1])


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
