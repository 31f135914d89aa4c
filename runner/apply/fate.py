"""Find out, when a connection was lost, which of the files that were sent are applied."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from runner import database, ledger
from runner.apply import failure
from runner.errors import CommitUnknown, ConnectionLost, IntegrityError, RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.apply.course import Course
    from runner.apply.event import Event
    from runner.apply.run import Run
    from runner.database import Access, Answer, Connection
    from runner.model import Applied, Migration

_LOST = 15.0  # seconds: a server that restarts is back by then, or the answer stays unknown
_POLL = 0.2  # seconds
_INTERRUPTED = 1.0  # seconds: whoever pressed Ctrl-C does not wait for long

# The old session may not know yet that nobody listens, and go on with the files it has. Its number may be
# another's by now, or made up by a pooler.
_END = f"""{database.AS_LOGIN};
    select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
    where pid = %s and usename = session_user and datname = pg_catalog.current_database()
        and application_name like 'runner%%'
"""  # noqa: S608 - a text of ours


def broken_off(run: Run, way: Course, answer: Answer, trouble: BaseException, *, pid: int) -> Iterator[Event]:
    """Find out what is committed of the files that are left, tell of it, and raise what happened."""
    rest, lost = way.untold, isinstance(trouble, database.Error)
    if rest and (lost or run.access.connection.closed) and answer.is_sent:
        if not (lost or answer.is_heard):
            raise unknown(rest[0]) from trouble
        rows = recorded(run, trouble, pid=pid, is_open=run.is_asynchronous)
        while rest and rest[0].version in rows:
            yield run.done(rows[rest[0].version].execution_ms)
            rest = rest[1:]
    if isinstance(trouble, database.Error):
        raise failure.around(trouble, rest[0], lost=True) if rest else failure.lost_behind(way.files[-1])
    if isinstance(trouble, KeyboardInterrupt) and rest:
        raise failure.interrupted(rest[0]) from None
    raise trouble


def recorded(run: Run, trouble: BaseException, *, pid: int, is_open: bool) -> dict[str, Applied]:
    """End the session ``pid``, which was lost, and return the rows of the ledger by version, all durable.

    ``is_open`` says that not each commit was waited for. Raises ``CommitUnknown`` when nobody answers,
    ``ConnectionLost`` when another server does, which lacks what was committed.
    """
    migration, before = run.at_hand, run.before
    is_pressed = isinstance(trouble, KeyboardInterrupt)
    deadline = time.monotonic() + (_INTERRUPTED if is_pressed else _LOST)
    while True:
        with database.heeding(impatience(migration)) if is_pressed else nullcontext():
            rows = _attempt(migration, run.access, pid, is_open=is_open)
        if rows is not None:
            if before.version is not None and before.version not in rows:
                raise _taken_over(migration, before.version) from trouble
            return rows
        if time.monotonic() >= deadline:
            raise unknown(migration) from trouble
        database.pause(_POLL)


def unknown(migration: Migration) -> CommitUnknown:
    """Return the error that says so."""
    return CommitUnknown(
        f"No answer came while {migration.path} was being applied and committed, and none comes to a "
        "question about it.",
        remedy="It is applied and recorded, or neither, and so is each file that was sent with it: `status` "
        "tells. Then run again.",
    )


def _taken_over(migration: Migration, version: str) -> ConnectionLost:
    return ConnectionLost(
        f"The connection was lost while {migration.path} was being applied, and the server that answers now "
        f"has no record of {migration.series} {version}, which was committed before.",
        remedy="It may have taken over from one that is gone, without what that committed last: `status` "
        "tells what is applied. Then run again.",
    )


def impatience(migration: Migration) -> Callable[[float], None]:
    """Return whom to heed behind a Ctrl-C: a standby may be gone for good."""
    return database.silence(migration.series, seconds=_INTERRUPTED, is_final=True)


def _attempt(migration: Migration, access: Access, pid: int, *, is_open: bool) -> dict[str, Applied] | None:
    """Read the ledger under the lock, which the lost session does not hold then; ``None`` if it fails."""
    try:
        with access.reconnect() as connection:
            _end(connection, pid)
            database.run(connection, database.opening(connection, access="read write"))  # by no standby
            if not ledger.try_lock(connection):
                return None
            rows = ledger.read(connection, series=migration.series) or ()
            if rows and is_open:
                database.roll_back(connection)
                ledger.make_durable(connection, series=migration.series, version=rows[-1].version)
            return {row.version: row for row in rows if not row.running}
    except IntegrityError:
        raise  # it answers, and what is there is no ledger any more
    except (database.Error, RunnerError):
        return None  # not back yet


def _end(connection: Connection, pid: int) -> None:
    """End the lost session; where that is refused, whoever reads the ledger waits until it ends by itself."""
    try:
        database.run(connection, database.opening(connection, access="read write"))
        database.query(connection, _END, pid)
    except database.Error as error:
        if error.sqlstate is None:
            raise
    finally:
        database.roll_back(connection)
