"""Find out who holds the locks a session waits for."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from runner import database
from runner.apply.disclosure import veiled
from runner.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from runner.database import Connection

_PATIENCE = 0.3  # seconds before the first look: what is done by then waits for nobody worth naming
_INTERVAL = 0.5

_BLOCKERS = """
    select pid, usename, application_name, coalesce(client_addr::text, 'local'),
        pg_catalog.date_trunc('second', pg_catalog.now() - coalesce(xact_start, backend_start))::text,
        state, pg_catalog.left(pg_catalog.regexp_replace(query, '[[:space:]]+', ' ', 'g'), 100)
    from pg_catalog.pg_stat_activity
    where pid = any (pg_catalog.pg_blocking_pids(%s))
    order by xact_start
"""


def of(connection: Connection, pid: int) -> tuple[str, ...]:
    """Return who blocks the session ``pid`` right now, with the statement that ends each. Does not write."""
    return tuple(
        f"blocked by pid {blocker}: user {user}, application {application or 'unnamed'}, client {client}, "
        f"{state} for {age}, query: {veiled(text)} -- to end it: select pg_terminate_backend({blocker});"
        for blocker, user, application, client, age, state, text in database.query(connection, _BLOCKERS, pid)
    )


class Watch:
    """Looks, on a second connection, who blocks a session while that one waits for an answer.

    The second connection is opened only when a file takes longer than a moment. ``seen`` holds what was found
    last; when nothing can be found out it stays empty. ``pid`` is the session, ``since`` when the file began
    that it is at (of the monotonic clock).
    """

    def __init__(self, connect: Callable[[], Connection], *, pid: int) -> None:
        self.pid = pid
        self._connect = connect
        self._connection: Connection | None = None
        self.begin()

    def begin(self) -> None:
        """Note that the session begins a file."""
        self.seen: tuple[str, ...] = ()
        self.since = time.monotonic()
        self._next = self.since + _PATIENCE

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection:
            self._connection.close()

    def look(self) -> None:
        """Look again, unless that was done just now. Called over and over while no answer comes."""
        if time.monotonic() < self._next:
            return
        try:
            self._connection = self._connection or self._connect()
            self.seen = of(self._connection, self.pid) or self.seen
            self._next = time.monotonic() + _INTERVAL
        except (RunnerError, database.Error):
            self._next = math.inf  # no second connection to be had: the error is told without the blockers
