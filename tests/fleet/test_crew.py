"""Threads that do the same with many things."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from runner.errors import CannotConnect
from runner.fleet import crew as room
from runner.fleet.crew import Begun, Crew, Done
from runner.fleet.visit import worst
from tests.project import few_threads

if TYPE_CHECKING:
    from collections.abc import Callable


def test_as_many_at_once_as_there_are_jobs() -> None:
    """Each item is done once, never more than ``jobs`` at the same time."""
    lock, meeting, at_work, most = threading.Lock(), threading.Barrier(3, timeout=30), 0, 0

    def do(item: int, _: Callable[..., None]) -> int:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        meeting.wait()  # for two others
        time.sleep(0.02)
        with lock:
            at_work -= 1
        return -item

    news = list(Crew(range(12), do, jobs=3, stop=threading.Event()).news())
    assert sorted(one.item for one in news if isinstance(one, Begun)) == list(range(12))
    assert {one.item: one.result for one in news if isinstance(one, Done)} == {n: -n for n in range(12)}
    assert most == 3


@pytest.mark.parametrize("jobs", [1, 3])
def test_nobody_is_begun_behind_a_result_that_ends_it(jobs: int) -> None:
    """Those at work finish; the others are left, in order. With one job it is exact."""
    crew = Crew(range(9), lambda item, _: item, jobs=jobs, stop=threading.Event(), ends=lambda n: n == 3)
    done = [one.item for one in crew.news() if isinstance(one, Done)]
    assert sorted(done) + list(crew.left()) == list(range(9))
    assert len(done) <= 4 + jobs - 1


@pytest.mark.parametrize("most", [1, 2])
def test_fewer_work_where_no_more_threads_can_be_started(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """As in a container with a limit of processes: everything is done, by those that there are."""
    few_threads(monkeypatch, most)
    crew = Crew(range(9), lambda item, _: item, jobs=4, stop=threading.Event())
    assert sorted(one.item for one in crew.news() if isinstance(one, Done)) == list(range(9))


def test_without_a_single_thread_the_limit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was begun, and another try may help."""
    few_threads(monkeypatch, 0)
    with pytest.raises(CannotConnect, match="No thread can be started") as caught:
        list(Crew("ab", lambda *_: None, jobs=2, stop=threading.Event()).news())
    assert "ulimit -u" in (caught.value.remedy or "")


def test_an_error_nobody_expected_ends_all() -> None:
    """It is raised where somebody listens, and nothing more is begun."""
    seen: list[int] = []

    def do(item: int, _: Callable[..., None]) -> None:
        seen.append(item)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Crew(range(100), do, jobs=1, stop=threading.Event()).news())
    time.sleep(0.05)
    assert len(seen) < 5


def test_who_does_not_end_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs outside any server is told without a result."""
    monkeypatch.setattr(room, "_SETTLE", 0.2)
    stop, free = threading.Event(), threading.Event()
    began = time.monotonic()
    found = []
    for one in Crew("ab", lambda *_: free.wait(60), jobs=1, stop=stop).news():
        stop.set()
        found.append(one)
    free.set()
    assert found == [Begun("a"), Done("a", None)]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("codes", "code"),
    [((), 0), ((0, 5), 5), ((5, 1), 1), ((1, 5, 4), 4), ((2, 5), 2), ((1, 2), 1), ((3, 0), 3), ((5, 3), 5)],
)
def test_the_worst_code_stands_for_all(codes: tuple[int, ...], code: int) -> None:
    """4 before 1 before 5; what has to be corrected before what passes."""
    assert worst(codes) == code
