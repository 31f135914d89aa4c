"""Find the statement of a file that makes the function which a message of the server names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.files import NAME, blanked, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.files import Statement

_MADE = re.compile(
    rf"create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+(?:({NAME})\s*\.\s*)?({NAME})\s*\(",
    re.IGNORECASE,
)
_DEFAULT = re.compile(r"(?i)\bdefault\b|=")
# A type that one word, or some, name for certain; those of an interval's fields do not.
_PLAIN = re.compile(r"(?!(?:year|month|day|hour|minute|second)$)[\w$ ]+(?:\[\])?")
_NO_INPUT = re.compile(r"(?i)(?:[^\s,]+\s+)?out\s")
# What the server calls the types that people write in short (type names of PostgreSQL's manual, chapter 8).
_ALIASES = {
    "int": "integer", "int4": "integer", "int2": "smallint", "int8": "bigint", "bool": "boolean",
    "float4": "real", "float8": "double precision", "float": "double precision", "decimal": "numeric",
    "varchar": "character varying", "char": "character", "bpchar": "character", "varbit": "bit varying",
    "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
    "timetz": "time with time zone", "time": "time without time zone",
}  # fmt: skip


class Called(NamedTuple):
    """A function as the context of a message names it; ``line`` is that of its body."""

    schema: str | None
    name: str
    types: tuple[str, ...]
    line: int


_CALLED = re.compile(rf"(?:({NAME})\.)?({NAME})\(([^()]*)\)\D+?(\d+)")


def called(line: str) -> Called | None:
    """Return the function that a line of a context names, such as ``PL/pgSQL function f(text) line 6``."""
    found = _CALLED.search(line)
    if found is None:
        return None
    schema, name, types, number = found.groups()
    given = tuple(one.strip() for one in types.split(",")) if types else ()
    return Called(schema and plain(schema), plain(name), given, int(number))


def find(one: Called, text: str, statements: Sequence[Statement]) -> Statement | None:
    """Return the last of these statements that made a function, among those of that name.

    The one whose types are written as the server names them wins, then the only one with as many of them that
    may be these.
    """
    made = [(statement, types) for statement in statements for types in _made(statement, text, one)]
    wanted = tuple(_unquoted(_bare(name)) for name in one.types)
    exact = [statement for statement, types in made if tuple(map(_unquoted, types)) == wanted]
    alike = {types: statement for statement, types in made if _may_be(types, wanted)}
    return exact[-1] if exact else alike.popitem()[1] if len(alike) == 1 else None


def _made(statement: Statement, text: str, one: Called) -> Iterator[tuple[str, ...]]:
    """Yield the types of what a statement makes, if it has that name."""
    if statement.word != "create":
        return
    own = blanked(text[statement.start : statement.end])
    match = _MADE.match(own)
    if match is None or plain(match[2]) != one.name:
        return
    if one.schema is None or match[1] is None or plain(match[1]) == one.schema:
        yield tuple(_type(argument) for argument in _arguments(own, statement.code, match.end()))


def _arguments(own: str, code: str, at: int) -> Iterator[str]:
    """Yield the arguments in parentheses that were opened before ``at``, but for those that only go out."""
    depth, begin = 1, at
    for here in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[here], 0)
        if depth == 0 or (depth == 1 and code[here] == ","):
            argument = own[begin:here].strip()
            begin = here + 1
            if argument and not _NO_INPUT.match(argument):
                yield argument
        if depth == 0:
            return


def _type(argument: str) -> str:
    """Return the type of an argument as the server names it, as far as that can be read."""
    bare = re.sub(r"\([^()]*\)", "", _DEFAULT.split(argument, maxsplit=1)[0]).lower()
    words = [_bare(word) for word in re.sub(r"\s+array\b", "[]", bare).split()]
    for count in range(min(len(words), 5), 0, -1):
        last = " ".join(words[-count:])
        base = last.removesuffix("[]")
        if base in _ALIASES:
            return f"{_ALIASES[base]}{last[len(base) :]}"
        if base in _ALIASES.values():
            return last
    return words[-1] if words else ""


def _may_be(types: Sequence[str], wanted: Sequence[str]) -> bool:
    """Tell whether types may be those that the server names: no plain word says that one is another."""
    return len(types) == len(wanted) and all(
        _unquoted(one) == other or not _PLAIN.fullmatch(one) for one, other in zip(types, wanted, strict=True)
    )


def _unquoted(name: str) -> str:
    """Return a name without quotes, in which quote_all_identifiers puts each."""
    return name.replace('"', "").lower()


def _bare(name: str) -> str:
    """Return the name of a type without its schema, which is told only where it must be."""
    return name.rpartition(".")[2]
