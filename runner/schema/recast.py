"""Find columns that had another type for a while, and came back with other values."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runner.schema import contents, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.schema.moment import Moment
    from runner.schema.undone import History


def miscast(history: History, again: Moment) -> Iterator[tuple[str, str]]:
    """Yield columns, by table, that came back from another type with values of which the file makes others.

    What it rounds or cuts off, it makes the same of again; and what the rollback only casts is as it was.
    """
    for name, before in verdict.both(history.before, history.first):
        first, after, anew = (m.tables.get(name, before) for m in (history.first, history.after, again))
        names = contents.kept(before, first) & contents.kept(before, after) & anew.columns.keys()
        for column in sorted(name for name in names if first.columns[name].type != before.columns[name].type):
            key = [name for name in before.key if name in names and name != column]
            was, meanwhile, now, then = (
                Counter(tuple(row[name] for name in (column, *key)) for row in table.rows)
                for table in (before, first, after, anew)
            )
            is_whole = len(after.rows) >= len(before.rows)
            is_whole &= len({value for value, *_ in meanwhile}) >= len({value for value, *_ in was})
            if is_whole and was - now and meanwhile - now and meanwhile - then:
                yield name, column
