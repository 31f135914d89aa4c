"""Compare the rows of PostgreSQL's catalogs at two moments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.schema.origin import AS_BORN
from runner.schema.reach import described

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from runner.schema.system import Row, Rows

# Tables that hold large values aside, and the schemas of temporary tables: the server's own affair.
_ATTENDANT = re.compile(r"\bpg_(?:toast|temp)")
# What of the server's own objects has changed, by catalog; rights in all others.
_OF_OTHERS = {"pg_description": "comment", "pg_seclabel": "security label"}


class Change(NamedTuple):
    """A row that two moments do not share; ``attributes`` are empty when one of them lacks it."""

    label: str
    attributes: tuple[tuple[str, str, str], ...]  # column, what it was, what it is
    is_gone: bool


def compare(
    before: Rows, after: Rows, keys: Collection[tuple[str, str]], *, schemas: Collection[str] = ()
) -> Iterator[Change]:
    """Yield the rows that two moments do not share, in order; ``keys`` are those written in between.

    ``schemas`` are those whose objects count, none for all.
    """
    old, new = (_by_label(rows, _counting(rows, keys, schemas)) for rows in (before, after))
    for label, catalog in sorted(old.keys() | new.keys()):
        was, now = (sorted(side.get((label, catalog), []), key=_facts) for side in (old, new))
        if list(map(_facts, was)) == list(map(_facts, now)):
            continue
        pairs = list(zip(was, now, strict=True)) if len(was) == len(now) else []
        differing = tuple(one for pair in pairs for one in _differing(pair[0].facts, pair[1].facts))
        if not all(row.is_ours for row in (*was, *now)):
            differing = differing or ((_OF_OTHERS.get(catalog, "rights"), AS_BORN, "others"),)
        yield Change(label, differing, is_gone=len(now) < len(was))


def _facts(row: Row) -> str:
    return str(row.facts)


def _counting(
    rows: Rows, keys: Collection[tuple[str, str]], schemas: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the keys of the rows that are in schemas that count, or in none."""
    for key in keys:
        if schemas and (row := rows.get(key)):
            homes = [row] if row.schema else described(rows, row.relations)
            found = {home.schema for home in homes}
            if found and not found & {*schemas, "pg_catalog"}:
                continue
        yield key


def _by_label(rows: Rows, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Row]]:
    """Return chosen rows by label and catalog."""
    found: dict[tuple[str, str], list[Row]] = {}
    for key in keys:
        if (row := rows.get(key)) and not _ATTENDANT.search(row.label):
            found.setdefault((row.label, row.catalog), []).append(row)
    return found


def _differing(was: dict[str, str], now: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            yield name, was.get(name, ""), now.get(name, "")
