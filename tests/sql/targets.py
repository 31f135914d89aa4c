"""Compare the series of a project: what points from one into another must be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.schema import sentence
from tests.sql.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.sql.catalog import Catalog, Column


def _astray(ends: Mapping[str, Catalog]) -> Iterator[tuple[str, Column]]:
    """Yield the columns, with their series, whose sentence names nothing in another series."""
    there = {f"{name}.{c.name}" for name, end in ends.items() for c in end.columns if c.type == "uuid"}
    for name, end in ends.items() if len(ends) > 1 else ():
        for column in end.columns:
            told = sentence.read_sentence(column.comment)
            if told and (told.series == name or str(told) not in there):
                yield name, column


RULE: Rule[Mapping[str, Catalog], tuple[str, Column]] = Rule(
    "cross-database-target",
    "Where a project has two series, such a sentence names a uuid that is there, in the other one.",
    "Correct the sentence: series, table and column.",
    _astray,
)
