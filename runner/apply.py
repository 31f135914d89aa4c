"""Apply files, each in a transaction that also records it: three messages, so three round trips.

1. ``begin``, the session's settings, the advisory lock, and the ledger read again under it;
2. the file, whole, as a message of its own - glued to anything else, a ``rollback`` or an open comment
   in it could swallow or fake the record;
3. a check that the transaction is still the same one, everything the file may have set put back, the
   ledger row, ``commit``.

If the process dies in between, the connection breaks and the server rolls back: neither the file's work
nor its row is there. ``client_connection_check_interval`` makes it notice within a second, even in the
middle of a long statement.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

from runner import database, failure, ledger
from runner.errors import ChecksumMismatch, CommitUnknown, LedgerChanged, LockHeld
from runner.model import Outcome, Started, Waiting

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from psycopg.pq.abc import PGresult

    from runner.database import Connection
    from runner.model import Migration, Step

WAIT_LOCK = 300.0  # seconds to wait for another runner
_POLL = 0.5  # seconds between two tries, spent outside any transaction
_CHANGED = "MG001"  # SQLSTATE of our own: the transaction is not the one we began

# set local: gone with the transaction, so a pooled server connection keeps none of it.
# client_connection_check_interval does not exist on Windows servers.
_BEGIN = """
    begin;
    set local lock_timeout = '5s';
    set local idle_in_transaction_session_timeout = '60s';
    select pg_catalog.set_config('application_name', {application}, true);
    select pg_catalog.set_config('client_connection_check_interval', '1s', true)
    where pg_catalog.version() !~* 'mingw|visual c';
"""

# The settings go first: the file may have put its own operators or role in our way.
_END = """
    reset session authorization;
    reset role;
    reset all;
    do $runner$
    begin
        if pg_catalog.pg_current_xact_id_if_assigned()::text is distinct from {xid} then
            raise exception 'the file ended its transaction' using errcode = {changed};
        end if;
    end
    $runner$;
"""


def apply(
    connection: Connection,
    steps: Sequence[Step],
    *,
    has_ledger: bool,
    previous: str | None,
    wait_lock: float = WAIT_LOCK,
) -> Iterator[Started | Waiting | Outcome]:
    """Apply pending steps in order; yield when each begins, has to wait, and is committed. Writes.

    ``previous`` is the version recorded before the first step; ``wait_lock`` bounds, in seconds, the wait
    for another runner. Raises at the first step that fails; that step is rolled back.
    """
    for step in steps:
        if (migration := step.migration) is None:
            continue
        yield Started(step)
        try:
            message = database.fill(_BEGIN, application=f"runner:{migration.path}") + ledger.LOCK
            if has_ledger:
                message += ledger.recheck_message(migration, previous=previous)
            results = yield from _lock(step, connection, message, seconds=wait_lock)
            recorded = _pairs(results[-1]) if has_ledger else _bootstrap(connection, migration)
            todo = _is_to_do(migration, recorded, previous)
            ms = _run(connection, migration, xid=ledger.xid(results)) if todo else None
        except psycopg.Error as error:
            lost = connection.broken or connection.closed
            raise (failure.lost if lost else failure.failed)(error, migration) from error
        finally:
            database.roll_back(connection)
        yield Outcome(step, ms)
        has_ledger, previous = True, step.version


def _lock(
    step: Step, connection: Connection, message: str, *, seconds: float
) -> Generator[Waiting, None, list[PGresult]]:
    """Begin a transaction that holds the lock: try, and sleep outside any transaction between two tries.

    A blocking wait would be in a transaction, and deadlock with the holder's ``create index concurrently``
    (golang-migrate issue 960).
    """
    deadline = time.monotonic() + seconds
    told = False
    while True:
        results = database.run(connection, message)
        if ledger.xid(results):
            return results
        database.roll_back(connection)
        if not told or time.monotonic() >= deadline:
            holders = ledger.holders(connection)
        if time.monotonic() >= deadline:
            raise LockHeld(
                f"Another runner is at work on this database; gave up after {seconds:g} s.",
                remedy="Try again when it has finished, or wait longer with --wait-lock.",
                notes=holders,
            )
        if not told:
            yield Waiting(step, holders)
            told = True
        time.sleep(_POLL)


def _pairs(result: PGresult) -> dict[str, str]:
    rows = ((result.get_value(i, 0), result.get_value(i, 1)) for i in range(result.ntuples))
    return {(version or b"").decode(): (checksum or b"").decode() for version, checksum in rows}


def _bootstrap(connection: Connection, migration: Migration) -> dict[str, str]:
    """Create the ledger in the first file's own transaction, unless another runner was faster."""
    rows = ledger.read(connection, series=migration.series)
    if rows is None:
        ledger.create(connection)
    return {row.version: row.checksum for row in rows or ()}


def _is_to_do(migration: Migration, recorded: dict[str, str], previous: str | None) -> bool:
    """Compare the plan with what the ledger says under the lock; another runner may have been here."""
    if previous is not None and previous not in recorded:
        raise LedgerChanged(
            f"{migration.series} {previous} is no longer recorded: somebody rolled it back just now.",
            remedy="Look at `status`, then run again.",
        )
    checksum = recorded.get(migration.version)
    if checksum not in (None, migration.checksum):
        raise ChecksumMismatch(
            f"Another runner has just applied {migration.path} with other content.",
            remedy="Run one version of the files only; see `verify` for the difference.",
        )
    return checksum is None


def _run(connection: Connection, migration: Migration, *, xid: str) -> int:
    """Send the file, check that its transaction still stands, record and commit. Return milliseconds."""
    started = time.monotonic()
    results = database.send(connection, migration.sql)
    ms = round((time.monotonic() - started) * 1000)
    if rejected := database.failure(results):
        if connection.broken:
            raise rejected
        raise failure.failed(rejected, migration, done=len(results) - 1) from rejected
    if not database.in_transaction(connection):
        raise failure.ended(migration)
    message = database.fill(_END, xid=xid, changed=_CHANGED) + ledger.record_message(migration, ms=ms)
    try:
        results = database.send(connection, message + "commit;")
    except psycopg.OperationalError as error:
        raise CommitUnknown(
            f"The connection was lost while {migration.path} was being committed.",
            remedy="It is applied and recorded, or neither: `status` tells. Then run again.",
        ) from error
    if refused := database.failure(results):
        changed = refused.sqlstate == _CHANGED
        raise (failure.ended(migration) if changed else failure.failed(refused, migration)) from refused
    if results[-1].command_status != b"COMMIT":
        raise failure.ended(migration)
    return ms
