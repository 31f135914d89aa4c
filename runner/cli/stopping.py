"""End a command when a signal asks for it: at once, or where it can tell what it has done."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.cli import output
from runner.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

    Handler = Callable[[int, FrameType | None], Any]

_HELD_UP = 1.0  # seconds
# A terminal is gone. Left to itself it ends a runner whose question goes on at the server. Windows has none.
_HANGUP = [one for one in signal.Signals if one.name == "SIGHUP"]
_ENDING = [signal.SIGINT, signal.SIGTERM, *_HANGUP]
_state = {"asked": False}  # of the process


class Stopped(KeyboardInterrupt):
    """Somebody asked the process to stop.

    A plain KeyboardInterrupt that comes within exec(), as dataclasses use it, makes ``python -m`` end by the
    signal, although it was handled (CPython's unhandled_keyboard_interrupt; observed with 3.11).
    """


def at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    """Raise ``Stopped`` wherever the program is."""
    _state["asked"] = True
    _hear_once(number)
    _repeat(output.give_up)
    raise Stopped


def _hear_once(number: int) -> None:
    """Let nothing that cleans up be cut short because the shell says, too, that the terminal is gone."""
    if number in _HANGUP:
        signal.signal(number, signal.SIG_IGN)


def release() -> None:
    """Hold no signal back any more; one that came while the command line was loaded is for ``check``."""
    if sys.platform != "win32":
        while came := {one for one in signal.sigpending() if signal.getsignal(one) is at_once}:
            signal.sigwait(came)
            _state["asked"] = True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def was_asked() -> bool:
    """Tell whether a signal came, whatever became of what it raised."""
    return _state["asked"]


def check() -> None:
    """Raise ``Stopped`` for a signal that came before, or that an import has swallowed."""
    if was_asked():
        raise Stopped


def interrupted() -> Interrupted:
    """Return the error of a command that was stopped in the middle."""
    return Interrupted("Interrupted.", remedy="`status` shows how far it got; run again to go on.")


def settle() -> None:
    """Let no signal change any more what is told, now that it is certain; what holds that up is cut short."""
    for number in _ENDING:
        if signal.getsignal(number) is at_once:
            signal.signal(number, _too_late)


def _too_late(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    _repeat(output.give_up)


def handle(handler: Handler) -> dict[signal.Signals, Handler | int]:
    """Let Ctrl-C, SIGTERM and SIGHUP call ``handler``, and return who was called before.

    One that is ignored, as in a shell's background job and by nohup, stays so.
    """
    found = {number: signal.getsignal(number) for number in _ENDING}
    former = {number: one for number, one in found.items() if one not in (None, signal.SIG_IGN)}
    for number in former:
        signal.signal(number, handler)
    return former


@contextmanager
def noted(held_up: Callable[[], object] = output.give_up) -> Iterator[threading.Event]:
    """Let the first signal set an event; a second one is as without, but for a second SIGHUP.

    Behind the first ``held_up`` is called every second until the end of the block.
    """
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in _ENDING}

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
        signal.signal(number, before[signal.Signals(number)])
        _hear_once(number)
        stop.set()
        _repeat(held_up)

    former = handle(note)
    try:
        check()
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        if stop.is_set():
            _repeat(output.give_up)


@contextmanager
def between_results() -> Iterator[None]:
    """Let the first signal end a run where it waits for a server: what came from there is told by then."""
    from runner import database  # noqa: PLC0415 - start-up time

    end: Callable[[float], None] | None = None  # until the driver is loaded

    def held_up() -> None:
        if not output.give_up() and end:
            end(0)

    with noted(held_up) as stop:
        end = database.interruption(stop, Stopped)
        with database.heeding(end):
            yield


def _repeat(call: Callable[[], object]) -> None:
    """Call every second what ends whatever else holds the program up; Windows has no such timer."""
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, lambda number, frame: (call(), None)[1])  # noqa: ARG005 - as above
        signal.setitimer(signal.ITIMER_REAL, _HELD_UP, _HELD_UP)
