"""Refuse a file in two halves: to all but the tool that knows its marker both are one file."""

from __future__ import annotations

import re
from bisect import bisect
from typing import TYPE_CHECKING, NamedTuple

from runner.files.lexer import scan
from runner.files.tokens import Refusal, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.files.lexer import Statement

# Looked for first, once in a row of dashes: what begins with no letter is found in a tenth of the time.
_MARKER = (
    r"(?im)--(?<!---)[^\w\r\n]*+(?:\w++[^\w\r\n]++)?(?:down|undo|backward|create above|name: *migrate-"
    r"|(?:rollback|revert)(?:[ \t]+(?:migration|script))?[^\w\n]*+$)"
)
# Of dbmate, goose, sql-migrate, micrate, rambler, MyBatis, Atlas, SQLSpec and tern; of node-pg-migrate and
# Aerich, whose second half is often empty or a comment; and of Play and Mojo::Pg, or a word alone in its
# line, what is one only between statements.
_TOOL = r"(?:(?:migrat(?:e|ion)|(?<=\+)\w++)[^\w\r\n]++)?"
_TITLE = r"(?:[ \t]+(?:migration|script)\b)?"
_HALVES = rf"""(?mix) ^[ \t]* (?P<marker> (?P<tool> (?: ----[ \t]+create[ ]above\b | --[ \t-]*+(?:
    migrate:down\b | \+(?:goose|migrate|micrate)[ \t]+down\b | rambler[ \t]+down\b | //@undo\b
    | down\.sql[ \t]+-- | name:[ \t]*migrate-\w+-down\b ) ) [^\r\n]*+ )
  | --[ \t-]*+(?: (?P<plain> down(?:[ \t]+(?:migration|script)[ \t-]* | grade[ \t]+--[ \t]*)\r?$ )
    | (?P<paired> down[ \t]+migration\b | !downs\b | \d+[ \t]+down\b ) )
  | (?P<word> --[^\w\r\n]*+ {_TOOL}
    (?:down(?:grade)?|undo|rollback|revert|backwards?) {_TITLE} [^\w\n;]*+$ ) )"""
_FIRST_HALF = rf"""(?mix) ^[ \t]* --(?: [ \t-]*+(?: up(?:[ \t]+migration\b|:) | !ups\b | \d+[ \t]+up\b )
    | [^\w\r\n]*+ {_TOOL} (?:up(?:grade)?|forwards?) {_TITLE} [^\w\n;]*+$ )"""
_ALONE = r"[@+#[]\w|\b(?:DOWN(?:GRADE)?|(?i:migrat)\w+)\b"  # no prose is written so: it needs no first half
_HEADING = r"(?m)^[ \t]*--[^\w\r\n]*+[A-Z]+[^\w\n;]*$"  # one of several: left, right, down
_AS_COMMENT = r"(?m);[^\S\n]*(?:\*/|$)"
_ADDING = {"alter", "comment", "create", "insert"}  # no insert undoes them: votes go up and down, too
_IDLE = {"analyze", "notify"}  # as at the end of many files, for PostgREST
_ALTERS = r"(?i)^(?:alter|call|create\s+or|do)\b"  # and may put back what was altered before
_UNDOES = r"(?i)^(?:delete|truncate)\b|\b(?:drop|rename)\b"


class _Script(NamedTuple):  # as in model: it starts faster
    """What a file with a marker holds; the numbers are those of statements."""

    statements: Sequence[Statement]
    first_half: int | None  # the offset
    not_adding: int
    last_undoing: int
    last_changing: int
    last_altering: int


def check(text: str) -> None:
    """Raise ``Refusal`` at the marker of a second half."""
    if not re.search(_MARKER, text):
        return
    begins = {start for start, _ in tokens(text)}
    markers = [found for found in re.finditer(_HALVES, text) if found.start("marker") in begins]
    script = _read(text) if markers else None
    for found in markers:
        if script and _is_second(found, script):
            raise Refusal(
                found.start("marker"),
                "has a second half that undoes the first, by a marker of another tool: all of it would run",
                "Move the statements that undo, of those below the marker, into the rollback file, which has "
                "the same name in rollback/; where none undoes, remove the marker, or word it otherwise.",
            )


def _read(text: str) -> _Script:
    statements = scan(text).statements
    first = re.search(_FIRST_HALF, text)
    others = (number for number, one in enumerate(statements) if one.word not in _ADDING)
    undoing = (number for number, one in enumerate(statements) if re.search(_UNDOES, one.code))
    changing = (number for number, one in enumerate(statements) if one.word not in _IDLE)
    altering = (number for number, one in enumerate(statements) if re.search(_ALTERS, one.code))
    return _Script(
        statements,
        first.start() if first else None,
        next(others, len(statements)),
        max(undoing, default=-1),
        max(changing, default=-1),
        max(altering, default=-1),
    )


def _is_second(found: re.Match[str], script: _Script) -> bool:
    """Tell whether what is below a marker would run, and undoes what is above it.

    Where statements follow as comments, the next one that is none belongs to something else.
    """
    text, statements = found.string, script.statements
    count = bisect(statements, found.start("marker"), key=lambda one: one.start)
    is_last = count > script.last_changing
    if found["tool"]:  # with nothing at all below it, the half is still to be written
        return not is_last or not re.compile(r"\w").search(text, found.end())
    if is_last:
        return False
    if re.compile(_AS_COMMENT).search(text, found.end(), statements[count].start):
        return bool(found["plain"]) and script.last_undoing >= count
    if found["plain"]:
        return True
    if count == 0 or _only_adds(script, count):
        return False
    return _is_between(found, script.first_half, statements[count - 1])


def _only_adds(script: _Script, count: int) -> bool:
    """Tell whether what is below adds to what is above: rows of a seed, or an index backward, too."""
    if not script.not_adding >= count > max(script.last_undoing, script.last_altering):
        return False
    word = script.statements[count].word
    return word == "insert" or (word == "create" and script.last_undoing < 0)


def _is_between(found: re.Match[str], first_half: int | None, above: Statement) -> bool:
    """Tell whether what stands below a statement comes behind a first half, or can be nothing else."""
    text, at = found.string, found.start("marker")
    if above.end > at:
        return False
    if first_half is not None and first_half < above.start:
        return True
    if not (found["word"] and re.search(_ALONE, found["word"])):
        return False
    is_prose = re.compile(r"\w").search(text, above.end, at)
    return not is_prose and not re.compile(_HEADING).search(text, 0, at)
