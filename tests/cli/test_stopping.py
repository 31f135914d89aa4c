"""A signal ends a command at once, or where it can tell what it has done."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from runner import database
from runner.cli import stopping

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_alarm() -> Iterator[None]:
    """Leave no timer behind that calls somebody in another test."""
    former = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, former)


def test_the_first_signal_is_noted_and_the_second_is_as_without() -> None:
    """Behind the block either is."""
    with stopping.noted() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_run_ends_where_it_waits_and_once() -> None:
    """What cleans up behind that waits for servers, too."""
    with stopping.between_results():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(stopping.Stopped):
            database.pause(5)
        database.pause(1.2)  # the timer comes meanwhile


def test_what_waits_for_no_server_is_ended_a_second_later() -> None:
    """Whatever it is: a file that is a pipe, a server that is being started."""
    began = time.monotonic()
    with pytest.raises(stopping.Stopped):
        _sleep_through_a_signal()
    assert 0.9 < time.monotonic() - began < 9


def _sleep_through_a_signal() -> None:
    with stopping.between_results():
        signal.raise_signal(signal.SIGINT)
        time.sleep(10)


def test_a_signal_too_late_for_a_run_ends_nothing_behind_it() -> None:
    """All is done and told: there is nothing to end."""
    with stopping.between_results():
        signal.raise_signal(signal.SIGINT)
    time.sleep(1.2)
    database.pause(0.01)


def test_who_is_ignored_stays_so() -> None:
    """As a shell starts what runs in the background."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping.noted() as stop:
            signal.raise_signal(signal.SIGINT)
            assert not stop.is_set()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, former)
