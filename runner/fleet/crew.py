"""Do the same with many things in a few threads, and tell in one thread what happens."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

from runner import database
from runner.errors import CannotConnect

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from runner.apply import Event

Item = TypeVar("Item")
Result = TypeVar("Result")
_TICK = 0.1  # seconds between two looks whether all is to end
_SETTLE = 1.8  # seconds for what runs to be cancelled: Ctrl-C ends a command within two


class Begun(NamedTuple, Generic[Item]):
    """A thread takes an item."""

    item: Item


class Told(NamedTuple, Generic[Item]):
    """Something happened to an item while it is worked on."""

    item: Item
    event: Event


class Done(NamedTuple, Generic[Item, Result]):
    """An item is done; ``None`` says that it was interrupted, or did not end in time, as all was to stop."""

    item: Item
    result: Result | None
    seconds: float = 0.0


News: TypeAlias = "Begun[Item] | Told[Item] | Done[Item, Result]"


class Stop(threading.Event):
    """Says that all is to end: of its own, or since somebody else's event is set, which is only read."""

    def __init__(self, other: threading.Event | None = None) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Tell whether one of them is set."""
        return super().is_set() or (self._other is not None and self._other.is_set())


class Crew(Generic[Item, Result]):
    """At most ``jobs`` threads that take one item after the other and ``do`` it, which may tell of events.

    When ``stop`` is set, what is being done is interrupted while it waits for a server, by a
    ``KeyboardInterrupt`` in its thread, which it may turn into a result. Any other exception ends all.
    Behind a result that ``ends`` it nobody begins with another item; those at work finish.
    """

    def __init__(
        self,
        items: Iterable[Item],
        do: Callable[[Item, Callable[[Event], None]], Result],
        *,
        jobs: int,
        stop: threading.Event,
        ends: Callable[[Result], bool] | None = None,
    ) -> None:
        self._waiting = deque(items)  # nobody has begun with these
        self._do = do
        self._jobs = min(jobs, len(self._waiting))
        self._stop = stop
        self._ends = ends
        self._is_held = False
        self._open: list[Item] = []
        self._news: SimpleQueue[News[Item, Result] | BaseException | None] = SimpleQueue()

    def news(self) -> Generator[News[Item, Result], None, None]:
        """Start, and yield what happens until nobody is at work; closed before that, it stops all.

        Raises what ``do`` raises, and ``CannotConnect`` where not one thread can be started.
        """
        self._begin()
        try:
            yield from self._listen()
        except BaseException:  # a Ctrl-C in this thread, or whoever listens has had enough
            self._stop.set()
            for _ in self._listen():
                pass
            raise

    def _begin(self) -> None:
        """Start the threads, or as many as can be: the limit of a container counts them as processes."""
        for number in range(self._jobs):
            try:
                threading.Thread(target=self._work, daemon=True).start()
            except RuntimeError as error:
                self._jobs = number
                if number:
                    return
                raise CannotConnect(
                    "No thread can be started, and a fleet needs one at least.",
                    remedy="Raise the limit of processes (ulimit -u, --pids-limit), and run again.",
                ) from error

    def left(self) -> tuple[Item, ...]:
        """Return what was not begun, in order, when the news have ended."""
        return tuple(self._waiting)

    def _listen(self) -> Generator[News[Item, Result], None, None]:
        deadline = None
        while self._jobs:
            with suppress(Empty):
                yield from self._heard(self._news.get(timeout=_TICK))
            if self._stop.is_set():
                deadline = deadline or time.monotonic() + _SETTLE
                if time.monotonic() >= deadline:
                    self._jobs = 0
                    yield from [Done(item, None) for item in self._open]

    def _heard(
        self, one: News[Item, Result] | BaseException | None
    ) -> Generator[News[Item, Result], None, None]:
        """Take note of what a thread has put, and pass it on."""
        if one is None:
            self._jobs -= 1
            return
        if isinstance(one, BaseException):
            raise one
        if isinstance(one, Begun):
            self._open.append(one.item)
        elif isinstance(one, Done):
            self._open.remove(one.item)
        yield one

    def _work(self) -> None:
        try:
            while not (self._is_held or self._stop.is_set()):
                try:
                    item = self._waiting.popleft()
                except IndexError:
                    break
                self._one(item)
        except BaseException as error:
            self._news.put(error)
        self._news.put(None)

    def _one(self, item: Item) -> None:
        self._news.put(Begun(item))
        began, result = time.monotonic(), None
        with suppress(KeyboardInterrupt), database.heeding(database.interruption(self._stop)):
            result = self._do(item, lambda event: self._news.put(Told(item, event)))
            self._is_held = self._is_held or bool(self._ends and self._ends(result))
        self._news.put(Done(item, result, time.monotonic() - began))
