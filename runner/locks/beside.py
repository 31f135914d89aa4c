"""Apply a file beside sessions that hold locks on its tables, and see from yet another one what it locks.

They hold them as ``vacuum`` does, and as a program that has written: behind them the file has to wait, and
what it has, or wants, can be read.
"""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from runner import database
from runner.locks import probe

if TYPE_CHECKING:
    from concurrent.futures import Future

    from runner.database import Connection
    from runner.errors import RunnerError
    from runner.model import Migration
    from runner.schema import Bench

    Locks = defaultdict[int, set[str]]

_HELD = ("share update exclusive", "row exclusive")
_PAUSE = 0.005  # seconds
_ROUNDS = 8  # of making way
_PATIENCE = 3  # looks that find it waiting before somebody makes way
_WAITS = "select exists (select from pg_catalog.pg_locks as l where l.pid = %s and not l.granted)"


class _Holder:
    """A session that holds a lock on tables, so that whoever comes behind it has to wait."""

    def __init__(self, here: Bench, tables: list[str], mode: str) -> None:
        self.here, self.tables, self.mode = here, tables, mode
        self.connection = database.connect(here.url, source=here.source, application="runner:holds")
        names = ", only ".join(tables)
        text = f"begin; lock table only {names} in {mode} mode nowait" if tables else "begin"
        self.has_it = database.failure(database.send(self.connection, text)) is None

    def follow(self) -> _Holder | None:
        """Return another one that holds the same, if it may be had."""
        other = _Holder(self.here, self.tables, self.mode)
        if other.has_it:
            return other
        other.close()
        return None

    def close(self) -> None:
        """Make way."""
        self.connection.close()


def apply(
    here: Bench, migration: Migration, looking: Connection, tables: list[str]
) -> tuple[RunnerError | None, Locks]:
    """Apply a file beside such sessions; return what went wrong, and the locks it had. Writes."""
    here.renew()
    pid = here.connection.info.backend_pid
    holders = [_Holder(here, tables, mode) for mode in _HELD]
    with ThreadPoolExecutor(1) as pool:
        try:
            future = pool.submit(here.apply, migration)
            seen = _watch(looking, pid, future, holders)
        finally:
            for one in holders:
                one.close()
        return future.result(), seen


def _watch(
    looking: Connection, pid: int, future: Future[RunnerError | None], holders: list[_Holder]
) -> Locks:
    """Look again and again until a file is done; whenever it waits, the next of the others makes way.

    The last one leaves another behind, where it can: what has waited for those who were there before it does
    not wait for that one until it wants a lock, and then shows which.
    """
    seen: Locks = defaultdict(set)
    waited = rounds = 0
    while not future.done():
        time.sleep(_PAUSE)
        for oid, modes in probe.locks(looking, pid, None).items():
            seen[oid] |= modes
        [(waits,)] = database.query(looking, _WAITS, pid)
        waited = waited + 1 if waits else 0
        if waited >= _PATIENCE and holders:
            waited, rounds = 0, rounds + 1
            if len(holders) == 1 and rounds < _ROUNDS and (other := holders[0].follow()):
                holders.append(other)
            holders.pop(0).close()
    return seen
