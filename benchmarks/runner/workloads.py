"""What every tool does, in the order it is done: W1 to W5 and the large file."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.runner.filesets import LARGE, REAL
from benchmarks.runner.model import Workload

DELAY = 0.01  # seconds, each way
TENANTS = 20

ALL = (
    Workload("W1", "W1 auth + specs, fresh", REAL, runs=31, others=5, has_memory=True, has_share=True),
    Workload("W3-migrate", "W3 nothing pending: migrate", REAL, runs=11, others=5, after="W1"),
    Workload("W3-status", "W3 nothing pending: status", REAL, runs=11, others=5, after="W1", action="status"),
    Workload("W2-100", "W2 100 small files", ("small_100",), runs=41, others=3),
    Workload("W2-1000", "W2 1,000 small files", ("small_1000",), runs=15, others=1),
    Workload("W2-5000", "W2 5,000 small files", ("small_5000",), runs=5, others=1, has_memory=True),
    Workload("W3-migrate-5000", "W3 migrate after 5,000", ("small_5000",), runs=9, others=1, after="W2-5000"),
    Workload(
        "W3-status-5000", "W3 status after 5,000", ("small_5000",),
        runs=9, others=1, after="W2-5000", action="status",
    ),
    Workload("W4", "W4 = W1, 10 ms each way", REAL, runs=5, others=1, is_slow_network=True),
    Workload("W4-idle", "W4 nothing pending: migrate", REAL,
        runs=5, others=1, after="W4", is_slow_network=True),
    Workload("W4-100", "W4 100 small files", ("small_100",), runs=5, others=1, is_slow_network=True),
    Workload("W5", f"W5 specs in {TENANTS} databases", ("specs",) * TENANTS,
        runs=1, others=1, has_share=True),
    Workload("large", "one file of 15 MB", (LARGE,), runs=3, others=1, has_memory=True),
)  # fmt: skip


def choose(only: str | None, *, quick: bool) -> tuple[Workload, ...]:
    """Return the workloads whose keys begin with one of ``only`` (W1,W4); quick ones have one run.

    The quick choice leaves out 5,000 files, which take minutes.
    """
    prefixes = tuple(only.split(",")) if only else ("",)
    chosen = tuple(workload for workload in ALL if workload.key.startswith(prefixes))
    return tuple(_once(workload) for workload in chosen if "5000" not in workload.key) if quick else chosen


def _once(workload: Workload) -> Workload:
    return replace(workload, runs=1, others=1)
