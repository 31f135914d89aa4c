"""Find where in a file an error of PostgreSQL's, or a notice, comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.files import body, locate, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.errors import Diagnostic

    from runner.database import Heard
    from runner.errors import Place
    from runner.files import Statement
    from runner.model import Migration

INLINE = r"\binline_code_block\D+(\d+)"
_FUNCTION = r"([\w.]+)\([^()]*\)\D+?(\d+)"
_BYTES = r"\b0x([0-9a-f]{2})\b"
_NO_SUCH_LETTER = "22P05"


def is_from_code(diag: Diagnostic) -> bool:
    """Tell whether an error comes from within a block or a function."""
    return bool(re.search(f"{INLINE}|{_FUNCTION}", diag.context or ""))


def find(diag: Diagnostic, migration: Migration, *, done: int, start: int) -> Place | None:
    """Return where a file failed: the server's position, else the line of a body, else the statement.

    ``done`` statements were finished before; ``start`` is where the file begins in its message, in
    characters.
    """
    if diag.statement_position:
        return locate(migration.sql, int(diag.statement_position) - 1 - start, path=migration.path)
    if diag.sqlstate == _NO_SUCH_LETTER:
        return _of_letter(diag.message_primary or "", migration)
    statements = scan(migration.sql).statements
    if done >= len(statements):
        return None
    offset = in_body(diag, migration.sql, statements, statements[done])
    return locate(migration.sql, statements[done].start if offset is None else offset, path=migration.path)


def _of_letter(message: str, migration: Migration) -> Place | None:
    """Return where the letter stands whose bytes a message gives, which the database cannot store."""
    letter = bytes(int(byte, 16) for byte in re.findall(_BYTES, message)).decode(errors="replace")
    at = migration.sql.find(letter)
    return locate(migration.sql, at, path=migration.path) if letter and at >= 0 else None


def in_body(
    diag: Diagnostic | Heard, text: str, statements: Sequence[Statement], failed: Statement
) -> int | None:
    """Return the offset of an error inside a do block, or inside a function the same file makes.

    Positions within an inner query are found by that query's text; without one, the context counts
    lines from the body's first. The innermost part of the context that the file holds wins.
    """
    if diag.internal_query and diag.internal_position:
        at = text.find(diag.internal_query)
        if at >= 0:
            return at + int(diag.internal_position) - 1
    for line in (diag.context or "").splitlines():
        if inline := re.search(INLINE, line):
            return line_of_body(text, failed, int(inline.group(1)))
        if called := re.search(_FUNCTION, line):
            name = called.group(1).rpartition(".")[2]
            made = re.compile(
                rf"create\b.*\b(?:function|procedure)\s+(?:\w+\.)?{re.escape(name)}\b", re.I | re.S
            )
            if maker := next((one for one in statements if made.match(one.code)), None):
                return line_of_body(text, maker, int(called.group(2)))
    return None


def line_of_body(text: str, statement: Statement, line: int) -> int | None:
    """Return the offset of a line of the body in a statement, its longest string, without its indent."""
    found = body(text[statement.start : statement.end])
    if found is None:
        return None
    offset = statement.start + found[0]
    for _ in range(line - 1):
        offset = text.find("\n", offset) + 1
        if offset == 0:
            return None
    return offset + len(text[offset:]) - len(text[offset:].lstrip(" \t"))
