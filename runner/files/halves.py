"""Refuse a file in two halves: to all but the tool that knows its marker both are one file."""

from __future__ import annotations

import re
from bisect import bisect
from typing import TYPE_CHECKING

from runner.files.lexer import scan
from runner.files.tokens import Refusal, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.files.lexer import Statement

# Looked for first, once in a row of dashes: what begins with no letter is found in a tenth of the time.
_MARKER = (
    r"(?im)--(?<!---)[^\w\r\n]*+(?:\w++[^\w\r\n]++)?"
    r"(?:down|undo|create above|(?:rollback|revert)[^\w\n]*+$)"
)
# Of dbmate, goose, sql-migrate, micrate, rambler, MyBatis, node-pg-migrate, Atlas and tern; and of Play and
# Mojo::Pg, or a word alone in its line, what is one only between statements.
_TOOL = r"(?:(?:migrat(?:e|ion)|(?<=\+)\w++)[^\w\r\n]++)?"
_HALVES = rf"""(?mix) ^[ \t]* (?P<marker> ----[ \t]+create[ ]above\b | --[ \t-]*+(?:
    migrate:down\b | \+(?:goose|migrate|micrate)[ \t]+down\b | rambler[ \t]+down\b | //@undo\b
    | down[ \t]+migration[ \t-]*$ | down\.sql[ \t]+--
    | (?P<paired> down[ \t]+migration\b | !downs\b | \d+[ \t]+down\b )
) | (?P<word> --[^\w\r\n]*+ {_TOOL} (?:down|undo|rollback|revert) [^\w\n;]*+$ ) )"""
_FIRST_HALF = rf"""(?mix) ^[ \t]* --(?: [ \t-]*+(?: up(?:[ \t]+migration\b|:) | !ups\b | \d+[ \t]+up\b )
    | [^\w\r\n]*+ {_TOOL} up [^\w\n;]*+$ )"""
_ALONE = r"[@+#[]\w|\b(?:DOWN|(?i:migrat)\w+)\b"  # not how prose is written: no first half is needed
_HEADING = r"(?m)^[ \t]*--[^\w\r\n]*+[A-Z]+[^\w\n;]*$"  # one of several: left, right, down
_AS_COMMENT = r"(?m);[^\S\n]*$"


def check(text: str) -> None:
    """Raise ``Refusal`` at the marker of a second half."""
    if not re.search(_MARKER, text):
        return
    begins = {start for start, _ in tokens(text)}
    markers = [found for found in re.finditer(_HALVES, text) if found.start("marker") in begins]
    statements = scan(text).statements if markers else ()
    first = re.search(_FIRST_HALF, text) if markers else None
    for found in markers:
        if not (found["paired"] or found["word"]) or _is_second(found, first, statements):
            raise Refusal(
                found.start("marker"),
                "has a second half that undoes the first, by a marker of another tool: both would run",
                "Move what is below the marker into the rollback file, which has the same name in rollback/; "
                "where nothing is below it, remove the marker.",
            )


def _is_second(found: re.Match[str], first: re.Match[str] | None, statements: Sequence[Statement]) -> bool:
    """Tell whether what stands between two statements comes behind a first half, or can be nothing else.

    Where statements follow as comments, the next one that is none belongs to something else.
    """
    text, at = found.string, found.start("marker")
    count = bisect(statements, at, key=lambda one: one.start)
    if not 0 < count < len(statements) or statements[count - 1].end > at:
        return False
    if re.compile(_AS_COMMENT).search(text, found.end(), statements[count].start):
        return False
    if first and first.start() < statements[count - 1].start:
        return True
    if not (found["word"] and re.search(_ALONE, found["word"])):
        return False
    is_prose = re.compile(r"\w").search(text, statements[count - 1].end, at)
    return not is_prose and not re.compile(_HEADING).search(text, 0, at)
