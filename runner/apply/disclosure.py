"""Keep values of rows out of what is told of a file: a log is read by more people than a table.

PostgreSQL puts them into DETAIL (``Failing row contains (…)``, ``Key (email)=(…) already exists.``) and into
CONTEXT (the line of a COPY, the text of a statement that was put together), in the language of the server.
So it is not words that decide, but the SQLSTATE, and whether the file itself holds the text: what stands
there is no secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner import files
from runner.apply import position
from runner.database import MARKS
from runner.errors import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from runner.database import Heard

_QUOTES = f"'{MARKS}"
_OF_ROWS, _OF_VALUES = "23", "22"  # classes of SQLSTATEs
_RAISES = "exec_stmt_raise"  # of PL/pgSQL's source
_RAISED = ("P0", "38", "39")  # what code says of itself, in PL/pgSQL and in other languages
# A function and the line in it, or its n-th statement: `PL/pgSQL function f(integer) line 3 at RAISE`. All
# languages name SQL or PL; some set blanks within quotes, and have apostrophes in what comes last.
_CODE = (
    rf"(?=.*(?:SQL|PL/))[^{_QUOTES}:]*(?:[\w.$]+\([^{_QUOTES}:]*\)|inline_code_block"
    rf"|[{_QUOTES}]\s?[\w.$]+(?:\([^{_QUOTES}:]*\))?\s?[{_QUOTES}])"
    rf"[^{_QUOTES}:]*\d(?:[^{_QUOTES}:]|(?<=\w)'(?=\w))*"
)
_CUT = rf"[^{MARKS}]*JSON"  # a document that is told up to where it is wrong, as by its name in all languages
_LONG = 100  # characters of a query


class Lines(NamedTuple):
    """What is told beside a message: to everybody, and only to who asks for all."""

    notes: tuple[str, ...]
    private: tuple[str, ...]


def lines(diag: psycopg.errors.Diagnostic | Heard, sql: str, *, context: bool = True) -> Lines:
    """Return DETAIL, HINT and CONTEXT of an error or a notice of a file, line by line, without passwords."""
    shown: list[str] = []
    hidden: list[str] = []
    for name, text in (("DETAIL", diag.message_detail), ("HINT", diag.message_hint)):
        where = hidden if text and _may_show_rows(diag, text, sql) else shown
        where += (f"{name}: {line}" for line in files.masked(text or "").splitlines())
    told = zip((diag.context or "").splitlines(), _are_code(position.context(diag)), strict=True)
    for line, is_code in told if context else ():
        where = shown if is_code or _stands_in(line, sql) else hidden
        where.append(f"CONTEXT: {files.masked(line)}")
    return Lines((*shown, *([LEFT_OUT] if hidden else [])), tuple(hidden))


def _are_code(context: str) -> Iterator[bool]:
    """Tell of each line whether it names a place in code, and is not within what an earlier one quotes."""
    is_open = False
    for line in context.splitlines():
        yield not is_open and re.fullmatch(_CODE, line) is not None
        is_odd = len(re.findall(f"[{MARKS}]", line)) % 2 == 1
        if is_odd and (is_open or not re.match(_CUT, line)):  # one at the end may close, or stand for inches
            is_open = not line.endswith(tuple(MARKS))


def _may_show_rows(diag: psycopg.errors.Diagnostic | Heard, text: str, sql: str) -> bool:
    kind = (diag.sqlstate or "")[:2]
    if kind == _OF_ROWS:
        return True
    if kind == _OF_VALUES:
        return re.search(rf"[{_QUOTES}:\n]", text) is not None and not _stands_in(text, sql)
    raised = diag.source_function == _RAISES or position.context(diag).partition("\n")[0].endswith("RAISE")
    return (raised or kind in _RAISED) and not _stands_in(text, sql)


def _stands_in(line: str, sql: str) -> bool:
    """Tell whether the file holds a line: quoted in it, behind a few words of the server's, or as it is."""
    text = line.strip()
    quoted = re.search(rf"[{_QUOTES}](.*?)[{_QUOTES}]?$", text)
    own = text.rstrip(_QUOTES).strip()
    return any(part and part in sql for part in (own, quoted.group(1).strip() if quoted else ""))


def veiled(query: str) -> str:
    """Return how somebody else's query begins, in one line, without the texts in it: they are of rows."""
    return re.sub(r"\s+", " ", files.veiled(query))[:_LONG]
