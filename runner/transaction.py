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
from runner.errors import CommitUnknown, RunnerError
from runner.model import Before, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.pq.abc import PGresult

    from runner.database import Access, Connection
    from runner.model import Limits, Migration, Step, Waiting

_CHANGED = "MG001"  # SQLSTATE of our own: the transaction is not the one we began
_NO_SUCH_ID = "22023"  # what pg_xact_status says of an id that lies in the future, as after a crash
_RESOLVE_LOST = 15.0  # seconds: a server that restarts is back by then, or the answer stays unknown
_RESOLVE_INTERRUPTED = 1.0  # seconds: whoever pressed Ctrl-C does not wait for long

# Gone with the transaction, so a pooled server connection keeps none of it.
# client_connection_check_interval does not exist on Windows servers.
_SETTINGS = """
    select pg_catalog.set_config('lock_timeout', {lock_timeout}, true),
        pg_catalog.set_config('statement_timeout', {statement_timeout}, true),
        pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true),
        pg_catalog.set_config('standard_conforming_strings', 'on', true),
        pg_catalog.set_config('application_name', {application}, true);
    select pg_catalog.set_config('client_connection_check_interval', '1s', true)
    where pg_catalog.version() !~* 'mingw|visual c';
"""

# Read committed, whatever the database's default: a snapshot from before the lock would show an old ledger.
_BEGIN = "begin isolation level read committed read write;" + _SETTINGS

# What was deferred runs as the file left its session, as it would with psql -1. Then all that a file can
# leave behind goes, the settings first: it may have put its own operators or role in our way.
_PUT_BACK = """
    set constraints all immediate;
    reset session authorization;
    reset role;
    reset all;
"""
_CHECK = """
    close all;
    unlisten *;
    deallocate all;
    discard temp;
    discard sequences;
    select pg_catalog.pg_advisory_unlock_all();
    do $runner$
    begin
        if pg_catalog.pg_current_xact_id_if_assigned()::text is distinct from {xid} then
            raise exception 'the file ended its transaction' using errcode = {changed};
        end if;
    end
    $runner$;
"""
_END = _PUT_BACK + _SETTINGS + _CHECK


def apply(step: Step, access: Access, before: Before, limits: Limits) -> Iterator[Waiting | Outcome]:
    """Apply and record one file; yield while it waits, and what became of it once that is certain. Writes."""
    migration, connection = step.file, access.connection
    settings = _values(migration, limits)
    message = database.fill(_BEGIN, **settings) + ("" if before.has_ledger else ledger.FIRST) + ledger.LOCK
    message += ledger.recheck_message(migration, previous=before.version)
    try:
        results = yield from lock.take(
            step, connection, lambda: _attempt(connection, message), seconds=limits.wait_lock
        )
        if not ledger.is_to_do(migration, ledger.pairs(results[-1]), previous=before.version):
            yield Outcome(step, None)
            return
        xid = ledger.xid(results)
        with blockers.Watch(access.reconnect, pid=connection.pgconn.backend_pid) as watch:
            ms = _run(migration, connection, watch)
            end = database.fill(_END, xid=xid, changed=_CHANGED, **settings)
            end += ledger.record_message(migration, ms=ms) + "commit;"
            trouble = _commit(migration, access, watch, end, xid=xid)
        yield Outcome(step, ms)
        if trouble:
            raise trouble
    except database.Error as error:
        if error.sqlstate == ledger.APPEARED and ledger.read(connection, series=migration.series) is not None:
            yield from apply(step, access, Before(has_ledger=True), limits)
            return
        raise failure.around(error, migration, lost=database.is_lost(connection, error)) from error
    finally:
        database.roll_back(connection)


def _values(migration: Migration, limits: Limits) -> dict[str, str]:
    """Return what the settings of a file are."""
    return {
        "application": f"runner:{migration.path}",
        "lock_timeout": f"{round(limits.lock_timeout * 1000)}ms",
        "statement_timeout": f"{round(limits.statement_timeout * 1000)}ms",
    }


def _attempt(connection: Connection, message: str) -> list[PGresult] | None:
    """Begin and try the lock; roll back when somebody else holds it."""
    results = database.send(connection, message)
    refused = database.failure(results)
    if refused is None and ledger.xid(results):
        return results
    database.roll_back(connection)
    if refused and refused.sqlstate != ledger.HELD:
        raise refused
    return None


def _run(migration: Migration, connection: Connection, watch: blockers.Watch) -> int:
    """Send the file and check that its transaction still stands. Return milliseconds."""
    started = time.monotonic()
    try:
        results = database.send(connection, migration.sql, idle=watch.look)
    except KeyboardInterrupt:
        raise failure.interrupted(migration) from None
    ms = round((time.monotonic() - started) * 1000)
    if rejected := database.failure(results):
        if database.is_lost(connection, rejected):
            raise rejected
        done = len(results) - 1
        raise failure.failed(rejected, migration, done=done, blockers=watch.seen) from rejected
    if not database.in_transaction(connection):
        raise failure.ended(migration)
    database.speak_utf8(connection)
    return ms


def _commit(
    migration: Migration, access: Access, watch: blockers.Watch, message: str, *, xid: str
) -> BaseException | None:
    """Record and commit. Return what went wrong behind the commit, raise what went wrong before it."""
    try:
        results = database.send(access.connection, message, idle=watch.look)
    except (database.ConnectionBroken, KeyboardInterrupt) as trouble:
        return _resolved(migration, access, xid, trouble)
    if refused := database.failure(results):
        if database.is_lost(access.connection, refused):
            return _resolved(migration, access, xid, refused)
        if refused.sqlstate == _CHANGED:
            raise failure.ended(migration) from refused
        raise failure.failed(refused, migration, blockers=watch.seen) from refused
    if results[-1].command_status != b"COMMIT":
        raise failure.ended(migration)
    return None


def _resolved(migration: Migration, access: Access, xid: str, trouble: BaseException) -> BaseException:
    """Find out what became of a commit whose answer did not come.

    Returns the trouble when it is committed, raises it when it is not, or when nobody knows.
    """
    interrupted = isinstance(trouble, KeyboardInterrupt)
    status = _status(migration, access, xid, seconds=_RESOLVE_INTERRUPTED if interrupted else _RESOLVE_LOST)
    if status == "committed":
        return trouble if interrupted else failure.lost_behind(migration)
    if status == "aborted":
        raise (failure.interrupted if interrupted else failure.lost_before)(migration) from None
    raise CommitUnknown(
        f"No answer came while {migration.path} was being committed, and none comes to a question about it.",
        remedy="It is applied and recorded, or neither: `status` tells. Then run again.",
    ) from trouble


def _status(migration: Migration, access: Access, xid: str, *, seconds: float) -> str | None:
    """Ask for the fate of a transaction until it has one, on a new connection; ``None`` if nobody answers.

    It is committed when its id says so and the row is there. The id alone would lie after a crash, when a
    server gives ids again that were never written to its log; the row alone, when another runner wrote it.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with access.reconnect() as connection:
                [(status,)] = database.query(connection, "select pg_catalog.pg_xact_status(%s::xid8)", xid)
                rows = ledger.read(connection, series=migration.series) or ()
            if status != "in progress":
                recorded = any(row.version == migration.version for row in rows)
                return "committed" if status == "committed" and recorded else "aborted"
        except database.Error as error:
            if error.sqlstate == _NO_SUCH_ID:
                return "aborted"
        except RunnerError:
            pass  # not back yet
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.2)
