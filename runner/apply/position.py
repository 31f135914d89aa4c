"""Find where in a file an error of PostgreSQL's, or a notice, comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.apply import maker
from runner.files import body, locate, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.errors import Diagnostic

    from runner.apply.course import Start
    from runner.database import Heard
    from runner.errors import Place
    from runner.files import Statement
    from runner.model import Migration

INLINE = r"\binline_code_block\D+(\d+)"
_SELECT = "SELECT"
_BYTES = r"0x([0-9a-f]{2})\b"
# Japanese and Chinese set no blank before a name; in Chinese the statement and its line come before it.
_CLOSE, _FIRST = r"(?m)^PL/pgSQL\s*(?:関数|函数)", r"(?m)^在(.*)的第(\d+)行的PL/pgSQL函数(.*)$"
NO_SUCH_LETTER = "22P05"


def is_from_code(diag: Diagnostic) -> bool:
    """Tell whether an error comes from within a block or a function."""
    found = context(diag)
    return bool(re.search(INLINE, found) or maker.called(found))


def context(diag: Diagnostic | Heard) -> str:
    """Return the lines of a context in the order of most languages: the function, the line, the statement."""
    return re.sub(_CLOSE, "PL/pgSQL ", re.sub(_FIRST, r"PL/pgSQL \3 \2 \1", diag.context or ""))


def find(diag: Diagnostic, migration: Migration, *, done: int, start: Start) -> Place | None:
    """Return where a file failed: the server's position, else the line of a body, else the statement.

    ``done`` statements were finished before; ``start`` is where the file begins in its message.
    """
    if diag.statement_position:
        return given(diag, migration, start=start)
    if diag.sqlstate == NO_SUCH_LETTER:
        codes = re.findall(_BYTES, diag.message_primary or "")
        letter = bytes(int(code, 16) for code in codes).decode(errors="replace")
        return of_text(letter, migration)
    statements = scan(migration.sql).statements
    if done >= len(statements):
        return None
    return of_statement(diag, migration, statements[: done + 1], start=start)


def given(diag: Diagnostic | Heard, migration: Migration, *, start: Start) -> Place:
    """Return the place that the server itself gives, in a message in which the file begins at ``start``."""
    at = start.within(migration.sql, diag.statement_position or 0)
    return locate(migration.sql, at, path=migration.path)


def of_text(text: str, migration: Migration) -> Place | None:
    """Return where a text stands first that a message gives, such as a letter that no database can store.

    Else where it stands in other letters: a name without quotes is told in small ones.
    """
    pattern, sql = re.escape(text), migration.sql
    found = re.search(pattern, sql) or re.search(pattern, sql, re.IGNORECASE | re.ASCII) if text else None
    return locate(sql, found.start(), path=migration.path) if found else None


def of_commit(diag: Diagnostic, migration: Migration, *, start: Start) -> Place | None:
    """Return where a function of the file failed behind all its statements, as a deferred trigger does."""
    if re.search(INLINE, context(diag)):
        return None  # a block of the runner's own
    offset = _in_body(diag, migration.sql, scan(migration.sql).statements, start)
    return None if offset is None else locate(migration.sql, offset, path=migration.path)


def of_statement(
    diag: Diagnostic | Heard, migration: Migration, statements: Sequence[Statement], *, start: Start
) -> Place:
    """Return the place in the last of these statements: in a body, if that is known, else its beginning.

    Those before it may have made the function in which it failed.
    """
    offset = _in_body(diag, migration.sql, statements, start)
    return locate(migration.sql, statements[-1].start if offset is None else offset, path=migration.path)


def _in_body(
    diag: Diagnostic | Heard, text: str, statements: Sequence[Statement], start: Start
) -> int | None:
    """Return the offset of an error inside a do block, or inside a function that the same file makes.

    The innermost part of the context that the file holds wins. There the inner query is looked for, from the
    line on that the context names; without one the line is all that is known.
    """
    inner = _inner(diag, start)
    if inner and (whole := _of_sql(inner, text, statements)) is not None:
        return whole
    lines = context(diag).splitlines()
    blocks = [line for line in lines if re.search(INLINE, line)]
    for depth, line in enumerate(lines):
        if line in blocks[:-1]:
            continue  # a block within the one that the file holds
        found = _source(line, text, statements)
        if found:
            statement, number = found
            at = line_of_body(text, statement, number)
            within = None if depth or at is None or not inner else _in_query(inner, text[: statement.end], at)
            return at if within is None else within
    return None


def _inner(diag: Diagnostic | Heard, start: Start) -> tuple[str, int] | None:
    """Return the inner query and the offset of the error in it."""
    query, position = diag.internal_query, diag.internal_position
    return (query, start._replace(offset=0).within(query, position)) if query and position else None


def _of_sql(inner: tuple[str, int], text: str, statements: Sequence[Statement]) -> int | None:
    """Return the offset of an error where the inner query is a whole body: in SQL, or not to be compiled."""
    query, offset = inner
    for one in reversed(statements):
        if one.word in ("create", "do"):
            begin, end = body(text[one.start : one.end]) or (0, 0)
            if text[one.start + begin : one.start + end] == query:
                return one.start + begin + offset
    return None


def _source(line: str, text: str, statements: Sequence[Statement]) -> tuple[Statement, int] | None:
    """Return the statement that holds the body which a line of a context names, and the line in that."""
    if inline := re.search(INLINE, line):
        return statements[-1], int(inline.group(1))
    called = maker.called(line)
    made = maker.find(called, text, statements) if called else None
    return (made, called.line) if called and made else None


def _in_query(inner: tuple[str, int], text: str, begin: int) -> int | None:
    """Return the offset of a position within the inner query, which stands in ``text`` from ``begin`` on.

    PL/pgSQL takes its queries from the body as they are, but for ``into`` and what follows it, where it puts
    blanks, and ``perform``, for which it says select.
    """
    query, offset = inner
    if (at := _find(_pattern(query), text, begin)) is not None:
        return at + offset
    at = _find(f"(?i:perform){_pattern(query.removeprefix(_SELECT))}", text, begin)
    return None if at is None else at + offset + 1  # one letter more


def _pattern(query: str) -> str:
    """Return a pattern for a query in which any text may stand for many blanks."""
    parts = re.split(r"( {5,})", query)
    return "".join(f".{{{len(part)}}}" if part.isspace() else re.escape(part) for part in parts)


def _find(pattern: str, text: str, begin: int) -> int | None:
    """Return where a pattern stands by itself, not within a word."""
    found = re.compile(rf"(?s)(?<!\w){pattern}(?!\w)").search(text, begin)
    return found.start() if found else None


def line_of_body(text: str, statement: Statement, line: int) -> int | None:
    """Return the offset of a line of the body in a statement, without its indent."""
    found = body(text[statement.start : statement.end])
    if found is None:
        return None
    offset = statement.start + found[0]
    for _ in range(line - 1):
        offset = text.find("\n", offset) + 1
        if offset == 0:
            return None
    return offset + len(text[offset:]) - len(text[offset:].lstrip(" \t"))
