"""Write what was measured as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.schema import clock
from benchmarks.schema.plans import LARGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.schema.clock import Times
    from benchmarks.schema.databases import Variant
    from benchmarks.schema.indexes import Index
    from benchmarks.schema.inserts import Cost
    from benchmarks.schema.queries import Query

COSTS_MUCH = 0.10  # of its table and all indexes on it, and a megabyte at least
SERVES_LITTLE = 2.0  # times longer at most, for any query, without it alone
_MEGABYTE = 1_000_000
_SMALL = 10  # below it a figure is written with decimals


@dataclass(frozen=True, slots=True)
class Asked:
    """A query: its indexes, the tables it reads from end to end, its times in each variant."""

    query: Query
    indexes: frozenset[str]
    scanned: frozenset[str]
    on_ssd: frozenset[str]  # its indexes with random_page_cost 1.1
    times: Times
    plain: Times
    replaced: Times

    @property
    def gain(self) -> float:
        """How many times longer it takes without the indexes, for the worse of its values."""
        return max(self.plain.typical / self.times.typical, self.plain.heavy / self.times.heavy)


@dataclass(frozen=True, slots=True)
class Judged:
    """An index with the queries that use it, and how many times longer the worst takes without it alone."""

    index: Index
    users: tuple[str, ...]
    on_ssd: tuple[str, ...]  # those with random_page_cost 1.1
    gain: float
    share: float  # of the bytes of its table and all indexes on it

    @property
    def is_named(self) -> bool:
        """Tell whether it costs much and serves little."""
        costs_much = self.share >= COSTS_MUCH and self.index.bytes >= _MEGABYTE
        return costs_much and self.gain < SERVES_LITTLE and not self.index.unique


def queries(asked: Sequence[Asked]) -> Iterator[str]:
    """Yield the table of queries, one part per file."""
    for part in dict.fromkeys((one.query.series, one.query.file) for one in asked):
        yield f"\n### {part[0]} {part[1]}\n"
        yield (
            "| query | who waits | what for | indexes | p50 ms | heavy"
            " | replaced p50 ms | heavy | plain p50 ms | heavy | gain |"
        )
        yield "|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|"
        for one in asked:
            if (one.query.series, one.query.file) == part:
                yield _row(one)


def _row(one: Asked) -> str:
    used = ", ".join(f"`{name}`" for name in sorted(one.indexes)) or "none: a small table"
    if one.scanned:
        used += f"; **reads {', '.join(sorted(one.scanned))} from end to end**"
    times = [time for taken in (one.times, one.replaced, one.plain) for time in (taken.typical, taken.heavy)]
    gain = f"{'> ' if one.plain.broken_off else ''}{_times(one.gain)}"
    cells = [one.query.name, one.query.waits, one.query.purpose, used, *map(_ms, times), gain]
    return f"| {' | '.join(cells)} |"


def costs(costs: Mapping[str, Mapping[Variant, Cost]]) -> Iterator[str]:
    """Yield the table of what the indexes cost the tables that grow, beside the replaced schema's."""
    yield "| table | rows/s plain | replaced | full | full / replaced | log B/row plain | replaced | full |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for table, one in costs.items():
        plain, replaced, full = (one[variant] for variant in ("plain", "replaced", "full"))
        speed = " | ".join(f"{cost.rows_per_second:,.0f}" for cost in (plain, replaced, full))
        log = " | ".join(f"{cost.log_per_row:,.0f}" for cost in (plain, replaced, full))
        yield f"| {table} | {speed} | **{full.times(replaced):.2f}** | {log} |"


def sizes(costs: Mapping[str, Mapping[Variant, Cost]]) -> Iterator[str]:
    """Yield the table of the room the same rows take."""
    yield "| table | table MB | keys and unique constraints MB | other indexes MB | all indexes replaced MB |"
    yield "|---|--:|--:|--:|--:|"
    for table, one in costs.items():
        full, replaced = one["full"], one["replaced"]
        parts = (full.table, full.constraints, full.indexes, replaced.constraints + replaced.indexes)
        yield f"| {table} | {' | '.join(f'{size / 1e6:.1f}' for size in parts)} |"


def named(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield the indexes that cost much and serve little, largest first."""
    yield "| index | MB | share of its table | used by | longer without it | also backs |"
    yield "|---|--:|--:|---|--:|---|"
    for one in sorted(judged, key=lambda one: -one.index.bytes):
        if one.is_named:
            yield (
                f"| `{one.index.name}` | {one.index.bytes / 1e6:.1f} | {100 * one.share:.0f} %"
                f" | {', '.join(one.users) or 'no query'} | {_times(one.gain)} | {one.index.backs} |"
            )


def unused(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield the indexes that no query used, with what else they are there for."""
    yield "| index | MB | its comment | backs | with random_page_cost 1.1 used by |"
    yield "|---|--:|---|---|---|"
    for one in judged:
        if not one.users and not one.index.constrains:
            yield (
                f"| `{one.index.name}` | {one.index.bytes / 1e6:.1f} | {one.index.comment}"
                f" | {one.index.backs or '**nothing**'} | {', '.join(one.on_ssd) or 'none'} |"
            )


def every(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield every index that backs no constraint."""
    yield "| index | MB | queries | longer without it | also backs |"
    yield "|---|--:|--:|--:|---|"
    for one in judged:
        if not one.index.constrains:
            yield (
                f"| `{one.index.name}` | {one.index.bytes / 1e6:.1f} | {len(one.users)}"
                f" | {_times(one.gain)} | {one.index.backs} |"
            )


def summary(asked: Sequence[Asked], judged: Sequence[Judged], rows: int) -> Iterator[str]:
    """Yield what it comes to, in a few lines."""
    slowest = max(asked, key=lambda one: max(one.times.typical, one.times.heavy))
    bad = [one.query.name for one in asked if one.scanned]
    beside = [one for one in judged if not one.index.constrains]
    yield f"- {rows:,} rows in both databases, {len(asked)} queries, {len(judged)} indexes."
    yield (
        f"- Queries that read a table of more than {LARGE:,} rows from end to end:"
        f" {len(bad)}{': ' + ', '.join(bad) if bad else ''}."
    )
    typical, heavy = _ms(slowest.times.typical), _ms(slowest.times.heavy)
    yield f"- Slowest query: {slowest.query.name}, {typical} ms, heavy {heavy} ms."
    used = sum(bool(one.users) for one in beside)
    yield f"- {len(beside)} indexes back no constraint; the queries use {used} of them."
    yield f"- A plain query was broken off after {clock.LIMIT:.0f} s; its gain is at least the one shown (>)."


def _ms(milliseconds: float) -> str:
    if milliseconds >= clock.LIMIT * 1000:
        return f"> {clock.LIMIT * 1000:,.0f}"
    return f"{milliseconds:.2f}" if milliseconds < _SMALL else f"{milliseconds:,.0f}"


def _times(factor: float) -> str:
    return f"{factor:.1f} x" if factor < _SMALL else f"{factor:,.0f} x"
