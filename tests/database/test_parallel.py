"""Wait for several servers at once, and end all of it at once."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from unittest.mock import Mock

import psycopg
import pytest

from runner import database
from tests.project import few_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.database import Connection
    from tests.servers import Server

SLEEP = "select pg_catalog.pg_sleep(61)"  # as nobody else sleeps
# Not 1 / 0, which the planner works out before anything sleeps.
LATE_FAULT = "select 1 / pg_catalog.length(pg_catalog.pg_sleep(0.5)::text)"
AT_WORK = "select count(*) from pg_catalog.pg_stat_activity where query = %s and state = 'active'"


def test_several_wait_at_the_same_time_and_results_keep_their_order() -> None:
    """Each waits for all others, which in turn nobody could; a single one has no thread of its own."""
    meeting = threading.Barrier(3, timeout=60)

    def meet(number: int) -> int:
        meeting.wait()
        return number

    assert database.together(meet, [3, 1, 2]) == [3, 1, 2]
    assert database.together(lambda _: threading.current_thread(), ["one"]) == [threading.current_thread()]
    assert database.together(meet, []) == []


def test_this_thread_does_something_meanwhile() -> None:
    """The others have begun by then and may go on; with a single item nobody would wait."""
    meeting = threading.Barrier(3, timeout=60)
    here: list[threading.Thread] = []

    def meanwhile() -> None:
        here.append(threading.current_thread())
        meeting.wait()

    assert len(database.together(lambda _: meeting.wait(), [1, 2], meanwhile=meanwhile)) == 2
    assert here == [threading.current_thread()]
    assert database.together(str, [1], meanwhile=meanwhile) == ["1"]


def test_what_is_raised_meanwhile_ends_all(server: Server) -> None:
    """Two servers are silent for a minute; nobody waits for them."""

    def work(statement: str) -> None:
        with database.connect(_url(server), source="URL") as connection:
            database.run(connection, statement)

    def meanwhile() -> None:
        _wait(lambda: _sleepers(server) == 2)
        raise LookupError

    with pytest.raises(LookupError):
        database.together(work, [SLEEP, SLEEP], meanwhile=meanwhile)
    assert _all_are_ended(server)


def test_the_first_problem_in_order_is_raised_without_waiting_for_those_behind_it(server: Server) -> None:
    """The second fails at once and the third would take a minute: the first counts, and both are ended."""
    connections: list[Connection] = []

    def work(statement: str) -> None:
        with database.connect(_url(server), source="URL") as connection:
            connections.append(connection)
            meeting.wait()
            database.run(connection, statement)

    meeting = threading.Barrier(3, timeout=60)
    began = time.monotonic()
    with pytest.raises(psycopg.errors.DivisionByZero):
        database.together(work, [LATE_FAULT, "select 'x'::int4", SLEEP])
    assert time.monotonic() - began < 10  # the third would take a minute
    assert [connection.closed for connection in connections] == [True] * 3
    assert _all_are_ended(server)


def test_what_is_raised_in_the_thread_that_waits_ends_all(server: Server) -> None:
    """A Ctrl-C comes while two servers are silent: both are told to stop, before it is raised again."""

    def work(statement: str) -> None:
        with database.connect(_url(server), source="URL") as connection:
            database.run(connection, statement)

    stopper = threading.Thread(target=_interrupt_when_both_sleep, args=(server,))
    stopper.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        database.together(work, [SLEEP, SLEEP])
    assert time.monotonic() - began < 30
    stopper.join()
    assert _all_are_ended(server)


def test_who_is_heeded_in_this_thread_is_heeded_in_all_of_them(server: Server) -> None:
    """A fleet that is stopped stops what waits for several servers as well."""

    def work(statement: str) -> None:
        with database.connect(_url(server), source="URL") as connection:
            database.run(connection, statement)

    def impatient(waited: float) -> None:
        if waited > 0.3:
            raise TimeoutError

    with database.heeding(impatient), pytest.raises(TimeoutError):
        database.together(work, [SLEEP, SLEEP])
    assert _all_are_ended(server)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_where_no_more_threads_can_be_started_this_one_does_the_rest(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """As in a container with a limit of processes; the order is kept, and what had begun is ended."""
    few_threads(monkeypatch, most)
    here = threading.current_thread()
    threads = database.together(lambda _: threading.current_thread(), [1, 2, 3])
    assert [thread is here for thread in threads] == [False] * most + [True] * (3 - most)
    with pytest.raises(LookupError):
        database.together(str, [1, 2, 3], meanwhile=Mock(side_effect=LookupError))


def _url(server: Server) -> str:
    """Return where a statement ends when its client is gone: a busy machine may be late with the cancel."""
    return f"{server.url('postgres')}&options=-c%20client_connection_check_interval%3D500"


def _interrupt_when_both_sleep(server: Server) -> None:
    import _thread  # noqa: PLC0415 - nothing else simulates a signal in the main thread on every system

    _wait(lambda: _sleepers(server) == 2)
    _thread.interrupt_main()


def _all_are_ended(server: Server) -> bool:
    return _wait(lambda: _sleepers(server) == 0)


def _wait(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not (found := is_so()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _sleepers(server: Server) -> int:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        row = connection.execute(AT_WORK, [SLEEP]).fetchone()
        return int(row[0]) if row else 0


def test_who_is_heeded_ends_it_also_where_no_server_was_reached_yet() -> None:
    """Nobody is heeded in a thread that still connects, so the one that waits for it speaks up."""
    over, stop = threading.Event(), threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with database.heeding(database.interruption(stop)), pytest.raises(KeyboardInterrupt):
        database.together(over.wait, [60, 60])
    assert time.monotonic() - began < 20
    over.set()
