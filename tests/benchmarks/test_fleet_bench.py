"""The benchmark of twenty databases: who takes part does the work, and the page says what it must."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.runner import filesets, fleet, server
from benchmarks.runner.fleet import AT_ONCE, FLOOR, OWN, Taken
from benchmarks.runner.model import Failed

if TYPE_CHECKING:
    from pathlib import Path


def test_everybody_migrates_all_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner, the floor and a loop; one that leaves something undone does not count."""
    monkeypatch.setattr(fleet, "MEMBERS", 3)
    (tmp_path / "files").mkdir()
    files = filesets.make("specs", tmp_path / "files")
    with server.running() as running:
        found, absent = fleet.contestants(running, ("psql",))
        assert ([one.name for one in found], absent) == ([OWN, FLOOR, AT_ONCE, "psql, two at a time"], {})
        for one in found:
            taken = fleet.once(running, one, files, tmp_path)
            assert taken.server_seconds > 0
            assert taken.peak_mib > 1
        with pytest.raises(Failed, match="unfinished"):
            fleet.once(running, found[3]._replace(commands=lambda *_: [], name="idle"), files, tmp_path)


def test_the_page_says_whether_the_bounds_hold() -> None:
    """The fastest loop counts; absent tools are named."""
    results = {
        OWN: [Taken(2.0, 40, 4.0)],
        FLOOR: [Taken(4.0, 30, 8.0)],
        AT_ONCE: [Taken(3.0, 30, 8.0)],
        "psql, two at a time": [Taken(5.0, 8, 8.0)],
        "yoyo, two at a time": [Taken(9.0, 8, 8.0)],
    }
    text = fleet.page(results, dict.fromkeys(results, 2), {"dbmate": "no npm"})
    assert "| runner --fleet | 2.00 | 0.50 | 0% | 40 MiB |" in text
    assert "- ≤ 0.8 of the floor with threads: yes (0.50)" in text
    assert "- ≤ 0.5 of the fastest loop (psql, two at a time): yes (0.40)" in text
    assert "- dbmate is absent: no npm" in text
