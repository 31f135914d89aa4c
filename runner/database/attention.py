"""Let somebody speak up while a thread waits for a server: to end it from another thread, or in time."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import pq, waiting
from psycopg.adapt import AdaptersMap
from psycopg.types.array import register_all_arrays
from psycopg.types.json import set_json_loads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from threading import Event
    from types import TracebackType

    from psycopg.abc import PQGen

    Connection = psycopg.Connection[tuple[Any, ...]]

RV = TypeVar("RV")
INTERVAL = 0.1  # seconds between two looks whether somebody wants an end
PATIENCE = 45.0  # seconds for an answer: who keeps a table to himself is named after 10
CANCEL_SECONDS = 0.7  # for the request, and again for the answer
# Seconds between two looks that count as waiting: who was stopped (Ctrl-Z, a frozen container) has not read
# yet what came meanwhile.
_LONGEST = 1.0


class Wait:
    """A message that is waited for, and until when it was ``heard`` that the server is at it, in seconds."""

    def __init__(self, connection: Connection | None) -> None:
        self.connection = connection
        self.heard = 0.0


_CALLS: ContextVar[tuple[Callable[[float], None], ...]] = ContextVar("calls", default=())
_AT_HAND: ContextVar[Wait] = ContextVar("at_hand")


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


def interruption(stop: Event, kind: type[KeyboardInterrupt] = KeyboardInterrupt) -> Callable[[float], None]:
    """Return what raises ``kind`` once, as soon as ``stop`` is set: what follows cleans up."""
    raised = False

    def look(_: float) -> None:
        nonlocal raised
        if stop.is_set() and not raised:
            raised = True
            raise kind

    return look


def at_hand() -> Wait:
    """Return what this thread waits for, for whoever is called meanwhile."""
    return _AT_HAND.get()


def heed(connection: Connection | None = None) -> Callable[[], None]:
    """Return what calls whoever is heeded in this thread, for a message that is sent now."""
    wait, heeded = Wait(connection), _CALLS.get()
    waited, last = 0.0, time.monotonic()

    def look() -> None:
        nonlocal waited, last
        now = time.monotonic()
        waited, last = waited + min(now - last, _LONGEST), now
        _AT_HAND.set(wait)
        for call in heeded:
            call(waited)

    return look


def pause(seconds: float) -> None:
    """Wait, as for a server: whoever is heeded in this thread may end it."""
    look, end = heed(), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        look()
        time.sleep(min(left, INTERVAL))


@cache
def own_adapters() -> AdaptersMap:
    """Return how psycopg by itself reads and writes values, whatever this program has registered for all."""
    from runner import database  # noqa: PLC0415 - this package, which is being loaded when this module is

    if database.IS_FIRST:
        own = AdaptersMap(psycopg.adapters)
    else:  # as psycopg does when it is loaded; that takes most of a millisecond
        own = AdaptersMap(types=psycopg.adapters.types)
        psycopg.postgres.register_default_adapters(own)
        register_all_arrays(own)
    set_json_loads(json.loads, own)
    return own


class Attentive(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which psycopg's own questions are ended from outside as well, and within two seconds.

    By itself it listens to no other thread, and gives a server that is silent ten seconds to take a cancel.
    """

    @property
    def adapters(self) -> AdaptersMap:
        """Return how values are read and written on it."""
        return own_adapters()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing at work: a signal that comes as a message is sent finds nobody yet who cancels it."""
        if error is not None and self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            with suppress(psycopg.Error):
                cancel(self, seconds=CANCEL_SECONDS)
            self.close()
        super().__exit__(kind, error, trace)

    def wait(self, gen: PQGen[RV], interval: float = INTERVAL, timeout: float | None = None) -> RV:
        """Wait for the answer to a question. Cancels it when anything is raised meanwhile."""
        limit: dict[str, Any] = {} if timeout is None else {"timeout": timeout}  # new in psycopg 3.3.6
        try:
            return waiting.wait(_heeding(gen, heed(self)), self.pgconn.socket, interval=interval, **limit)
        except psycopg.Error:
            raise
        except BaseException:
            self._end(gen)
            raise

    def _end(self, gen: PQGen[Any]) -> None:
        """Cancel what the server is doing; give up the connection when it does not answer in time."""
        if self.pgconn.transaction_status != pq.TransactionStatus.ACTIVE:
            return
        try:
            cancel(self, seconds=CANCEL_SECONDS)
            waiting.wait(limited(gen, seconds=CANCEL_SECONDS), self.pgconn.socket, interval=INTERVAL)
        except psycopg.errors.QueryCanceled:
            pass
        except Exception:
            self.close()


def cancel(connection: Connection, *, seconds: float) -> bool:
    """Ask the server to cancel what it does; tell whether it is known in time that it has been asked.

    It may do so in any case: Pgpool-II passes the request on at once, and says so a second later.
    """
    try:
        connection.cancel_safe(timeout=seconds)
    except psycopg.errors.CancellationTimeout:
        return False
    return True


def limited(gen: Generator[Any, Any, RV], *, seconds: float) -> Generator[Any, Any, RV]:
    """Do as ``gen``, which waits for a server, but raise ``ConnectionTimeout`` when that takes too long."""
    end = time.monotonic() + seconds

    def look() -> None:
        if time.monotonic() > end:
            raise psycopg.errors.ConnectionTimeout("connection timeout expired")

    return _heeding(gen, look)


def _heeding(gen: Generator[Any, Any, RV], look: Callable[[], None]) -> Generator[Any, Any, RV]:
    """Do as ``gen``, and ``look`` whenever it waits, at least every interval."""
    try:
        wanted = next(gen)
        while True:
            look()
            wanted = gen.send((yield wanted))
    except StopIteration as end:
        answer: RV = end.value
    return answer
