"""Know when a file finds another session than psql would begin for it, and go on in a new one."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from runner import database, files
from runner.errors import CannotConnect, RunnerError

if TYPE_CHECKING:
    from runner.database import Access, Connection
    from runner.model import Migration

# Only one session may have an origin; the caller's is not closed.
_ORIGIN, _LEAVE = "replication_origin_session", "select pg_catalog.pg_replication_origin_session_reset()"
_ENDING = 2.0  # seconds, in which the server ends a session that was closed


class Sessions:
    """The session of a run, ``access``, and those that take its place.

    It ``is_used`` when files before the one at hand were applied in it.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self.is_used = False
        self._is_old = False  # no longer as a new one
        self._has_failed = False  # a file, of which functions may know what is no more
        self._aging: Migration | None = None  # behind which it is so
        self._stack = ExitStack()  # closes the session that is not the caller's

    def ages(self, migration: Migration) -> bool:
        """Tell, and note, whether the session is not as a new one behind a file, even if all is put back."""
        ages = self.access.greets or files.ages(migration.sql)
        self._aging = migration if ages else self._aging
        return ages

    def done(self, migration: Migration) -> None:
        """Note that a file was applied."""
        self.is_used = True
        if migration is self._aging:
            self._is_old = True
            self.access = self.access._replace(greets=self.access.greets or files.greets(migration.sql))

    def start_over(self) -> None:
        """Roll back, and go on in a new session: what functions have made of what was rolled back, stays."""
        database.roll_back(self.access.connection)
        database.start_over(self.access.connection)
        self._has_failed = True
        self._is_old = self._is_old or self.access.connection.closed  # exit_on_error

    def renew(self, migration: Migration) -> None:
        """Go on in a new session where this file would find another one than with psql.

        What files before it have set for the database or the role is there then, and not what functions have
        made of types that are no more. Where no second session is let in, the old one goes first. Raises
        ``CannotConnect`` and what else keeps a session from being begun; no file is at work then.
        """
        is_due = self._is_old or (self.is_used and files.remakes(migration.sql))
        if not (is_due or self._has_failed):
            return
        if is_due and self._aging and _ORIGIN in self._aging.sql and not self.access.connection.closed:
            database.send(self.access.connection, _LEAVE)
        connection = self._another() if is_due else self._perhaps_another()
        self._is_old = self._has_failed = self.is_used = False
        if connection:
            self._stack.close()  # the one before it, but for the caller's
            self._stack.enter_context(closing(connection))
            self.access = self.access._replace(connection=connection)

    def _another(self) -> Connection:
        try:
            return self.access.reconnect()
        except CannotConnect:  # full, as with a connection limit of 1
            self.access.connection.close()
            return self.access.reconnect(wait=_ENDING)

    def _perhaps_another(self) -> Connection | None:
        """Return a new session if one is let in: what a password was, may be none minutes later."""
        try:
            return self.access.reconnect()
        except RunnerError:
            return None

    def close(self) -> None:
        """End what is open in the session, and those that are not the caller's."""
        database.roll_back(self.access.connection)
        self._stack.close()
