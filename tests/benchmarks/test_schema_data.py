"""The rows of the schema benchmark: they repeat, they are skewed, and no table stays empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.schema import data, databases
from tests.conftest import SERIES
from tests.sql import contract

if TYPE_CHECKING:
    from tests.servers import Server

Checksums = dict[str, tuple[int, int]]
_TINY = data.sizes(0.001, floor=60)


def _filled(server: Server, series: str, name: str, *, seed: int) -> Checksums:
    url = databases.build(server.url("postgres"), series, name)
    with databases.connect(url) as connection:
        data.fill(connection, series, _TINY, seed=seed)
        return data.checksums(connection)


@pytest.mark.parametrize("series", SERIES)
def test_the_same_seed_makes_the_same_rows(server: Server, series: str) -> None:
    """Every column of every row is the same, times and keys included; with another seed they differ.

    No table of the contract is empty. What came later has rows when somebody writes them.
    """
    first = _filled(server, series, f"repeat_{series}_1", seed=1)
    assert _filled(server, series, f"repeat_{series}_2", seed=1) == first
    assert _filled(server, series, f"repeat_{series}_3", seed=2) != first
    designed = contract.load(series)["tables"]
    assert [table for table, (rows, _) in first.items() if rows == 0 and table in designed] == []


def test_few_projects_own_much(server: Server) -> None:
    """The largest project has many times the sessions of a usual one."""
    url = databases.build(server.url("postgres"), "specs", "skewed")
    with databases.connect(url) as connection:
        data.fill(connection, "specs", data.sizes(0.01))
        per_project = connection.execute(
            "select count(*) from public.sessions group by project_id order by 1 desc"
        ).fetchall()
    counts = [count for (count,) in per_project]
    assert counts[0] > 20 * counts[len(counts) // 2]


def test_full_size_has_a_million_rows_in_the_large_tables() -> None:
    """Three of the five are given by number; the two that hang on a parent add half a million."""
    sizes = data.sizes(1)
    assert sizes["activity_logs"] + sizes["llm_usage_tracking"] + sizes["specifications"] >= 700_000
