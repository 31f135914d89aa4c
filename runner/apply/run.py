"""Apply pending files in order, each recorded with its work, as many in one message as belong together."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from runner import database, files, ledger
from runner.apply import batch
from runner.apply.event import Outcome, Retrying, Started
from runner.apply.sessions import Sessions
from runner.errors import LockTimeout
from runner.model import Before, Limits

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from runner.apply.event import Event
    from runner.database import Access
    from runner.model import Migration

RETRIES = 5
_MOST = 100  # files in one message
_QUICK = 100  # milliseconds: behind such files only the last commit of a message is waited for
_LONGEST = 1_000_000  # characters of them together; a longer file goes alone


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
    run = Run(access, migrations, Before(has_ledger=False), limits or Limits())
    run.most = 1
    with closing(run.sessions):
        for left, migration in zip(range(len(migrations), 0, -1), migrations, strict=True):
            while run.left == left:
                list(run.step())
            yield migration


class Run:
    """The files that are still to be applied, and what the ledger says before the first of them."""

    def __init__(
        self, access: Access, migrations: Sequence[Migration], before: Before, limits: Limits
    ) -> None:
        self.sessions = Sessions(access)
        self.before = before
        self.limits = limits
        self.most = _MOST  # files in one message
        self.resets: Migration | None = None  # a file that is known to reset all settings, out of sight
        self.is_asynchronous = False  # whether of the message at hand only the last commit is waited for
        self._slowest = 0  # milliseconds, of the files since the message at hand began
        self._todo = list(reversed(migrations))
        self._tried = 0  # how often the file at hand was rolled back
        self._started: Migration | None = None

    @property
    def access(self) -> Access:
        """The session of the file at hand."""
        return self.sessions.access

    @property
    def at_hand(self) -> Migration:
        """The next file."""
        return self._todo[-1]

    @property
    def left(self) -> int:
        """How many files are still to be applied."""
        return len(self._todo)

    def events(self) -> Iterator[Event]:
        """Apply one part after the other."""
        with closing(self.sessions):
            while self._todo:
                yield from self.step()

    def step(self) -> Iterator[Event]:
        """Apply the next part, or pause behind what came of it.

        A file that another session's lock has stopped is repeated. The pauses grow and lie outside any
        transaction; there is no last try without a timeout.
        """
        try:
            self.sessions.renew(self.at_hand)
            yield from self.start()
            yield from self._part()
        except LockTimeout as error:
            if self._tried == RETRIES or not self._may_repeat():
                raise
            yield from self._pause(error)

    def _part(self) -> Iterator[Event]:
        """Apply the next file that must not run in a transaction, or the next ones that do."""
        first = self.at_hand
        if first.in_transaction:
            yield from batch.apply(self, self._together())
            return
        from runner.apply import single  # noqa: PLC0415 - start-up time

        self.sessions.ages(first)
        for event in single.apply(self):
            yield self.done(event.ms) if isinstance(event, Outcome) else event

    def _together(self) -> list[Migration]:
        found: list[Migration] = []
        length = 0
        for migration in reversed(self._todo[-self.most :]):
            length += len(migration.sql)
            if found and (length > _LONGEST or not migration.in_transaction):
                break
            ages = self.sessions.ages(migration)
            if found and ages and files.remakes(migration.sql):
                break
            found.append(migration)
            if ages:
                break
        return found

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
        self.sessions.done(migration)
        return Outcome(migration, ms)

    def plan_anew(self) -> Iterator[Event]:
        """Leave out what another runner has applied meanwhile. Raises what ``is_to_do`` raises."""
        series = self.at_hand.series
        rows = ledger.read(self.access.connection, series=series)
        self.before = self.before._replace(has_ledger=rows is not None)
        while self._todo and not ledger.is_to_do(self.at_hand, rows or (), previous=self.before.version):
            self.sessions.ages(self.at_hand)
            yield self.done(None)
        yield from self.start()

    def _may_repeat(self) -> bool:
        first = self.at_hand
        return first.in_transaction or not files.commits_itself(first.sql)  # else a part of it may be done

    def _pause(self, reason: LockTimeout) -> Iterator[Retrying]:
        self.sessions.start_over()
        pause = self.limits.retry_pause * 2**self._tried
        self._tried += 1
        yield Retrying(self.at_hand, reason, pause)
        database.pause(pause)
