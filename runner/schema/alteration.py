"""Compare the rows of PostgreSQL's catalogs at two moments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.schema.origin import AS_BORN
from runner.schema.reach import described

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

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
    old, new = (_by_label(rows, keys, schemas) for rows in (before, after))
    for label, catalog in sorted(old.keys() | new.keys()):
        was, now = (side.get((label, catalog), []) for side in (old, new))
        pairs = zip(was, now, strict=True) if len(was) == len(now) else ()
        differing = tuple(one for a, b in pairs for one in _differing(a.facts, b.facts))
        if len(was) == len(now) and not differing:
            continue
        if not all(row.is_ours for row in (*was, *now)):
            differing = differing or ((_OF_OTHERS.get(catalog, "rights"), AS_BORN, "others"),)
        yield Change(label, differing, is_gone=len(now) < len(was))


def _by_label(
    rows: Rows, keys: Collection[tuple[str, str]], schemas: Collection[str]
) -> dict[tuple[str, str], list[Row]]:
    """Return the chosen rows that count by label and catalog; those that share both in one order."""
    found: dict[tuple[str, str], list[Row]] = {}
    for key in keys:
        row = rows.get(key)
        if row and not _ATTENDANT.search(row.label) and _counts(rows, row, schemas):
            found.setdefault((row.label, row.catalog), []).append(row)
    return {key: sorted(some, key=lambda row: str(row.facts)) for key, some in found.items()}


def _counts(rows: Rows, row: Row, schemas: Collection[str]) -> bool:
    """Tell whether a row is in a schema that counts, or in none."""
    homes = [row] if row.schema else described(rows, row.relations)
    found = {home.schema for home in homes} if schemas else set()
    return not found or not found.isdisjoint({*schemas, "pg_catalog"})


def _differing(was: dict[str, str], now: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            yield name, was.get(name, ""), now.get(name, "")
