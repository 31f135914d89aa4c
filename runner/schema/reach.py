"""Tell how far a change of PostgreSQL's catalogs reaches: to which relations, and to what else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.schema.system import Row, Rows

# How the words begin for what belongs to a relation, and the catalogs that shrink with one. A composite type
# is none: others speak of it.
_RELATION = (
    "table ", "view ", "materialized view ", "foreign table ", "sequence ", "index ", "default value ",
    "trigger ", "rule ", "policy ", "statistics object ", "toast ",
)  # fmt: skip
_OF_RELATIONS = {
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_description", "pg_index", "pg_inherits",
    "pg_policy", "pg_rewrite", "pg_seclabel", "pg_sequence", "pg_statistic_ext", "pg_trigger", "pg_type",
}  # fmt: skip
# They tell what an index, or whatever else a comment may be on, belongs to.
_PARTS = ("pg_index", "pg_constraint", "pg_trigger", "pg_rewrite", "pg_policy", "pg_statistic_ext")
_TOAST = re.compile(r"\btoast table pg_toast\.pg_toast_(\d+)$")  # it is named by the oid of its table


def is_wide(rows: Rows, changed: Sequence[Row], shrunk: Iterable[str]) -> bool:
    """Tell whether something else changed than what belongs to relations; ``shrunk`` names catalogs.

    What every database is born with, as the schema public, goes unseen.
    """
    others = (name for name in shrunk if name not in _OF_RELATIONS)
    return any(others) or not all(row.is_ours and _is_of_relation(rows, row) for row in changed)


def relations(rows: Rows, changed: Iterable[Row]) -> frozenset[int]:
    """Return the oids of the relations that changed rows speak of, and of those which these belong to."""
    direct = frozenset().union(*(row.relations | _above(row) for row in changed))
    return direct.union(*(row.relations for name in _PARTS for row in described(rows, direct, name)))


def is_composite(rows: Rows, oids: Iterable[int]) -> bool:
    """Tell whether a composite type is among relations: what rows hold of one changes uncounted."""
    return any(row.label.startswith("composite type ") for row in described(rows, oids))


def described(rows: Rows, oids: Iterable[int], catalog: str = "pg_class") -> Iterator[Row]:
    """Yield those rows of a catalog that have these oids."""
    return filter(None, (rows.get((catalog, f"{oid} 0 ")) for oid in oids))


def _above(row: Row) -> set[int]:
    """Return the table that an overflow table belongs to, whose options are set on that one."""
    found = _TOAST.search(row.label)
    return {int(found[1])} if found else set()


def _is_of_relation(rows: Rows, row: Row) -> bool:
    """Tell whether a row describes a relation, a part of one, or the type of its rows or their arrays."""
    if row.catalog != "pg_type":
        return row.label.startswith(_RELATION)
    if not all(home.label.startswith(_RELATION) for home in described(rows, row.relations)):
        return False
    return row.facts["typrelid"] != "0" or row.label.endswith("[]")
