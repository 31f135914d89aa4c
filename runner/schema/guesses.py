"""Guess values that a column may take: from its type, the words and numbers of its checks, and its bounds.

Guesses are SQL expressions, the likeliest first, none of them 0 or 1 and no two alike where the type has
more than that.
"""

from __future__ import annotations

import re
from itertools import permutations
from typing import TYPE_CHECKING

from runner.schema.regex import example

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.schema.datatype import Type, Types

_MANY = 40  # keys
_WORDS = ("hen", "owl", "elk", "ant", "bee", "cod", "doe", "fox")
_KEYS = ("qua", "rok", "tuz", "vex", "wyv", "xim", "yol", "zeb")  # that no seed would use
_SHAPED = ("ant@example.org", "https://example.org/bee", "2020-02-03", "12", "+4912345")

# By the name of a type; types that are not here are guessed by their category.
_LITERALS = {
    "bit": "B'1' B'0'", "bool": "false true", "bytea": "'\\x0a0b' '\\x0c'", "char": "'k' 'm' 'p'",
    "cidr": "'10.1.0.0/16' '10.2.0.0/16'", "date": "'2020-02-03' '2040-05-06' '2019-07-08' '1999-12-31'",
    "inet": "'10.1.2.3' '10.1.2.4' '10.1.2.5'", "float4": "2.5 7 12.75 42", "float8": "2.5 7 12.75 42",
    "int2": "7 23 42 11 60 97", "int4": "7 23 42 11 60 97", "int8": "7 23 42 11 60 97",
    "interval": "'2~days' '3~hours' '40~minutes'",
    "json": """'{"a":7}' '{"b":"owl"}' '[2,3]' '{}'""", "jsonb": """'{"a":7}' '{"b":"owl"}' '[2,3]' '{}'""",
    "jsonpath": "'$.a' '$.b'", "line": "'{1,2,3}' '{2,3,4}'", "lseg": "'[(1,2),(3,4)]' '[(2,3),(4,5)]'",
    "box": "'(2,3),(1,1)' '(4,5),(2,2)'", "path": "'[(1,2),(3,4)]' '[(2,3),(4,5)]'", "circle": "'<(1,2),3>'",
    "point": "'(1,2)' '(3,4)'", "polygon": "'((1,2),(3,4),(5,6))' '((2,3),(4,5),(6,7))'",
    "macaddr": "'08:00:2b:01:02:03' '08:00:2b:01:02:04'", "macaddr8": "'08:00:2b:01:02:03:04:05'",
    "money": "'12.34' '56.78'", "name": "'hen' 'owl' 'elk'", "numeric": "7 2.5 12.75 0.5 42 3",
    "oid": "42 43 44", "oidvector": "'7~8' '9~10'", "int2vector": "'7~8' '9~10'",
    "pg_lsn": "'0/16B3748' '0/16B3749'",
    "regclass": "'pg_catalog.pg_class' 'pg_catalog.pg_type'", "regtype": "'integer' 'text'",
    "regproc": "'pg_catalog.now'", "regrole": "current_user", "regnamespace": "'pg_catalog'",
    "tid": "'(0,1)' '(0,2)'", "time": "'09:30' '17:45' '23:10'", "timetz": "'09:30+00' '17:45+00'",
    "timestamp": "'2020-02-03~04:05:06' '2040-05-06~07:08:09' '1999-12-31'",
    "timestamptz": "'2020-02-03~04:05:06+00' '2040-05-06~07:08:09+00' '1999-12-31~00:00+00'",
    "tsquery": "'hen' 'owl&elk'", "tsvector": "'hen' 'owl~elk'", "txid_snapshot": "'10:20:11,14'",
    "pg_snapshot": "'10:20:11,14'",
    "uuid": " ".join(f"'00000000-0000-4000-8000-{700 + k:012}'" for k in range(_MANY)),
    "varbit": "B'101' B'0110'", "xid": "'42' '43'", "xid8": "'42' '43'", "cid": "'42'",
    "xml": "'<hen/>' '<owl/>'", "ltree": "'hen.owl' 'elk'", "hstore": "'hen=>7' 'owl=>8'",
}  # fmt: skip
_UNKNOWN = "'hen' '7' '[1,2,3]' '(1,2)' '{}' 'POINT(1~2)' '[7,8]'"

_LONGEST = 400  # characters of a text made for a check of its length
_STRING = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w'])|(?<=')-?\d+(?:\.\d+)?(?=')")
_PATTERN = re.compile(r"(?<![!~])~\*? ('(?:[^']|'')*')")
_LIKE = re.compile(r"(?<!!)~~\*? ('(?:[^']|'')*')")
_LENGTH = re.compile(r"\((\d+)(?:,(\d+))?\)")


def guesses(types: Types, oid: int, full: str, checks: Sequence[str], *, is_key: bool) -> list[str]:
    """Return guesses for a column of a type, ``full`` as SQL writes it, which the ``checks`` judge."""
    type_ = types.get(oid)
    if type_.kind == "d":
        inner = guesses(types, type_.base, type_.based_on, (*type_.checks, *checks), is_key=is_key)
    else:
        inner = [*_demanded(type_, checks), *_plain(types, type_, full, is_key=is_key)]
    return list(dict.fromkeys(inner))


def _demanded(type_: Type, checks: Sequence[str]) -> Iterator[str]:
    """Yield what checks mention: words, texts that match, numbers and their neighbours, keys of json."""
    text = " ".join(checks)
    words = [] if type_.category in "NB" else _STRING.findall(text)
    sizes = [int(n) + 1 for n in _NUMBER.findall(text) if n.isdigit() and int(n) < _LONGEST]
    for pattern in _PATTERN.findall(text):
        made = [example(pattern[1:-1].replace("''", "'"), k) for k in range(6)]
        yield from (_quoted(one) for one in made)
        yield from (_quoted(one.ljust(size, one[-1])) for size in sizes for one in made[:3] if one)
        words = [word for word in words if word != pattern]
    for pattern in _LIKE.findall(text):
        yield from (pattern.replace("%", some).replace("_", "k") for some in ("hen", "owl", ""))
    yield from _documents(words) if type_.name in ("json", "jsonb") else words
    if type_.category == "D":
        yield from (f"({word}::{type_.full} {sign} interval '1 day')" for sign in "+-" for word in words)
    numbers = [float(n) if "." in n else int(n) for n in _NUMBER.findall(text)]
    yield from _near(numbers, type_)


def _documents(words: Sequence[str]) -> Iterator[str]:
    names = [word[1:-1] for word in words]
    for value in ('"hen"', "7", "[2]", '{"a": 7}'):
        yield "'{" + ", ".join(f'"{name}": {value}' for name in names) + "}'"
    yield from ("'[]'", """'"hen"'""", "'7'")


def _near(numbers: Sequence[float], type_: Type) -> Iterator[str]:
    if type_.category == "N":
        pairs = ((a, b) for a in numbers for b in numbers if a < b)
        middles = [(a + b) / 2 if isinstance(a + b, float) else (a + b) // 2 for a, b in pairs]
        for number in (*middles, *(x for n in numbers for x in (n, n + 1, n - 1, n + 7))):
            yield f"({number})"
    elif type_.category == "S":
        sizes = [int(x) for n in numbers for x in (n, n + 1, n - 1) if 0 < x <= _LONGEST]
        yield from (_quoted("henowlelk"[k] * size) for size in sizes for k in (0, 3, 6))


def _plain(types: Types, type_: Type, full: str, *, is_key: bool) -> Iterator[str]:
    if type_.name in _LITERALS:
        yield from _of_name(type_, full, is_key=is_key)
    elif type_.kind == "e":
        yield from type_.labels
    elif type_.kind == "c":
        parts = [_casts(types, int(part)) for part in type_.parts]
        yield from (f"row({', '.join(part[k % len(part)] for part in parts)})" for k in range(3))
    elif type_.kind in "rm":
        yield from _ranges(types, type_)
    elif type_.element:
        inner = _casts(types, type_.element)
        yield from (f"array[{inner[k % len(inner)]}, {inner[(k + 1) % len(inner)]}]" for k in range(4))
    elif type_.category == "S":
        yield from _texts(full, is_key=is_key)
    elif type_.name in ("vector", "halfvec"):
        size = int(match[1]) if (match := _LENGTH.search(full)) else 3
        yield from (f"'[{','.join(str(k + i % 7) for i in range(size))}]'" for k in (2, 3, 4))
    else:
        yield from (word.replace("~", " ") for word in _UNKNOWN.split())


def _of_name(type_: Type, full: str, *, is_key: bool) -> Iterator[str]:
    size = _LENGTH.search(full)
    if type_.name in ("int2", "int4", "int8") and is_key:
        yield from (str(7001 + k) for k in range(_MANY))
    elif type_.name in ("bit", "varbit") and size:
        length = int(size[1])
        yield from (f"B'{number % 2**length:0{length}b}'" for number in (5, 9, 2, 1, 0))
    elif type_.name == "numeric" and size and int(size[2] or 0) >= int(size[1]):
        yield from ("0.5", "0.25", "0.75")
    else:
        yield from (word.replace("~", " ") for word in _LITERALS[type_.name].split())


def _texts(full: str, *, is_key: bool) -> Iterator[str]:
    size = int(match[1]) if (match := _LENGTH.search(full)) else None
    keys = (f"{word}{k or ''}" for k in range(_MANY // len(_KEYS)) for word in _KEYS)
    words = keys if is_key else (*_WORDS, *_SHAPED)
    yield from (_quoted(word[:size]) for word in words)


def _ranges(types: Types, type_: Type) -> Iterator[str]:
    inner = _casts(types, type_.of)
    parts = inner if type_.kind == "m" else map(", ".join, permutations(inner, 2))
    yield from (f"{type_.full}({part})" for part in parts)


def _casts(types: Types, oid: int) -> list[str]:
    full = types.get(oid).full
    return [f"({one})::{full}" for one in guesses(types, oid, full, (), is_key=False)[:6]] or ["null"]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
