"""Apply pending files in order, each recorded with its work, as many in one message as belong together."""

from __future__ import annotations

from contextlib import ExitStack, closing, nullcontext
from typing import TYPE_CHECKING

from runner import database, files, ledger
from runner.apply import batch
from runner.apply.event import Outcome, Retrying, Started
from runner.errors import CannotConnect, LockTimeout
from runner.model import Before, Limits

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from runner.apply.event import Event
    from runner.database import Access, Connection
    from runner.model import Migration

RETRIES = 5
_MOST = 100  # files in one message
_QUICK = 100  # milliseconds: behind such files only the last commit of a message is waited for
_LONGEST = 1_000_000  # characters of them together; a longer file goes alone
_ENDING = 2.0  # seconds, in which the server ends a session that was closed


def apply(
    access: Access, migrations: Sequence[Migration], before: Before, limits: Limits | None = None
) -> Generator[Event, None, None]:
    """Apply pending files in order; yield when each begins, has to wait, and is committed. Writes.

    ``before`` is what the ledger says before the first file. Raises at the first file that fails; that
    file is rolled back. Whoever stops listening ends the file at hand, which is not always the one that was
    told of last: the server goes on meanwhile.
    """
    yield from Run(access, migrations, before, limits or Limits()).events()


def one_by_one(
    access: Access, migrations: Sequence[Migration], limits: Limits | None = None
) -> Iterator[Migration]:
    """Apply files to an empty database; yield each when it is committed, before the next begins. Writes."""
    before, is_old = Before(has_ledger=False), False
    for migration in migrations:
        with closing(access.reconnect()) if is_old else nullcontext(access.connection) as connection:
            list(apply(access._replace(connection=connection), [migration], before, limits))
        is_old = is_old or files.sets_for_sessions(migration.sql)
        before = Before(has_ledger=True, version=migration.version)
        yield migration


class Run:
    """The files that are still to be applied, and what the ledger says before the first of them."""

    def __init__(
        self, access: Access, migrations: Sequence[Migration], before: Before, limits: Limits
    ) -> None:
        self.access = access
        self.before = before
        self.limits = limits
        self.most = _MOST  # files in one message
        self.resets: Migration | None = None  # a file that is known to reset all settings, out of sight
        self.is_asynchronous = False  # whether of the message at hand only the last commit is waited for
        self._slowest = 0  # milliseconds, of the files since the message at hand began
        self._todo = list(reversed(migrations))
        self._tried = 0  # how often the file at hand was rolled back
        self._started: Migration | None = None
        self._is_old = False  # whether the session began before a file has set something for new ones
        self._stack = ExitStack()  # closes the session that is not the caller's

    @property
    def at_hand(self) -> Migration:
        """The next file."""
        return self._todo[-1]

    def events(self) -> Iterator[Event]:
        """Apply one part after the other.

        A file that another session's lock has stopped is repeated. The pauses grow and lie outside any
        transaction; there is no last try without a timeout.
        """
        try:
            while self._todo:
                try:
                    self._renew()
                    yield from self.start()
                    yield from self._part()
                except LockTimeout as error:
                    if self._tried == RETRIES or not self._may_repeat():
                        raise
                    yield from self._pause(error)
        finally:
            database.roll_back(self.access.connection)
            self._stack.close()

    def _part(self) -> Iterator[Event]:
        """Apply the next file that must not run in a transaction, or the next ones that do."""
        first = self.at_hand
        if first.in_transaction:
            yield from batch.apply(self, self._together())
            return
        from runner.apply import single  # noqa: PLC0415 - start-up time

        for event in single.apply(self):
            yield self.done(event.ms) if isinstance(event, Outcome) else event

    def _together(self) -> list[Migration]:
        found: list[Migration] = []
        length = 0
        for migration in reversed(self._todo[-self.most :]):
            length += len(migration.sql)
            if found and (length > _LONGEST or not migration.in_transaction):
                break
            found.append(migration)
            if self._ages(migration):
                break
        return found

    def _ages(self, migration: Migration) -> bool:
        """Tell whether the session is not as a new one behind a file, even if all is put back."""
        return self.access.greets or files.sets_for_sessions(migration.sql)

    def choose(self, migrations: Sequence[Migration]) -> None:
        """Decide whether of a message with some files only the last commit is waited for.

        What begins a history finds an empty database, and is quick.
        """
        is_quick = self._slowest <= _QUICK if self._slowest else not self.before.has_ledger
        self.is_asynchronous = is_quick and len(migrations) > 1
        self._slowest = 0

    def start(self) -> Iterator[Started]:
        """Say once of a file that it is at hand, if there is one."""
        if self._todo and self._started is not self.at_hand:
            self._started = self.at_hand
            yield Started(self._started)

    def done(self, ms: int | None) -> Outcome:
        """Take the file at hand off; it is committed."""
        migration = self._todo.pop()
        self.before = self.before._replace(has_ledger=True, version=migration.version)
        self._tried = 0
        self._slowest = max(self._slowest, ms or 0)
        self._is_old = self._is_old or self._ages(migration)
        return Outcome(migration, ms)

    def _renew(self) -> None:
        """Go on in a new session, so that a file finds what one before it has set for the database or role.

        As psql would, which begins one for each file. Where no second one is let in, the old one goes first.
        Raises ``CannotConnect`` and what else keeps a session from being begun; no file is at work then.
        """
        if not self._is_old:
            return
        self._is_old = False
        connection = self._another()
        self._stack.close()  # the one before it, but for the caller's
        self._stack.enter_context(closing(connection))
        self.access = self.access._replace(connection=connection)

    def _another(self) -> Connection:
        try:
            return self.access.reconnect()
        except CannotConnect:  # full, as with a connection limit of 1
            self.access.connection.close()
            return self.access.reconnect(wait=_ENDING)

    def plan_anew(self) -> Iterator[Event]:
        """Leave out what another runner has applied meanwhile. Raises what ``is_to_do`` raises."""
        series = self.at_hand.series
        rows = ledger.read(self.access.connection, series=series)
        self.before = self.before._replace(has_ledger=rows is not None)
        while self._todo and not ledger.is_to_do(self.at_hand, rows or (), previous=self.before.version):
            yield self.done(None)
        yield from self.start()

    def start_over(self) -> None:
        """Roll back, and leave nothing of the file at hand: a prepared statement outlives a rollback."""
        database.roll_back(self.access.connection)
        database.start_over(self.access.connection)
        is_gone = self.access.connection.closed  # exit_on_error
        self._is_old = self._is_old or is_gone or self._ages(self.at_hand)

    def _may_repeat(self) -> bool:
        first = self.at_hand
        return first.in_transaction or not files.commits_itself(first.sql)  # else a part of it may be done

    def _pause(self, reason: LockTimeout) -> Iterator[Retrying]:
        self.start_over()
        pause = self.limits.retry_pause * 2**self._tried
        self._tried += 1
        yield Retrying(self.at_hand, reason, pause)
        database.pause(pause)
