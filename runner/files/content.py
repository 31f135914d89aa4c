"""Refuse what a migration may not contain: it would leave the runner's transaction, or only psql knows it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.errors import FileRefused
from runner.files import halves, invisible, outside
from runner.files.hidden import blanked, has_backslash
from runner.files.lexer import Statement, read
from runner.files.place import locate
from runner.files.tokens import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# A statement in which nothing hides, matched whole: most are like that, and a file may be long. What it does
# not match, and may hold a semicolon elsewhere than at its end, is left to the lexer.
# Nothing in a possessive group may fail behind its first letter: before Python 3.11.5 that letter is lost
# then (CPython issue 106052). So a quote needs no end there, for behind an open one nothing is left to match,
# and whether a comment begins is looked for in what was matched.
_PLAIN = re.compile(
    r"""
    (?: \s++ | --[^\r\n]*+ )*+
    (?P<code> (?P<word> \w*+ ) (?: [^'"$;\\-]++ | '[^'\\]*+'?+ | "[^"]*+"?+ | --[^\r\n]*+ | - )*+ )
    ;
    """,
    re.VERBOSE,
)
_HARMLESS = {  # what may follow these words
    "create": frozenset(("table", "extension", "trigger", "view", "index")),
    "drop": frozenset(("table", "view", "function", "trigger", "policy", "type", "sequence")),
    "alter": frozenset(("table", "view", "function", "type", "sequence", "index")),
}
_BETWEEN = (["or", "replace"], ["unique"])  # create and what it makes
# What follows the first word. Compiled where a statement begins like that, as what comes below: it takes
# longer than to read most files.
_CONTROLS = {
    **dict.fromkeys(("begin", "commit", "end", "rollback", "abort", "savepoint", "release"), ""),
    **dict.fromkeys(("start", "prepare"), r"\s+transaction\b"),
}
# What begins like something that is refused is left to the lexer, too. Words, not a pattern, as above.
_LOOKED_AT = {*_CONTROLS, *outside.WORDS, "copy", "set", "do", "call"} - _HARMLESS.keys()
_MODES = r"(?i)set\s+(?:(?:local|session)\s+)?transaction(?:\s|_(?:isolation|read_only|deferrable)\b)"
_OWN_MODES = {"isolation", "level", "read", "committed", "write", "to"}
_STRINGS = r"(?i)set\s+(?:(?:local|session)\s+)?standard_conforming_strings\s*(?:=|\bto\b)\s*'?(?:of|f|n|0)"
_ENCODING = r"""(?ix) set\s+ (?:(?:local|session)\s+)?
    (?:"?client_encoding"?\s*(?:=|\bto\b) | names\b(?=\s*e?')) \s*
    (?: e?'(?P<quoted>[^']+)' | (?P<bare>\w++)(?!['&]) )"""
_OTHER_ENCODING = r"(?i)client_encoding|set\s+(?:\w+\s+)?(?:names|all)\b"
_SAME = {"utf8", "unicode", "sqlascii", "default"}  # letter for letter what the file holds
_CLIENT_COPY = r"(?is)copy\b.*\b((?:from|to)\s+std(?:in|out))\b"


def check(text: str, *, path: str, single: bool = False, committing: Collection[str] = ()) -> int:
    """Scan a migration that is about to be sent; return how many statements it holds.

    ``single`` asks for exactly one: PostgreSQL runs several in one message as a transaction. ``committing``
    names the procedures that end their transaction. Raises ``FileRefused`` with the first place in the file.
    """
    try:
        starts = list(_starts(text, None if single else committing))
        invisible.check(text)
        halves.check(text)
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
            f"{path} {refusal.reason}.", remedy=refusal.remedy, place=locate(text, refusal.offset, path=path)
        ) from refusal
    return len(starts)


def _starts(text: str, committing: Collection[str] | None) -> Iterator[int]:
    """Yield where each statement begins, and refuse at once: what follows copy from stdin is no SQL.

    Without ``committing`` the text is to run without a transaction.
    """
    position = 0
    while position < len(text):
        plain = _PLAIN.match(text, position)
        if plain and _is_plain(text, *plain.span("code"), plain["word"].lower()):
            start, position = plain.start("code"), plain.end()
            if start < position - 1:
                yield start
            continue
        statement, position = read(text, position, [])
        if statement:
            _check_statement(statement)
            if committing is not None:
                _check_modes(statement, text)
                if statement.word == "set":
                    said = blanked(text[statement.start : statement.end])
                    _check_strings(statement, said, text)
                    _check_encoding(statement, said, text)
                outside.check(statement, text, committing)
            yield statement.start


def _is_plain(text: str, start: int, end: int, word: str) -> bool:
    """Tell whether a statement between two places, which begins with ``word``, needs no closer look.

    No semicolon in parentheses, or in a comment, may have ended it before its end.
    """
    if word in _LOOKED_AT or (word in _HARMLESS and not _is_harmless(word, text[start:end].lower())):
        return False
    return text.count("(", start, end) == text.count(")", start, end) and text.find("/*", start, end) < 0


def _is_harmless(word: str, code: str) -> bool:
    """Tell whether a statement in small letters that creates, drops or alters something may be sent."""
    words = code.split(None, 4)[1:]
    if word == "create":
        words = next((words[len(some) :] for some in _BETWEEN if words[: len(some)] == some), words)
    if not words or words[0] not in _HARMLESS[word]:
        return False
    if word == "alter":
        return "detach" not in code
    return words[0] != "index" or not "".join(words[1:2]).startswith(("concurrently", "--"))


def _check_statement(statement: Statement) -> None:
    rest = _CONTROLS.get(statement.word)
    if rest is not None and (control := re.match(rf"(?i)\w+{rest}", statement.code)):
        raise Refusal(
            statement.start,
            f"controls the transaction ({' '.join(control.group().lower().split())})",
            "Remove it: the runner, or psql -1, begins and commits around the file.",
        )
    if statement.word == "copy" and (copy := re.match(_CLIENT_COPY, statement.code)):
        raise Refusal(
            statement.start,
            f"copies {' '.join(copy.group(1).lower().split())}, which only a client can serve",
            "Use insert, or copy a file that lies on the server.",
        )


def _check_strings(statement: Statement, said: str, text: str) -> None:
    """Refuse what would come too late: the whole file is parsed at once."""
    if re.match(_STRINGS, said) and has_backslash(text[statement.end :]):
        raise Refusal(
            statement.start,
            "switches standard_conforming_strings off, but the whole file is parsed before that, with its "
            "strings that hold a backslash",
            "Remove it, and write each string in which a backslash escapes as E'...'.",
        )


@lru_cache(maxsize=1)
def _code(text: str) -> str:
    return blanked(text)  # once for all that set an encoding


def _check_encoding(statement: Statement, said: str, text: str) -> None:
    """Refuse what would come too late, as above: the whole file is sent as UTF-8."""
    found = re.match(_ENCODING, said)
    if not found or re.sub(r"[^a-z0-9]", "", (found["quoted"] or found["bare"]).lower()) in _SAME:
        return
    code = _code(text)
    other = re.compile(_OTHER_ENCODING).search(code, statement.end)
    if not code[statement.end : other.start() if other else None].isascii():
        raise Refusal(
            statement.start,
            "sets another client_encoding before letters beyond ASCII: with psql the server would read their "
            "UTF-8 as that, and store others",
            "Remove it: every file is UTF-8.",
        )


def _check_modes(statement: Statement, text: str) -> None:
    """Refuse another isolation level, or a transaction that could not be recorded.

    A snapshot from before the runner's lock would show an old ledger, so its transaction has begun already.
    """
    modes = re.match(_MODES, statement.code) if statement.word == "set" else None
    if modes is None:
        return
    code = statement.code[modes.end() :]
    said = text[statement.start + modes.end() : statement.end] if "'" in code else code
    if not set(re.findall(r"[a-z]+", said.lower())) <= _OWN_MODES:
        raise Refusal(
            statement.start,
            "sets the mode of its transaction, which has begun already and holds the runner's lock",
            "Remove it: a file runs in read committed, read write. Where it must see one state of a table, "
            "let it begin with `lock table ... in share mode;`.",
        )
