"""Apply one file in a transaction that also records it: two messages, so two round trips.

1. the file, whole, as a message of its own - glued to anything else, a ``rollback`` or an open comment
   in it could swallow or fake the record;
2. everything the file may have set put back, the ledger row, which can only be written in the transaction
   that was opened, ``commit``; and, when another file follows, the opening of its transaction: ``begin``, its
   settings, the advisory lock, and the ledger read again under it.

The first file's opening is a message of its own. If the process dies in between, the connection breaks and
the server rolls back: neither the file's work nor its row is there. ``client_connection_check_interval``
makes it notice within a second, even in the middle of a long statement.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

from runner import database, ledger
from runner.apply import blockers, envelope, failure, fate, limit, lock, notices
from runner.apply.event import Outcome
from runner.errors import SqlFailed, TransactionEnded
from runner.model import Before

if TYPE_CHECKING:
    from collections.abc import Generator

    from psycopg.pq.abc import PGresult

    from runner.apply.event import Noticed, Waiting
    from runner.apply.turn import Turn
    from runner.database import Access, Connection
    from runner.model import Limits, Migration

Opened: TypeAlias = "list[PGresult] | None"  # what opening a transaction gave


def apply(turn: Turn, access: Access, opened: Opened) -> Generator[Waiting | Outcome | Noticed, None, Opened]:
    """Apply and record one file; yield while it waits, and what became of it once that is certain. Writes.

    ``opened`` is what this returned for the file before: what came of opening the transaction of this one.
    ``None`` says that nothing is open.
    """
    migration, before, limits = turn.migration, turn.before, turn.limits
    connection, heard = access.connection, database.Notices()
    try:
        results = opened or (yield from _open(migration, access, before, limits))
        if not ledger.is_to_do(migration, ledger.pairs(results[-2]), previous=before.version):
            database.roll_back(connection)
            yield Outcome(migration, None)
            return None
        xid = ledger.xid(results)
        with (
            blockers.Watch(access.reconnect, pid=connection.pgconn.backend_pid) as watch,
            database.hearing(connection, heard),
        ):
            ms = _run(turn, connection, watch, heard)
            message = envelope.ending(turn, access, xid=xid, ms=ms)
            ahead, trouble = _commit(turn, access, watch, message, xid=xid)
        yield Outcome(migration, ms)
        yield from notices.told(migration, heard)
        if trouble:
            raise trouble
    except (SqlFailed, TransactionEnded):
        database.roll_back(connection)
        yield from notices.told(migration, heard)
        raise
    except database.Error as error:
        named = failure.around(error, migration, lost=database.is_lost(connection, error))
        database.roll_back(connection)
        raise named from error
    except BaseException:
        database.roll_back(connection)
        raise
    return ahead


def _open(
    migration: Migration, access: Access, before: Before, limits: Limits
) -> Generator[Waiting, None, list[PGresult]]:
    """Open the transaction of a file, as soon as nobody else holds the lock."""
    connection = access.connection
    message = envelope.opening(migration, before, limits, notices_loss=access.notices_loss)
    try:
        return (
            yield from lock.take(
                migration, connection, lambda: _attempt(connection, message), seconds=limits.wait_lock
            )
        )
    except database.Error as error:
        if error.sqlstate != ledger.APPEARED or ledger.read(connection, series=migration.series) is None:
            raise
    return (yield from _open(migration, access, Before(has_ledger=True), limits))


def _attempt(connection: Connection, message: str) -> Opened:
    """Begin and try the lock; roll back when somebody else holds it."""
    results = database.send(connection, message)
    refused = database.failure(results)
    if refused is None and ledger.xid(results):
        return results
    database.roll_back(connection)
    if refused and refused.sqlstate == ledger.CHANGED:
        raise ledger.changed(refused) from refused
    if refused and refused.sqlstate != ledger.HELD:
        raise refused
    return None


def _run(turn: Turn, connection: Connection, watch: blockers.Watch, heard: database.Notices) -> int:
    """Send the file and check that its transaction still stands. Return milliseconds."""
    migration, limits = turn.migration, turn.limits
    started = time.monotonic()
    try:
        done, rejected = database.tally(connection, migration.sql, notices=heard, idle=watch.look)
    except KeyboardInterrupt:
        raise failure.interrupted(migration) from None
    ms = round((time.monotonic() - started) * 1000)
    if rejected:
        if database.is_lost(connection, rejected):
            raise rejected
        problem = failure.failed(rejected, migration, done=done, blockers=watch.seen)
        raise limit.explain(problem, rejected, connection, limits) from rejected
    if not database.in_transaction(connection):
        raise failure.ended(migration)
    database.speak_utf8(connection)
    return ms


def _commit(
    turn: Turn, access: Access, watch: blockers.Watch, message: bytes, *, xid: str
) -> tuple[Opened, BaseException | None]:
    """Record and commit. Return what the next file's opening gave, and what went wrong behind the commit.

    Raises what went wrong before it.
    """
    migration = turn.migration
    try:
        results = database.send(access.connection, message, idle=watch.look)
    except (database.ConnectionBroken, KeyboardInterrupt) as trouble:
        return None, fate.resolve(migration, access, xid, trouble)
    refused = database.failure(results)
    if refused and database.is_lost(access.connection, refused):
        return None, fate.resolve(migration, access, xid, refused)
    ends = [number for number, result in enumerate(results) if result.command_status == b"COMMIT"]
    if not ends:
        if refused and not ledger.is_elsewhere(refused):
            problem = failure.failed(refused, migration, blockers=watch.seen)
            raise limit.explain(problem, refused, access.connection, turn.limits) from refused
        raise failure.ended(migration) from refused
    opened = results[ends[0] + 1 :]
    if refused is None and opened and ledger.xid(opened):
        return opened, None
    database.roll_back(access.connection)
    return None, None
