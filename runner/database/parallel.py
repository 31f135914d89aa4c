"""Wait for several servers at once."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Generic, TypeVar

from runner.database import attention

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")
_TICK = 0.1  # seconds: on Windows a Ctrl-C ends no longer wait for a thread
_SETTLE = 1.5  # seconds for what runs to be cancelled: Ctrl-C ends a command within two


def together(
    do: Callable[[Item], Result], items: Sequence[Item], *, meanwhile: Callable[[], object] | None = None
) -> list[Result]:
    """Do the same with a few items, in a thread each unless there is one only; return the results in order.

    ``meanwhile`` is done in this thread as soon as the others have begun; not with a single item.

    Raises what the first of them in order has raised. Then, and when something is raised in this thread, such
    as a Ctrl-C, the others are ended by a ``KeyboardInterrupt`` where they wait for a server, and must clean
    up by themselves. Whoever is heeded in this thread is in those, too. Where no more threads can be
    started, this one does what is left, each as soon as those in front of it are done.
    """
    if len(items) == 1:
        return [do(items[0])]
    over = threading.Event()
    works = [_Work(do, item, over) for item in items]
    try:
        if meanwhile:
            meanwhile()
        return [work.result() for work in works]
    except BaseException:
        over.set()
        deadline = time.monotonic() + _SETTLE
        for work in works:
            work.give_up(max(deadline - time.monotonic(), 0))
        raise


class _Work(threading.Thread, Generic[Item, Result]):
    """The work on one item; it has begun, if there could be a thread for it."""

    def __init__(self, do: Callable[[Item], Result], item: Item, over: threading.Event) -> None:
        super().__init__(target=copy_context().run, args=(self._work,), daemon=True)
        self._do, self._item, self._over = do, item, over
        self._done: list[Result] = []
        self._problem: BaseException | None = None
        with suppress(RuntimeError):
            self.start()

    def _work(self) -> None:
        try:
            with attention.heeding(attention.interruption(self._over)):
                self._done.append(self._do(self._item))
        except BaseException as problem:
            self._problem = problem

    def result(self) -> Result:
        """Return what came of it, as soon as it is done, or raise that."""
        if self.ident is None:  # it could not be started
            return self._do(self._item)
        heed = attention.heed()  # where a server is connected to, nobody else is
        while self.is_alive():
            heed()
            self.join(_TICK)
        if self._problem:
            raise self._problem
        return self._done[0]

    def give_up(self, seconds: float) -> None:
        """Wait so long for its end."""
        if self.ident is not None:
            self.join(seconds)
