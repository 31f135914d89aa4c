"""Split SQL text into statements: every string, comment and nested semicolon in its place."""

# mypy: implicit-reexport
import re
from typing import NamedTuple

from runner.files.tokens import COMMENTS, IN_WORD, Refusal, tokens

_ROUTINE = r"(?i)\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\b"
_ATOMIC = r"(?i)\bbegin\s+atomic\b"
_NESTING = rf"(?i)(?<!{IN_WORD})(?:(begin\s+atomic|case)|end)(?!{IN_WORD})"


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
