"""Read the sentence that marks a column as a reference across databases, where no foreign key can.

It ends the column's comment: ``References auth.users.id (cross-database, no foreign key).``
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MARK = "(cross-database, no foreign key)."
_SENTENCE = re.compile(
    rf"References (?P<series>\w+)\.(?P<table>(?:\w+\.)?\w+)\.(?P<column>\w+) {re.escape(MARK)}\s*\Z"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a column points that has no foreign key, because the table is in another database."""

    series: str
    table: str  # without the schema public, as people write it
    column: str

    def __str__(self) -> str:
        return f"{self.series}.{self.table}.{self.column}"


def read_sentence(comment: str | None) -> Reference | None:
    """Return what the sentence at the end of a comment says; ``None`` without one."""
    found = _SENTENCE.search(comment or "")
    return (
        Reference(found["series"], found["table"].removeprefix("public."), found["column"]) if found else None
    )


def without_sentence(comment: str | None) -> str:
    """Return a comment without that sentence."""
    return _SENTENCE.sub("", comment or "").strip()
