"""Let somebody speak up while a thread waits for a server: to end it from another thread, or in time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CALLS: ContextVar[tuple[Callable[[float], None], ...]] = ContextVar("calls", default=())


@contextmanager
def heeding(call: Callable[[float], None]) -> Iterator[None]:
    """Call ``call`` before each message of this thread, and about ten times a second while no answer comes.

    It is told for how many seconds the message at hand has been waited for. What it raises cancels the
    statement on the server, as a Ctrl-C does that comes in the main thread.
    """
    token = _CALLS.set((*_CALLS.get(), call))
    try:
        yield
    finally:
        _CALLS.reset(token)


def calls() -> tuple[Callable[[], None], ...]:
    """Return what is to be called in this thread for a message that is sent now."""
    began = time.monotonic()
    return tuple(_timed(call, began) for call in _CALLS.get())


def _timed(call: Callable[[float], None], began: float) -> Callable[[], None]:
    return lambda: call(time.monotonic() - began)
