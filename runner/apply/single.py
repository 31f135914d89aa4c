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
from runner.apply import envelope, failure, invalid, lock, notices
from runner.apply.course import Start
from runner.apply.event import Outcome, application
from runner.apply.watch import Watch
from runner.errors import IndexInvalid, SqlFailed
from runner.model import milliseconds

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from psycopg.pq.abc import PGresult

    from runner.apply.event import Noticed, Waiting, Working
    from runner.apply.run import Run
    from runner.database import Connection
    from runner.model import Applied

# What the runner itself does looks along no path, where an operator may lie in wait.
_SETTINGS = """
    select pg_catalog.set_config('search_path', '', false),
        pg_catalog.set_config('lock_timeout', {lock_timeout}, false),
        pg_catalog.set_config('statement_timeout', '0', false),
        pg_catalog.set_config('standard_conforming_strings', 'on', false),
        pg_catalog.set_config('row_security', 'off', false),
        pg_catalog.set_config('application_name', {application}, false);
"""

_NOTICE_LOSS = "set client_connection_check_interval = '1s';"

# A concurrent build waits for others on purpose; lock_timeout, striking, would leave its index invalid. What
# waits otherwise lets nobody pass meanwhile, and may be tried again: nothing has begun.
_WAIT = "set lock_timeout = 0;"

# Null is what the session began with.
_HAND_OVER = """
    select pg_catalog.set_config('statement_timeout', {statement_timeout}, false),
        pg_catalog.set_config('search_path', null, false);
"""


def apply(run: Run) -> Iterator[Waiting | Working | Outcome | Noticed]:
    """Apply and record the file at hand; yield while it waits or works, and what became of it. Writes."""
    migration, connection, heard = run.at_hand, run.access.connection, database.Notices()
    pid, lock_timeout = connection.pgconn.backend_pid, run.limits.lock_timeout
    start = Start(in_bytes=database.counts_bytes(connection))
    watching = Watch(run.access.reconnect, pid=pid, lock_timeout=lock_timeout, texts=(migration.sql,))
    try:
        yield from lock.take(run, lambda: ledger.try_lock(connection, session=True))
        with watching as watch:
            watch.begin(migration)
            rows = yield from _recorded(run, watch)
            if not ledger.is_to_do(migration, rows, previous=run.before.version):
                yield Outcome(migration, None)
                return
            if any(row.version == migration.version for row in rows):
                invalid.check_earlier(migration, connection)
            with database.hearing(connection, heard.hear):
                ms, trouble = yield from _run(run, watch)
        yield Outcome(migration, ms)
        yield from notices.told(migration, heard, start=start)
        if trouble:
            raise failure.lost_behind(migration) if isinstance(trouble, database.Error) else trouble
    except (SqlFailed, IndexInvalid):
        yield from notices.told(migration, heard, start=start)
        raise
    except database.Error as error:
        raise failure.around(error, migration, lost=database.is_lost(connection, error)) from error
    finally:
        database.roll_back(connection)
        database.start_over(connection)


def _recorded(run: Run, watch: Watch) -> Generator[Working, None, tuple[Applied, ...]]:
    """Return what the ledger says; it is made where there is none."""
    connection = run.access.connection
    rows = ledger.read(connection, series=run.at_hand.series)
    if rows is None:
        database.run(connection, database.opening(connection, access="read write"))
        ledger.create(connection)
        yield from _told(connection, "commit", watch)
    return rows or ()


def _run(run: Run, watch: Watch) -> Generator[Working, None, tuple[int, BaseException | None]]:
    """Mark the file as running, send its statement, look at the indexes, mark it as applied.

    Returns its milliseconds, and what has come since it is recorded, if anything did.
    """
    migration, connection, settings = run.at_hand, run.access.connection, _settings(run)
    wait = _WAIT if files.waits_for_others(migration.sql) else ""
    seen = database.invalid_before(connection)
    longest, text = milliseconds(run.limits.statement_timeout), _HAND_OVER
    if run.access.greets:
        settings, text = database.fill(envelope.KEEP, is_local=False) + settings, envelope.HAND_KEPT_OVER
    hand_over = database.fill(text, statement_timeout=longest, is_local=False)
    running = ledger.statement(ledger.RUNNING, migration)
    yield from _told(connection, settings + running + wait + hand_over, watch)
    started = time.monotonic()
    watch.begin(migration)
    try:
        results = yield from _followed(connection, migration.sql, watch)
    except KeyboardInterrupt:
        wrecks = invalid.left(connection, migration, before=seen)
        raise failure.interrupted(migration, invalid=wrecks) from None
    ms = math.ceil((time.monotonic() - started) * 1000)
    invalid.check(run, results, before=seen, watch=watch)
    done = settings + ledger.statement(ledger.DONE, migration, ms=ms)
    return ms, (yield from _record(run, done, watch))


def _record(run: Run, message: str, watch: Watch) -> Generator[Working, None, BaseException | None]:
    """Mark the file as applied; return what came before its answer, if it is applied all the same."""
    migration, connection = run.at_hand, run.access.connection
    try:
        [*_, done] = yield from _told(connection, message, watch)
    except GeneratorExit:
        raise
    except BaseException as trouble:  # a broken connection, Ctrl-C, or what somebody raises in this thread
        if isinstance(trouble, database.Error) and not database.is_lost(connection, trouble):
            raise
        from runner.apply import fate  # noqa: PLC0415 - failures only

        is_open = not isinstance(trouble, database.Error)  # Ctrl-C ends the wait for a standby
        if migration.version in fate.recorded(run, trouble, pid=watch.pid, is_open=is_open):
            return trouble
        if isinstance(trouble, KeyboardInterrupt):
            raise failure.interrupted(migration) from None
        raise
    if not done.command_tuples:
        raise ledger.swallowed(migration)
    return None


def _told(connection: Connection, message: str, watch: Watch) -> Generator[Working, None, list[PGresult]]:
    """Send a message of the runner's own and return its results. Raises what the server refuses."""
    results = yield from _followed(connection, message, watch)
    if rejected := database.failure(results):
        raise rejected
    return results


def _followed(connection: Connection, text: str, watch: Watch) -> Generator[Working, None, list[PGresult]]:
    """Send a message and return its results; cancel it when somebody wants an end."""
    results: list[PGresult] = []
    with database.Answer(connection, text, pause=watch.pause) as answer:
        for result in answer:
            if result:
                results.append(result)
            else:
                yield from watch.look()
    return results


def _settings(run: Run) -> str:
    longest = milliseconds(run.limits.lock_timeout)
    settings = database.fill(_SETTINGS, application=application(run.at_hand), lock_timeout=longest)
    return settings + (_NOTICE_LOSS if run.access.notices_loss else "")
