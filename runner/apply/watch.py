"""Watch, on a second connection, what the server does with a file that takes longer than a moment.

A connection may take long to come, or wait in the queue of a pooler until the file itself is done: so a
thread asks, and no file waits. It is begun late, with the first look: a quick file costs nothing.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Self

from runner import database, ledger
from runner.apply.event import Activity, Working, application
from runner.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.database import Connection
    from runner.model import Migration

_PACE = 1.0  # seconds before the first look, and between two
_SHORTEST = 0.02
_AHEAD = 0.1  # the connection is asked for before the look is due
_PARTING = 0.3
_SETTING = "lock_timeout"
_SHORTER = rf"(?i)\b{_SETTING}'?\s*(?:=|to\b|,)\s*'?\s*(\d*\.?\d+)\s*(us|ms|s)?(?!\s*[\w.])"
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_NOT_DURABLE = Activity(wait="what is committed is not durable yet")


class _Over(Exception):
    """Nobody wants the answer any more."""


class Watch:
    """Asks what the session ``pid`` is doing while it is at a file.

    The first look comes after a second, or half of a shorter ``lock_timeout`` (seconds, 0 for none), of which
    files may set one of their own in their ``texts``: later nobody could say who held the lock. ``pause`` is
    how often ``look`` is to be called, in seconds; ``since`` is when the file began (of the monotonic clock),
    or was heard to.

    Of files that are ``unheard`` the server does not say of each that it begins: it is seen there. What comes
    before that file is committed: ``durable`` is the last one known to be so, and ``took`` has the
    milliseconds of each, by version.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        pid: int,
        lock_timeout: float = 0,
        texts: Iterable[str] = (),
        unheard: Sequence[Migration] = (),
    ) -> None:
        self.pid = pid
        self._unheard = unheard
        self._connect = connect
        limits = filter(None, (lock_timeout, *(seconds for text in texts for seconds in _own_limits(text))))
        self._pace = min(_PACE, max(min(limits, default=2 * _PACE) / 2, _SHORTEST))
        self.pause = min(0.1, self._pace / 4)
        self.durable: Migration | None = None
        self.took: dict[str, int | None] = {}
        self._found: tuple[Migration | None, Activity] = (None, Activity())
        self._blocked: tuple[Migration | None, Activity] = (None, Activity())
        self._committed: Migration | None = None
        self._owed: float | None = None  # since when there is one that was not told of
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, migration: Migration) -> None:
        """Note that the session begins a file."""
        self._migration = self._reached = migration
        self._is_known = False  # the first answer is waited for, but not for long
        self.since = time.monotonic()
        self._told = self.since

    @property
    def blocked(self) -> Activity:
        """What was found when the file last waited for a lock."""
        return _of(self._migration, self._blocked)

    @property
    def lines(self) -> tuple[str, ...]:
        """Who blocked the file, a line each."""
        from runner.apply import blockers  # noqa: PLC0415 - start-up time

        return tuple(map(blockers.blocked, self.blocked.blockers))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread:  # mostly at once; whoever drops the database now wants nobody in it
            self._thread.join(_PARTING)

    def look(self, *, committed: Migration | None = None) -> Iterator[Working]:
        """Yield what is to be told, about once a second. Called over and over while no answer comes.

        With ``committed``, the last file whose commit was not waited for, nothing is: that one is to be told
        of first, as soon as it is ``durable``.
        """
        now = time.monotonic()
        self._owed = (self._owed or now) if committed else None
        self._committed = committed
        due = (self._owed or self.since) + self._pace
        if not self._thread and now >= due - _AHEAD:
            thread = threading.Thread(target=self._work, args=(due,), daemon=True)
            with suppress(RuntimeError):  # no more of them here: the file is told of without facts
                thread.start()
                self._thread = thread
        if not committed and now - self._told >= (_PACE if self._is_known else 1.5 * _PACE):
            self._told = now
            yield Working(self._reached, now - self.since, _of(self._reached, self._found))

    def _work(self, due: float) -> None:
        """Ask until the file is done; without a second connection the file is told of without facts."""
        try:
            with database.heeding(self._heed), closing(self._connect()) as connection:
                pause = due - time.monotonic()
                while not self._over.wait(max(pause, 0)):
                    self._ask(connection)
                    pause = self._pace
        except (RunnerError, database.Error, _Over):
            self._found = (None, Activity())

    def _ask(self, connection: Connection) -> None:
        from runner.apply import activity  # noqa: PLC0415 - start-up time

        migration, committed = self._migration, self._committed
        left = self._unheard[self._unheard.index(migration) :] if self._unheard else [migration]
        names = [application(one) for one in left]
        name, found = activity.of(connection, self.pid, applications=names)
        place = names.index(name) if name in names else 0
        self._found, self._is_known = (left[place], found), True
        if found.blockers:
            self._blocked = self._found
        last = left[place - 1] if place else committed
        if last and last is not self.durable:  # behind all else, for it may wait for a standby
            self._found = (self._reached, _NOT_DURABLE)
            self._make_durable(connection, last, is_unheard=place > 0)
            self._found = (left[place], found)
        if place and last is self.durable and migration is self._migration:
            self._reached = left[place]

    def _make_durable(self, connection: Connection, last: Migration, *, is_unheard: bool) -> None:
        if ledger.make_durable(connection, series=last.series, version=last.version):
            rows = ledger.read(connection, series=last.series) if is_unheard else None
            self.took = {row.version: row.execution_ms for row in rows or ()}
            self.durable = last

    def _heed(self, _: float) -> None:
        if self._over.is_set():
            raise _Over


def _own_limits(text: str) -> Iterator[float]:
    """Yield the seconds of each lock_timeout that a file sets itself; minutes and more need no haste."""
    if _SETTING in text or _SETTING.upper() in text:  # the pattern alone takes many times as long
        for number, unit in re.findall(_SHORTER, text):
            yield float(number) * _UNITS[unit.lower() or "ms"]


def _of(migration: Migration, found: tuple[Migration | None, Activity]) -> Activity:
    return found[1] if found[0] is migration else Activity()
