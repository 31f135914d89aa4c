"""Wait for the advisory lock without ever blocking on it.

A blocking wait is a transaction of its own, and deadlocks with the holder's ``create index concurrently``,
which waits for every transaction that can see its table (golang-migrate issue 960, Flyway issue 1654).
So the lock is tried, and between two tries this session sleeps outside any transaction.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner import database, ledger
from runner.apply import activity, blockers, envelope
from runner.apply.event import Activity, Waiting, Working

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.apply.run import Run
    from runner.database import Connection

_POLL = 0.5  # seconds
_LOCK = "the lock of the runners"


def take(run: Run, attempt: Callable[[], bool]) -> Iterator[Waiting | Working]:
    """Repeat ``attempt`` until it has the lock; yield who holds it, also while that takes long.

    Raises ``LockHeld`` when that has taken as long as it may. ``attempt`` must leave no transaction open when
    it fails.
    """
    migration, seconds = run.at_hand, run.limits.wait_lock
    began, told = time.monotonic(), 0
    while not attempt():
        waited = time.monotonic() - began
        if waited >= seconds or waited >= told:
            found = activity.holders(run.access.connection)
            holders = tuple(blockers.held(*one) for one in found)
        if waited >= seconds:
            is_prepared = any(one.pid is None for one, _ in found)
            after, more = f"; gave up after {seconds:g} s", ", or wait longer with --wait-lock"
            raise ledger.refusal(holders, is_prepared=is_prepared, after=after, more=more)
        if not told:
            yield Waiting(migration, holders)
        elif waited >= told:
            yield Working(migration, waited, Activity(wants=_LOCK, blockers=tuple(one for one, _ in found)))
        told = int(waited) + 1
        database.pause(_POLL)


def open_first(run: Run) -> Iterator[Waiting | Working]:
    """Begin the transaction of the file at hand in a message of its own, as soon as nobody holds the lock."""
    text = envelope.opening(run.at_hand, run.access, run.limits)
    yield from take(run, lambda: _attempt(run.access.connection, text))


def _attempt(connection: Connection, text: str) -> bool:
    """Begin and try the lock; roll back when somebody else holds it."""
    refused = database.failure(database.send(connection, text))
    if refused is None:
        return True
    database.roll_back(connection)
    if not ledger.is_held(refused):
        raise refused
    return False
