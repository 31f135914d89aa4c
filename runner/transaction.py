"""Apply one file in a transaction that also records it: three messages, so three round trips.

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

from runner import blockers, database, failure, ledger, lock
from runner.errors import CommitUnknown, ConnectionLost, RunnerError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from psycopg.pq.abc import PGresult

    from runner.database import Access, Connection
    from runner.model import Before, Limits, Migration, Step, Waiting

_CHANGED = "MG001"  # SQLSTATE of our own: the transaction is not the one we began
_RESOLVE_SECONDS = 15.0  # a server that restarts is back by then, or the answer stays unknown

# set local: gone with the transaction, so a pooled server connection keeps none of it.
# client_connection_check_interval does not exist on Windows servers.
_BEGIN = """
    begin;
    select pg_catalog.set_config('lock_timeout', {lock_timeout}, true),
        pg_catalog.set_config('statement_timeout', {statement_timeout}, true),
        pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true),
        pg_catalog.set_config('application_name', {application}, true);
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


def apply(step: Step, access: Access, before: Before, limits: Limits) -> Generator[Waiting, None, int | None]:
    """Apply and record one file. Return its milliseconds, ``None`` if another runner had done so. Writes."""
    migration, connection = step.file, access.connection
    message = _begin_message(migration, limits) + ledger.LOCK
    if before.has_ledger:
        message += ledger.recheck_message(migration, previous=before.version)
    try:
        results = yield from lock.take(
            step, connection, lambda: _attempt(connection, message), seconds=limits.wait_lock
        )
        recorded = ledger.pairs(results[-1]) if before.has_ledger else _bootstrap(connection, migration)
        if not ledger.is_to_do(migration, recorded, previous=before.version):
            return None
        return _run(migration, access, xid=ledger.xid(results))
    except database.Error as error:
        lost = connection.broken or connection.closed
        raise (failure.lost if lost else failure.failed)(error, migration) from error
    finally:
        database.roll_back(connection)


def _begin_message(migration: Migration, limits: Limits) -> str:
    return database.fill(
        _BEGIN,
        application=f"runner:{migration.path}",
        lock_timeout=f"{round(limits.lock_timeout * 1000)}ms",
        statement_timeout=f"{round(limits.statement_timeout * 1000)}ms",
    )


def _attempt(connection: Connection, message: str) -> list[PGresult] | None:
    """Begin and try the lock; roll back when somebody else holds it."""
    results = database.run(connection, message)
    if ledger.xid(results):
        return results
    database.roll_back(connection)
    return None


def _bootstrap(connection: Connection, migration: Migration) -> dict[str, str]:
    """Create the ledger in the first file's own transaction, unless another runner was faster."""
    rows = ledger.read(connection, series=migration.series)
    if rows is None:
        ledger.create(connection)
    return {row.version: row.checksum for row in rows or () if not row.running}


def _run(migration: Migration, access: Access, *, xid: str) -> int:
    """Send the file, check that its transaction still stands, record and commit. Return milliseconds."""
    connection = access.connection
    started = time.monotonic()
    with blockers.Watch(access.reconnect, pid=connection.pgconn.backend_pid) as watch:
        results = database.send(connection, migration.sql)
    ms = round((time.monotonic() - started) * 1000)
    if rejected := database.failure(results):
        if connection.broken:
            raise rejected
        raise failure.failed(rejected, migration, done=len(results) - 1, blockers=watch.seen) from rejected
    if not database.in_transaction(connection):
        raise failure.ended(migration)
    message = database.fill(_END, xid=xid, changed=_CHANGED) + ledger.record_message(migration, ms=ms)
    try:
        results = database.send(connection, message + "commit;")
    except database.ConnectionBroken as error:
        raise _resolved(migration, access, xid) from error
    _check_committed(results, migration, access, xid)
    return ms


def _check_committed(results: Sequence[PGresult], migration: Migration, access: Access, xid: str) -> None:
    """Raise what went wrong between the file and its commit."""
    if refused := database.failure(results):
        if access.connection.broken:
            raise _resolved(migration, access, xid) from refused
        changed = refused.sqlstate == _CHANGED
        raise (failure.ended(migration) if changed else failure.failed(refused, migration)) from refused
    if results[-1].command_status != b"COMMIT":
        raise failure.ended(migration)


def _resolved(migration: Migration, access: Access, xid: str) -> RunnerError:
    """Find out what became of a commit whose answer was lost, by asking for its transaction id.

    A server that is just coming back, or still at work on the commit, is asked again for a while.
    """
    deadline = time.monotonic() + _RESOLVE_SECONDS
    while time.monotonic() < deadline:
        try:
            with access.reconnect() as connection:
                [(status,)] = database.query(connection, "select pg_catalog.pg_xact_status(%s::xid8)", xid)
        except (RunnerError, database.Error):
            status = None
        if status == "committed":
            return ConnectionLost(
                f"The connection was lost behind {migration.path}, which is committed and recorded.",
                remedy="Run again for what follows it.",
            )
        if status == "aborted":
            return ConnectionLost(
                f"The connection was lost while {migration.path} was being committed; it was rolled back.",
                remedy="Run again.",
            )
        time.sleep(0.5)
    return CommitUnknown(
        f"The connection was lost while {migration.path} was being committed; the server does not answer.",
        remedy="It is applied and recorded, or neither: `status` tells. Then run again.",
    )
