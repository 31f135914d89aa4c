"""Read what the schema of a database is, and say how two of them differ.

A snapshot holds facts: of each object, by kind and name, its attributes as text. Nothing in it depends
on oids, on the order in which things were made, or on what a session, a role or a database sets.

Left out on purpose: what an extension owns (its version says what it is), schemas that are not the files'
own, rows, values of sequences, contents of large objects, and what the server's own package brings, but for
the rights on it. What belongs to the server (roles, tablespaces, slots) is read only for who asks for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, LiteralString

from runner import database
from runner.ledger import TABLE
from runner.schema import difference
from runner.schema.difference import Difference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.database import Connection

_RELATIONS = ("relations", "parts")
_THEMES = (*_RELATIONS, "types", "routines", "database")
_SERVER = """
    select pg_catalog.split_part(s.name, ' ', 1), pg_catalog.regexp_replace(s.name, '^[^ ]+ ', ''),
        null::text, 'facts', coalesce(s.facts, '')
    from ({server}) as s (name, facts)
"""
_ESCAPED, _ESCAPE = re.compile(r'(["\\])'), r"\\\1"
NEWEST = 999999  # as server_version_num writes it


@dataclass(frozen=True, slots=True)
class Item:
    """One object; ``parent`` is the table it belongs to, if it belongs to one."""

    kind: str
    name: str
    parent: str | None
    facts: dict[str, str] = field(hash=False)


Key = tuple[str, str]  # kind and name
Snapshot = dict[Key, Item]

# How an option of foreign data is known whose value is never shown, though compared: by its name, or a
# password within.
_SECRET = "^([^=]*(pass|pwd|secret|token|credential|(api|access|auth|account|private|encryption)_?key)|key=)"
_SECRET += r"|://[^/@]*:[^/@]*@|password="


def snapshot(  # noqa: PLR0913 - what is to be read, keyword-only
    connection: Connection,
    *,
    besides: str | None,
    version: int = NEWEST,
    server: bool = True,
    schemas: Collection[str] = (),
    extensions: Collection[str] = (),
    only: Sequence[int] | None = None,
    is_wide: bool = True,
) -> Snapshot:
    """Read the schema with one message; the table ``besides`` is left out. Does not write.

    Names are printed in full, and constants alike, whatever the settings of the database. ``version`` is the
    older of two servers that are to be compared: what it does not know is left out. ``server`` adds what
    ``beyond`` reads of it. ``schemas`` are those that count; without any, all do but those of extensions.
    ``extensions`` count in any schema.
    ``only`` names, by their oids, the relations and functions that are read, beside all of the other kinds,
    which are left out unless ``is_wide``, and functions with them.
    In an open transaction of a connection that prepares statements, the server plans the questions once.
    """
    values = {
        "besides": besides,
        "version": version,
        "schemas": list(schemas) or None,
        "extensions": list(extensions),
        "only": None if only is None else list(only),
        "secret": _SECRET,
    }
    themes = (_THEMES if is_wide else _RELATIONS) + (("server",) if server else ())
    found: Snapshot = {}
    for kind, name, parent, attribute, value in _ask(connection, themes, values):
        found.setdefault((kind, name), Item(kind, name, parent, {})).facts[attribute] = value
    return found


def _ask(
    connection: Connection, themes: Sequence[str], values: Mapping[str, object]
) -> Iterator[tuple[str, str, str | None, str, str]]:
    whole = values["only"] is None
    if connection.prepare_threshold is not None and database.in_transaction(connection):
        texts = {name: _array(value) for name, value in values.items()}
        for theme in themes:
            yield from database.query(connection, _prepared(theme, whole=whole), **texts)
        return
    questions = [database.fill(_question(theme, whole=whole), **values) for theme in themes]
    for result in database.ask(connection, ";".join(questions)):
        yield from database.rows(connection, result)


def _array(value: object) -> object:
    """Return a list as the text of an array: of one type whatever is in it, so that one plan serves."""
    if not isinstance(value, list):
        return value
    return "{" + ",".join(f'"{re.sub(_ESCAPED, _ESCAPE, str(one))}"' for one in value) + "}"


@cache
def _prepared(theme: str, *, whole: bool) -> bytes:
    """Return a question with its values as psycopg's parameters."""
    return re.sub(r"\{(\w+)\}", r"%(\1)s", _question(theme, whole=whole).replace("%", "%%")).encode()


@cache
def _question(theme: str, *, whole: bool) -> LiteralString:
    """Return a question; about the whole schema without the lines that choose: an index helps the others."""
    if theme == "server":
        return _SERVER.replace("{server}", database.packaged(__package__, "server.sql").decode())
    parts = (database.packaged(__package__, f"facts/{name}.sql") for name in ("head", theme, "tail"))
    lines = b"".join(parts).splitlines(keepends=True)
    text = b"".join(line for line in lines if not (whole and b"{only}::" in line))
    return text.replace(b"{built}", database.packaged(__package__, "built.sql")).decode()


def parents(*snapshots: Snapshot) -> dict[Key, str | None]:
    """Return the relation that each object of some snapshots belongs to."""
    return {key: item.parent for each in snapshots for key, item in each.items()}


def called_as_live(expected: Snapshot, actual: Snapshot) -> Snapshot:
    """Return what files make with the ledger's key, and its index, called as they are live.

    The server numbers them where another tool's ledger, which was renamed, keeps the names.
    """
    found = dict(expected)
    for (kind, name), item in actual.items():
        plain = name.rstrip("0123456789")
        old, other = found.get((kind, plain)), actual.get((kind, plain))
        if kind not in ("constraint", "index") or not plain.endswith("_pkey") or item.parent != TABLE:
            continue
        if old and old.parent == TABLE and not (other and other.parent == TABLE):
            was, now = (f" {one.rpartition('.')[2]} ON " for one in (plain, name))
            definition = old.facts["definition"].replace(was, now)
            found[kind, name] = replace(old, name=name, facts=old.facts | {"definition": definition})
            del found[kind, plain]
    return found


def compare(expected: Snapshot, actual: Snapshot) -> tuple[Difference, ...]:
    """Return what differs, ordered by kind and name.

    An object that is missing or left over is one difference; what belongs to it is not listed as well.
    """
    found = [
        one
        for key in sorted(expected.keys() | actual.keys())
        for one in _differences(expected.get(key), actual.get(key))
    ]
    whole = {one.name for one in found if one.attribute is None}
    return tuple(one for one in found if (expected.get(one.key) or actual[one.key]).parent not in whole)


def _differences(expected: Item | None, actual: Item | None) -> Iterator[Difference]:
    known = expected or actual
    if known is None or (expected is None and difference.is_passing(known.kind, known.facts)):
        return
    if (expected is None or actual is None) and known.kind not in difference.LOOSE:
        there = ("there" if item else None for item in (expected, actual))
        yield Difference(known.kind, known.name, None, *there)
        return
    old, new = (item.facts if item else {} for item in (expected, actual))
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if name == "column order":
            before, after = difference.ordered(before, after)
        if before != after and not difference.is_allowed(known.kind, name, after):
            yield Difference(known.kind, known.name, name, before, after)
