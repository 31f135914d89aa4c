"""End a command when a signal asks for it: at once, or where it can tell what it has done."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.cli import output
from runner.errors import CommitUnknown, Interrupted

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


class CutShort(Stopped):
    """It came wherever the program was, which may have been finding out what a server has committed."""


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


def unknown(whose: str) -> CommitUnknown:
    """Return the error of a run that was cut short; ``whose`` files it was to apply."""
    return CommitUnknown(
        f"Interrupted before it was known what {whose} has committed.",
        remedy="Each file is applied and recorded, or neither: `status` tells. Then run again.",
    )


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
def noted(held_up: Callable[[], object] = output.give_up, *, patience: int = 0) -> Iterator[threading.Event]:
    """Let the first signal set an event; a second one is as without, but for a second SIGHUP.

    Behind the first ``held_up`` is called every second until the end of the block. With ``patience`` a second
    one raises ``CutShort``, and not before the first is so many seconds old: it ends what is stuck alone.
    """
    stop, again, left = threading.Event(), threading.Event(), patience
    before = {number: signal.getsignal(number) for number in _ENDING}

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
        if patience and stop.is_set():
            _later(again)
            return
        if not patience:
            signal.signal(number, before[signal.Signals(number)])
        _hear_once(number)
        stop.set()
        _repeat(hold)

    def hold() -> None:
        nonlocal left
        left -= 1
        if not held_up() and again.is_set() and left <= 0:
            raise CutShort

    former = handle(note)
    try:
        check()
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        if stop.is_set():
            _repeat(output.give_up)


def _later(again: threading.Event) -> None:
    """Let a second signal count when the timer comes; where there is none it counts at once."""
    again.set()
    if sys.platform == "win32":
        raise CutShort


@contextmanager
def between_results() -> Iterator[None]:
    """Let the first signal end a run where it waits for a server: what came from there is told by then."""
    from runner import database  # noqa: PLC0415 - start-up time

    end: Callable[[float], None] | None = None  # until the driver is loaded

    def held_up() -> bool:
        has_given_up = output.give_up()
        if end and not has_given_up:
            _end_here(end)
        return has_given_up

    with noted(held_up, patience=1) as stop:
        end = database.interruption(stop, Stopped)
        with database.heeding(end):
            yield


def _end_here(end: Callable[[float], None]) -> None:
    try:
        end(0)
    except Stopped as stop:
        raise CutShort from stop


def _repeat(call: Callable[[], object]) -> None:
    """Call every second what ends whatever else holds the program up; Windows has no such timer."""
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, lambda number, frame: (call(), None)[1])  # noqa: ARG005 - as above
        signal.setitimer(signal.ITIMER_REAL, _HELD_UP, _HELD_UP)
