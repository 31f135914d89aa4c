"""Apply a file that must not run in a transaction, such as one ``create index concurrently``.

The ledger row says ``running`` before the statement and ``applied`` behind it; the lock is held by the
session. If the process dies in between, the server cancels the statement and the row stays ``running``:
the file is pending again, and since it may run twice, running it again is safe. What a failed concurrent
build leaves behind is an invalid index, over which ``if not exists`` would pass in silence; so after the
statement no index may be invalid.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner import database, ledger
from runner.apply import failure, lock, notices
from runner.apply.event import Outcome
from runner.errors import IndexInvalid, SqlFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.apply.event import Noticed, Waiting
    from runner.apply.turn import Turn
    from runner.database import Access, Connection
    from runner.model import Limits, Migration

_SETTINGS = """
    select pg_catalog.set_config('lock_timeout', {lock_timeout}, false),
        pg_catalog.set_config('statement_timeout', {statement_timeout}, false),
        pg_catalog.set_config('standard_conforming_strings', 'on', false),
        pg_catalog.set_config('application_name', {application}, false);
"""

_NOTICE_LOSS = "set client_connection_check_interval = '1s';"

# A concurrent build waits for others on purpose; lock_timeout, striking, would leave its index invalid.
_WAIT = "set lock_timeout = 0;"

# An index that somebody else is building right now is not ours to judge.
_INVALID = """
    select pg_catalog.format('%I.%I', n.nspname, c.relname)
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where not (i.indisvalid and i.indisready)
        and not exists (
            select from pg_catalog.pg_stat_progress_create_index as p where p.index_relid = i.indexrelid
        )
    order by 1
"""


def apply(turn: Turn, access: Access) -> Iterator[Waiting | Outcome | Noticed]:
    """Apply and record one file; yield while it waits, and what became of it. Writes."""
    migration, before, limits = turn.migration, turn.before, turn.limits
    connection, heard = access.connection, database.Notices()
    try:
        yield from lock.take(
            migration, connection, lambda: ledger.try_session_lock(connection), seconds=limits.wait_lock
        )
        if ledger.read(connection, series=migration.series) is None:
            database.run(connection, "begin")
            ledger.create(connection)
            database.run(connection, "commit")
        [recheck] = database.run(connection, ledger.recheck_message(migration, previous=before.version))
        if not ledger.is_to_do(migration, ledger.pairs(recheck), previous=before.version):
            yield Outcome(migration, None)
            return
        with database.hearing(connection, heard):
            ms = _run(migration, access, limits)
        yield Outcome(migration, ms)
        yield from notices.told(migration, heard)
    except (SqlFailed, IndexInvalid):
        yield from notices.told(migration, heard)
        raise
    except database.Error as error:
        raise failure.around(error, migration, lost=database.is_lost(connection, error)) from error
    finally:
        database.roll_back(connection)
        database.start_over(connection)


def _run(migration: Migration, access: Access, limits: Limits) -> int:
    """Mark the file as running, send its statement, look at the indexes, mark it as applied."""
    connection = access.connection
    settings = database.fill(
        _SETTINGS,
        application=f"runner:{migration.path}",
        lock_timeout=f"{round(limits.lock_timeout * 1000)}ms",
        statement_timeout=f"{round(limits.statement_timeout * 1000)}ms",
    ) + (_NOTICE_LOSS if access.notices_loss else "")
    database.run(connection, settings + ledger.running_message(migration) + _WAIT)
    started = time.monotonic()
    try:
        results = database.send(connection, migration.sql)
    except KeyboardInterrupt:
        raise failure.interrupted(migration, invalid=_invalid(connection)) from None
    ms = round((time.monotonic() - started) * 1000)
    rejected = database.failure(results)
    if rejected and database.is_lost(connection, rejected):
        raise rejected
    invalid = _invalid(connection)
    if rejected:
        raise failure.failed(rejected, migration, done=len(results) - 1, invalid=invalid) from rejected
    if invalid:
        raise IndexInvalid(
            f"{migration.path} left or found an invalid index, {', '.join(invalid)}: it is not recorded.",
            remedy=f"{failure.drop_statements(invalid)} Then run again.",
        )
    database.run(connection, settings + ledger.done_message(migration, ms=ms))
    return ms


def _invalid(connection: Connection) -> tuple[str, ...]:
    """Put the session's settings back and return the invalid indexes; none when it is closed."""
    if connection.closed:
        return ()
    database.put_back(connection)
    return tuple(name for (name,) in database.query(connection, _INVALID))
