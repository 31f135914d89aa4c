"""Apply a file that must not run in a transaction, such as one ``create index concurrently``.

The ledger row says ``running`` before the statement and ``applied`` behind it; the lock is held by the
session. If the process dies in between, the server cancels the statement and the row stays ``running``:
the file is pending again, and since it may run twice, running it again is safe. What a failed concurrent
build leaves behind is an invalid index, over which ``if not exists`` would pass in silence; so after the
statement no index that it made or names may be invalid.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from runner import database, files, ledger
from runner.apply import failure, limit, lock, notices
from runner.apply.event import Outcome, application
from runner.apply.watch import Watch
from runner.errors import IndexInvalid, SqlFailed
from runner.model import milliseconds

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from psycopg.pq.abc import PGresult

    from runner.apply.event import Noticed, Waiting, Working
    from runner.database import Access, Connection
    from runner.model import Before, Limits, Migration

_SETTINGS = """
    select pg_catalog.set_config('lock_timeout', {lock_timeout}, false),
        pg_catalog.set_config('statement_timeout', '0', false),
        pg_catalog.set_config('standard_conforming_strings', 'on', false),
        pg_catalog.set_config('row_security', 'off', false),
        pg_catalog.set_config('application_name', {application}, false);
"""

_NOTICE_LOSS = "set client_connection_check_interval = '1s';"

# A concurrent build waits for others on purpose; lock_timeout, striking, would leave its index invalid. What
# waits otherwise lets nobody pass meanwhile, and may be tried again: nothing has begun.
_WAIT = "set lock_timeout = 0;"

# Null is the statement_timeout that the session began with.
_LONGEST = "select pg_catalog.set_config('statement_timeout', {statement_timeout}, false);"


def apply(
    migration: Migration, access: Access, before: Before, limits: Limits
) -> Iterator[Waiting | Working | Outcome | Noticed]:
    """Apply and record one file; yield while it waits or works, and what became of it. Writes."""
    connection, heard = access.connection, database.Notices()
    try:
        yield from lock.take(
            migration, connection, lambda: ledger.try_session_lock(connection), seconds=limits.wait_lock
        )
        rows = ledger.read(connection, series=migration.series)
        if rows is None:
            database.run(connection, database.opening(connection, access="read write"))
            ledger.create(connection)
            database.run(connection, "commit")
        if not ledger.is_to_do(migration, rows or (), previous=before.version):
            yield Outcome(migration, None)
            return
        if any(row.version == migration.version for row in rows or ()):
            _check_earlier(migration, connection)
        with database.hearing(connection, heard):
            ms = yield from _run(migration, access, limits)
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


def _check_earlier(migration: Migration, connection: Connection) -> None:
    """Raise ``IndexInvalid`` for what a try before has left where the server chooses the name.

    To build one more would leave that behind.
    """
    index, table = files.indexes(migration.sql)
    if table and index is None and (invalid := database.invalid_earlier(connection, table=table)):
        raise _invalid_index(migration, invalid)


def _invalid_index(migration: Migration, invalid: tuple[str, ...]) -> IndexInvalid:
    return IndexInvalid(
        f"{migration.path} left or found an invalid index, {', '.join(invalid)}: it is not recorded.",
        remedy=f"{failure.drop_statements(invalid)} Then run again.",
    )


def _run(migration: Migration, access: Access, limits: Limits) -> Generator[Working, None, int]:
    """Mark the file as running, send its statement, look at the indexes, mark it as applied."""
    connection, settings = access.connection, _settings(migration, access, limits)
    wait = _WAIT if files.waits_for_others(migration.sql) else ""
    before = database.invalid_before(connection)
    message = settings + ledger.running_message(migration) + wait + _longest(limits)
    database.run(connection, message)
    started = time.monotonic()
    pid = connection.pgconn.backend_pid
    with Watch(access.reconnect, pid=pid, lock_timeout=limits.lock_timeout) as watch:
        watch.begin(migration)
        try:
            results = yield from _followed(connection, migration, watch)
        except KeyboardInterrupt:
            raise failure.interrupted(migration, invalid=_invalid(connection, migration, before)) from None
    ms = math.ceil((time.monotonic() - started) * 1000)
    _check(migration, connection, results, before=before, watch=watch, limits=limits)
    done = database.run(connection, settings + ledger.done_message(migration, ms=ms))[-1]
    if not done.command_tuples:
        raise ledger.swallowed(migration)
    return ms


def _followed(
    connection: Connection, migration: Migration, watch: Watch
) -> Generator[Working, None, list[PGresult]]:
    """Send the statement and return its results; cancel it when somebody wants an end."""
    results: list[PGresult] = []
    answer = database.Answer(connection, migration.sql, pause=watch.pause)
    try:
        for result in answer:
            if result:
                results.append(result)
            else:
                yield from watch.look()
    except database.Error:
        raise
    except BaseException:  # Ctrl-C, what somebody raises in this thread, or whoever listens has had enough
        answer.cancel()
        raise
    return results


def _settings(migration: Migration, access: Access, limits: Limits) -> str:
    settings = database.fill(
        _SETTINGS,
        application=application(migration),
        lock_timeout=milliseconds(limits.lock_timeout),
    )
    return settings + (_NOTICE_LOSS if access.notices_loss else "")


def _longest(limits: Limits) -> str:
    longest = limits.statement_timeout
    return database.fill(_LONGEST, statement_timeout=milliseconds(longest))


def _check(  # noqa: PLR0913 - what is known of one statement, keyword-only
    migration: Migration,
    connection: Connection,
    results: list[PGresult],
    *,
    before: str,
    watch: Watch,
    limits: Limits,
) -> None:
    """Raise what the statement gave: its error, or the invalid index over which it passed."""
    rejected = database.failure(results)
    if rejected and database.is_lost(connection, rejected):
        raise rejected
    invalid = _invalid(connection, migration, before)
    if rejected:
        done = len(results) - 1
        wants = watch.blocked.wants
        problem = failure.failed(
            rejected, migration, done=done, wants=wants, blockers=watch.lines, invalid=invalid
        )
        raise limit.explain(problem, rejected, connection, limits) from rejected
    if invalid:
        raise _invalid_index(migration, invalid)


def _invalid(connection: Connection, migration: Migration, before: str) -> tuple[str, ...]:
    """Put the session's settings back and return the invalid indexes; none when it is closed."""
    if connection.closed:
        return ()
    database.put_back(connection)
    index, table = files.indexes(migration.sql)
    return database.invalid_left(connection, before=before, index=index, table=table)
