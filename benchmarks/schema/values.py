"""Choose what a query is asked with: values that many rows have, and some drawn by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.schema.databases import Connection
    from benchmarks.schema.queries import Query, Source

Values = tuple[Any, ...]
_FEW = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """Heavy values: the one with the most rows and one that only a hundredth of all outdo; typical ones."""

    heavy: tuple[Values, ...]
    typical: tuple[Values, ...]

    @property
    def all(self) -> tuple[Values, ...]:
        """Return both kinds, each value once."""
        return tuple(dict.fromkeys(self.heavy + self.typical))


def choose(connection: Connection, query: Query, *, typical: int = 5, seed: int = 1) -> Choice:
    """Choose from the source of the query; without a source there is one empty choice.

    The typical ones are drawn among all combinations, each as likely as the next; one seed, one draw. Of few
    combinations, such as the states of a project, all are taken: a rare one may need another plan.
    """
    if query.source is None:
        return Choice(((),), ((),))
    source = query.source
    text = f"select count(*) from ({_grouped(source)}) as g"  # noqa: S608 - from our own files
    counted = connection.execute(text.encode()).fetchone()
    by_rows = f"{_grouped(source)} order by count(*) desc, {_text(source)} limit 1 offset"
    number = counted[0] if counted else 0
    heavy = [connection.execute(f"{by_rows} {place}".encode()).fetchall()[0] for place in (0, number // 100)]
    typical = number if number <= _FEW else typical
    drawn = f"{_grouped(source)} order by md5({_text(source)} || '{seed}') limit {typical}"
    return Choice(tuple(dict.fromkeys(heavy)), tuple(connection.execute(drawn.encode()).fetchall()))


def _text(source: Source) -> str:
    return f"concat_ws('/', {', '.join(source.columns)})"


def _grouped(source: Source) -> str:
    columns = ", ".join(source.columns)
    present = " and ".join(f"{column} is not null" for column in source.columns)
    condition = f"{present} and ({source.where})" if source.where else present
    return f"select {columns} from public.{source.table} where {condition} group by {columns}"  # noqa: S608 - from our own files
