"""What must be reached, and whether it is: pure functions of the results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.runner import filesets

if TYPE_CHECKING:
    from benchmarks.runner.model import Results

OWN = "runner"
_FILES = sum(len(filesets.real(name)) for name in filesets.REAL)
_LARGE_MIB = filesets.LARGE_BYTES / 2**20


@dataclass(frozen=True, slots=True)
class Bound:
    """An upper bound of a quantity of this runner in a workload.

    Absolute, or a ratio to another tool (``than``: a name, or ``every peer``), or a ratio to another
    workload of this runner (``than_key``), then per file. ``strict`` bounds must be stayed below.
    """

    key: str
    limit: float
    text: str
    quantity: str = "seconds"
    than: str | None = None
    than_key: str | None = None
    strict: bool = False


def _idle(key: str, floor: float) -> tuple[Bound, ...]:
    return (
        Bound(key, floor, f"≤ {floor} of the floor", than="floor"),
        Bound(key, 1, "ahead of yoyo", than="yoyo", strict=True),
        Bound(key, 0.5, "≤ 0.5 of alembic", than="alembic"),
    )


ALL = (
    Bound("W1", 1.15, "≤ 1.15 of the floor", than="floor"),
    Bound("W1", 0.7, "≤ 0.7 of alembic", than="alembic"),
    *(Bound(f"W2-{files}", 1.1, "≤ 1.1 of the floor", than="floor") for files in (100, 1000, 5000)),
    Bound("W2-5000", 1.1, "per file ≤ 1.1 of that with 100", than_key="W2-100"),
    *_idle("W3-migrate", 1.3),
    *_idle("W3-status", 1.3),
    *_idle("W3-migrate-5000", 1.6),
    *_idle("W3-status-5000", 1.6),
    Bound("W4", 1, "ahead of every peer", than="every peer", strict=True),
    Bound("W4", 1 / 7, "≤ 1/7 of psql", than="psql"),
    Bound("W4", 3 * _FILES + 5, "≤ 3 per file + 5", "trips"),
    Bound("W1", 60, "< 60 MiB", "peak_mib", strict=True),
    Bound("W2-5000", 90, "< 90 MiB", "peak_mib", strict=True),
    Bound("large", 60 + 4 * _LARGE_MIB, "< 60 MiB and 4 times the file", "peak_mib", strict=True),
)


def actual(bound: Bound, results: Results) -> float | None:
    """Return what is to be compared with the limit; ``None`` when a part of it was not measured.

    ``every peer`` is the fastest of those that were measured. Ratios are medians, as the table's are.
    """
    own = results.median(bound.key, OWN, bound.quantity)
    if own is None:
        return None
    if bound.than_key:
        base = results.median(bound.than_key, OWN, bound.quantity)
        return base and own / _files(bound.key) / (base / _files(bound.than_key))
    if bound.than is None:
        return own
    names = [name for key, name in results.runs if key == bound.key and name != OWN]
    ratios = [
        results.ratio(bound.key, OWN, name, bound.quantity)
        for name in names
        if bound.than in (name, "every peer")
    ]
    return max((ratio for ratio in ratios if ratio), default=None)


def _files(key: str) -> int:
    return int(key.partition("-")[2])


def verdict(bound: Bound, results: Results) -> str:
    """Return the bound with yes, no, or that it was not measured, and the number that says so."""
    value = actual(bound, results)
    if value is None:
        return f"{bound.text}: not measured"
    holds = value < bound.limit if bound.strict else value <= bound.limit
    shown = f"{value:.2f}" if bound.limit < 3 else f"{value:.0f}"  # noqa: PLR2004 - a ratio
    return f"{bound.text}: {'yes' if holds else '**NO**'} ({shown})"
