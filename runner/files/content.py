"""Refuse what a migration may not contain: it would leave the runner's transaction, or only psql knows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import FileRefused
from runner.files import invisible
from runner.files.lexer import Refusal, Statement, read
from runner.files.place import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

# A statement in which nothing hides, matched whole: most are like that, and a file may be long. What begins
# like something that is refused, or may hold a semicolon, is left to the lexer; so is all it does not match.
_PLAIN = re.compile(
    r"""
    (?P<before> (?: \s++ | --[^\r\n]*+ )*+ )
    (?! (?i: begin | commit | end | rollback | abort | savepoint | release | start | prepare | copy )\b
        | (?i: create )\b (?! \s+ (?i: table | (?:unique\s+)? index | extension | trigger | view )\b ) )
    (?: [^'"$;/\\-]++ | '[^'\\]*+' | "[^"]*+" | --[^\r\n]*+ | - | /(?!\*) )*+
    ;
    """,
    re.VERBOSE,
)
_TRANSACTION = re.compile(
    r"(?:begin|commit|end|rollback|abort|savepoint|release|start\s+transaction|prepare\s+transaction)\b",
    re.IGNORECASE,
)
_CLIENT_COPY = re.compile(r"copy\b.*\b((?:from|to)\s+std(?:in|out))\b", re.IGNORECASE | re.DOTALL)


def check(text: str, *, path: str, single: bool = False) -> int:
    """Scan a migration that is about to be sent; return how many statements it holds.

    ``single`` asks for exactly one: PostgreSQL runs several in one message as a transaction. Raises
    ``FileRefused`` with the first place in the file.
    """
    starts: list[int] = []
    try:
        for start in _starts(text):
            starts.append(start)
        invisible.check(text)
        if single and len(starts) > 1:
            raise Refusal(
                starts[1],
                "is to run without a transaction, but holds more than one statement",
                "Put each such statement into a file of its own.",
            )
        if not starts:
            raise Refusal(0, "holds no statement", "Write one, or delete the file.")
    except Refusal as refusal:
        raise FileRefused(
            f"{path} {refusal.reason}.",
            remedy=refusal.remedy,
            place=locate(text, refusal.offset, path=path),
        ) from refusal
    return len(starts)


def _starts(text: str) -> Iterator[int]:
    """Yield where each statement begins, and refuse at once: what follows copy from stdin is no SQL."""
    position = 0
    while position < len(text):
        plain = _PLAIN.match(text, position)
        if plain and text.count("(", position, plain.end()) == text.count(")", position, plain.end()):
            position, start = plain.end(), plain.end("before")
            if start < position - 1:
                yield start
            continue
        statement, position = read(text, position, [])
        if statement:
            _check_statement(statement)
            yield statement.start


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
