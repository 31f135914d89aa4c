"""Follow, by the results of a message, which of its files the server is at, and what it says of each."""

from __future__ import annotations

from bisect import bisect
from typing import TYPE_CHECKING, NamedTuple

from runner import database, ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.pq.abc import PGresult

    from runner.database import Heard, Notices
    from runner.model import Migration

_OF_TRANSACTIONS = (b"BEGIN", b"START TRANSACTION", b"COMMIT", b"ROLLBACK", b"PREPARE TRANSACTION")
UNREAD, OPENING, HANDED_OVER, RUNNING, ENDING, RECORDED = range(6)


class Start(NamedTuple):
    """Where a file begins in its message, as the server counts: in characters, or ``in_bytes``."""

    offset: int = 0
    in_bytes: bool = False

    def within(self, text: str, position: str | int) -> int:
        """Return where in a text that begins there a position of the server's is, in characters."""
        at = int(position) - 1 - self.offset
        return len(text.encode()[:at].decode(errors="ignore")) if self.in_bytes else at


FIRST = Start()


class Committed(NamedTuple):
    """A file that the server has committed, in how many milliseconds, and what was said of it."""

    migration: Migration
    ms: int
    heard: Notices
    start: Start


class Course:
    """Where the server is in a message.

    ``place`` is the file at hand; ``phase`` is what is done for it, and ``UNREAD`` while nothing was run;
    ``done`` of its statements are finished, ``ms`` milliseconds it took when it is recorded; ``refused`` is
    what ended the message. ``is_own`` says that the transaction behind the file was the one before it, by the
    setting that is gone with that; ``has_ended`` that the file said so.
    """

    def __init__(self, files: Sequence[Migration], starts: Sequence[int], *, in_bytes: bool = False) -> None:
        self.files = files
        self.starts = starts  # of each file in the message, as the server counts
        self.in_bytes = in_bytes
        self.place = 0
        self.told = 0  # of how many files was told that they are committed
        self.phase = UNREAD
        self.done = 0
        self.ms = 0
        self.is_own = True
        self.has_ended = False
        self.refused: database.Error | None = None
        self.heard = database.Notices()
        self.committed: list[Committed] = []  # what was said of them is not told yet
        self._early: list[Heard] = []

    @property
    def at_hand(self) -> Migration:
        """The file that is not known to be committed."""
        return self.files[self.place]

    @property
    def start(self) -> Start:
        """Where that file begins in the message."""
        return Start(self.starts[self.place], self.in_bytes)

    def hear(self, result: PGresult) -> None:
        """Take what the server says beside its results."""
        self.heard.hear(result)

    def take(self, result: PGresult) -> bool:
        """Take one result; tell whether it says that the file at hand is committed."""
        if error := database.failure([result]):
            self.refused = self.refused or error
        elif self.phase == RUNNING:
            self._run(result)
        elif self.phase == UNREAD:
            self.phase = OPENING
            self._early = [one._replace(statement=-1) for one in self.heard.kept]
        elif self.phase == OPENING and _has(result, ledger.BEGINS):
            self.phase = HANDED_OVER
            # What was said of the file while the message was parsed, not what the runner's own caused.
            self.heard = database.Notices(one for one in self._early if self._whose(one) == self.place)
        elif self.phase == HANDED_OVER:
            self.phase, self.is_own, self.has_ended = RUNNING, True, False
        elif self.phase == ENDING and _has(result, ledger.RECORDED):
            self.phase, self.is_own = RECORDED, True  # else the server would have refused it
            self.ms = int(result.get_value(0, 0) or 0)
        return self.is_own and self.phase == RECORDED and result.command_status == b"COMMIT"

    def _run(self, result: PGresult) -> None:
        if _has(result, ledger.ENDS):
            self.phase = ENDING
            self.is_own = (result.get_value(0, 0) or b"").decode().startswith(ledger.mark(self.at_hand))
        else:
            self.done += 1
            self.has_ended = self.has_ended or result.command_status in _OF_TRANSACTIONS
            self.heard.count()

    @property
    def is_over(self) -> bool:
        """Whether all files are committed."""
        return self.place == len(self.files)

    @property
    def untold(self) -> Sequence[Migration]:
        """The files that were not told of."""
        return self.files[self.told :]

    def go_on(self) -> None:
        """Note that the file at hand is committed, and the next one begins."""
        self.committed.append(Committed(self.at_hand, self.ms, self.heard, self.start))
        self.place, self.phase, self.done = self.place + 1, OPENING, 0
        self.heard = database.Notices()

    def at(self, position: int) -> int:
        """Return the file at an offset of the message, or the last one before it."""
        return max(bisect(self.starts, position) - 1, 0)

    def _whose(self, heard: Heard) -> int:
        """Return the file that holds the place, or at least the name, that a message gives."""
        if heard.statement_position:
            return self.at(int(heard.statement_position) - 1)
        if not heard.names:
            return 0
        ways = (str, str.lower)  # a name without quotes is told in small letters
        asked = ((number, way(one.sql)) for way in ways for number, one in enumerate(self.files))
        return next((number for number, text in asked if heard.names[0] in text), 0)


def _has(result: PGresult, column: bytes) -> bool:
    return result.nfields > 0 and result.fname(0) == column
