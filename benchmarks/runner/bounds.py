"""What must be reached, and whether it is: pure functions of the results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.runner import filesets

if TYPE_CHECKING:
    from benchmarks.runner.model import Results

OWN = "runner"
_DATABASES = len(filesets.REAL)
_BEHIND = ("node-pg-migrate", "alembic", "yoyo")


@dataclass(frozen=True, slots=True)
class Bound:
    """An upper bound of a quantity of this runner in a workload.

    Absolute, or a ratio to another tool (``than``), or a ratio to another
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
    Bound("W1", 1, "≤ the floor", than="floor"),
    *(Bound("W1", 1, f"ahead of {name}", than=name, strict=True) for name in _BEHIND),
    *(Bound(f"W2-{files}", 0.95, "≤ 0.95 of the floor", than="floor") for files in (100, 1000, 5000)),
    Bound("W2-5000", 1.1, "per file ≤ 1.1 of that with 100", than_key="W2-100"),
    *_idle("W3-migrate", 1.15),
    *_idle("W3-status", 1.15),
    *_idle("W3-migrate-5000", 1.6),
    *_idle("W3-status-5000", 1.6),
    Bound("W4", 0.75, "≤ 0.75 of the floor", than="floor"),
    Bound("W4", 4 * _DATABASES, "≤ 4 per database", "trips"),
    Bound("W4-idle", 3 * _DATABASES, "≤ 3 per database", "trips"),
    Bound("W4-100", 0.3, "≤ 0.3 of the floor", than="floor"),
    Bound("W4-100", 6, "≤ 6", "trips"),
    Bound("W1", 60, "< 60 MiB", "peak_mib", strict=True),
    Bound("W2-5000", 60, "≤ 60 MiB", "peak_mib"),
    Bound("large", 113, "≤ 113 MiB", "peak_mib"),
)


def actual(bound: Bound, results: Results) -> float | None:
    """Return what is to be compared with the limit; ``None`` when a part of it was not measured.

    Ratios are medians, as the table's are.
    """
    own = results.median(bound.key, OWN, bound.quantity)
    if own is None:
        return None
    if bound.than_key:
        base = results.median(bound.than_key, OWN, bound.quantity)
        return base and own / _files(bound.key) / (base / _files(bound.than_key))
    if bound.than is None:
        return own
    return results.ratio(bound.key, OWN, bound.than, bound.quantity)


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
