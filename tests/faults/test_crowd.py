"""Many runners at once on one empty database: every file exactly once, and nobody fails."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from tests.faults.stage import LONG, PATIENCE, Witness, files, finished, started
from tests.project import make

if TYPE_CHECKING:
    from pathlib import Path

    from runner.apply.event import Outcome
    from tests.project import Project

RUNNERS = 16
PROCESSES = 6
ROUNDS = 20 if LONG else 2
FILES = 6


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project of small files, none of which can run twice."""
    return make(tmp_path, app=files(FILES))


def test_sixteen_runners_at_once(app: Project, url: str, witness: Witness) -> None:
    """Sixteen threads on an empty database, again and again: each file applied by exactly one of them."""
    barrier = Barrier(RUNNERS)

    def run(_: int) -> list[Outcome]:
        barrier.wait()
        return app.migrate(url, wait_lock=4 * PATIENCE)

    with ThreadPoolExecutor(RUNNERS) as pool:
        for _ in range(ROUNDS):
            witness.db.execute("drop schema public cascade; create schema public")
            done = [o for outcomes in pool.map(run, range(RUNNERS)) for o in outcomes]
            applied = Counter(outcome.migration.version for outcome in done if outcome.ms is not None)
            assert applied == {f"{n:03}": 1 for n in range(FILES)}
            assert witness.agree() == sorted(applied)
            assert witness.lock_is_free()


def test_six_processes_at_once(app: Project, url: str, witness: Witness) -> None:
    """Six processes on an empty database: all exit 0, each file is told as applied once."""
    with ExitStack() as stack:
        processes = [stack.enter_context(started(app, url)) for _ in range(PROCESSES)]
        endings = [finished(process, seconds=3 * PATIENCE) for process in processes]
    assert [code for code, _ in endings] == [0] * PROCESSES, endings
    assert sum(output.count(" ms\n") for _, output in endings) == FILES, endings
    assert len(witness.agree()) == FILES
