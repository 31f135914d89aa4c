"""Results as one Markdown table: a row per workload and quantity, a column per tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.runner import bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.runner.model import Peer, Results, Workload

_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """A workload and one quantity of it: how it is called, and how a median is written."""

    workload: Workload
    quantity: str
    label: str
    show: Callable[[float], str]


def rows(workloads: Sequence[Workload]) -> Iterator[Row]:
    """Yield what is shown of each workload."""
    for workload in workloads:
        yield Row(workload, "seconds", workload.title, seconds)
        if workload.is_slow_network:
            yield Row(workload, "trips", "… round trips", "{:.0f}".format)
            yield Row(workload, "traffic", "… traffic", lambda value: f"{value / 1000:.0f} kB")
        if workload.has_share:
            yield Row(workload, "share_outside", "… outside the server", "{:.0%}".format)
        if workload.has_memory:
            yield Row(workload, "peak_mib", "… peak memory", "{:.0f} MiB".format)


def seconds(value: float) -> str:
    """Return seconds with three digits that count."""
    return f"{value:.3g} s" if value >= 1 else f"{value:.3f} s"


def cell(row: Row, peer: str, results: Results) -> str:
    """Return a median, for times with its ratio to the floor's; or that the tool failed there."""
    if (row.workload.key, peer) in results.failures:
        return "failed"
    value = results.median(row.workload.key, peer, row.quantity)
    if value is None:
        return _NOTHING
    ratio = results.ratio(row.workload.key, peer, "floor") if row.quantity == "seconds" else None
    return row.show(value) + (f" ({ratio:.2f})" if ratio else "")


def table(workloads: Sequence[Workload], peers: Sequence[str], results: Results) -> str:
    """Return the table, its bounds in the last column."""
    lines = [["", "runs", *peers, "must reach"], ["---"] * (len(peers) + 3)]
    for row in rows(workloads):
        found = [
            bound for bound in bounds.ALL if (bound.key, bound.quantity) == (row.workload.key, row.quantity)
        ]
        verdicts = "<br>".join(bounds.verdict(bound, results) for bound in found)
        cells = [cell(row, peer, results) for peer in peers]
        lines.append([row.label, runs(row.workload), *cells, verdicts])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def runs(workload: Workload) -> str:
    """Return how many runs a median is of: of this runner and the floors, then of the others."""
    return str(workload.runs) if workload.runs == workload.others else f"{workload.runs}, {workload.others}"


def page(
    facts: Mapping[str, str], table: str, peers: Sequence[Peer], absent: Mapping[str, str], results: Results
) -> str:
    """Return the whole page: what it was measured on, the table, and what is missing from it."""
    versions = ", ".join(f"{peer.name} {peer.version}" for peer in peers)
    lines = [f"- {name}: {text}" for name, text in {**facts, "tools": versions}.items()]
    missing = [f"- {name} is absent: {reason}" for name, reason in absent.items()]
    failed = [f"- {name} failed in {key}: {reason}" for (key, name), reason in results.failures.items()]
    parts = ["# Beside other tools", "\n".join(lines), table, _LEGEND, "\n".join(missing + failed)]
    return "\n\n".join(part for part in parts if part) + "\n"


_LEGEND = (
    "Medians; in brackets the median of the ratios to the floor of the same round, a psycopg script of some "
    "sixty lines. With two numbers of runs the first is that of the runner and the floors. What each line "
    "means is in README.md."
)
