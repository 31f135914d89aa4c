"""Apply some files in one message, so in one round trip: each in a transaction that also records it.

For each file the message says: ``begin`` and settings, the advisory lock, the ledger read again under it, the
file, everything put back that it may have set, the ledger row, ``commit``. The server decides, and what fails
ends the message: what is committed stays, and nothing behind the failure is run. That no file can be recorded
that did not run whole in the transaction that records it, whatever it is glued to, three things make sure:

- a file that ends its transaction loses the setting without which it cannot be recorded;
- a file that leaves a string or a comment open makes the server refuse the whole message, unread;
- should it swallow the beginning of the next file, that one cannot be recorded either.

If the process dies the connection breaks, and the server rolls back the file at hand: it notices at the next
file, or within a second in the middle of a long statement (``client_connection_check_interval``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from runner import database, ledger
from runner.apply import course, envelope, failure, follow, limit, lock, notices
from runner.apply.watch import Watch
from runner.errors import SqlFailed, TransactionEnded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.apply.course import Course
    from runner.apply.event import Event
    from runner.apply.run import Run
    from runner.model import Migration

_CANCELLED = "57014"
_NO_SUCH_LETTER = "22P05"
_READ_ONLY = "select 'a file that is read and not run'::pg_catalog.int4;\n"  # it fails before the file begins


def apply(run: Run, files: Sequence[Migration], *, opened: bool = False) -> Iterator[Event]:
    """Apply and record the next files of a run, or as many as come to be; yield what happens. Writes.

    ``opened`` says that a transaction stands open in which the lock is held. What is committed is told of,
    and is off the run, before anything is raised.
    """
    access, connection = run.access, run.access.connection
    pid = connection.pgconn.backend_pid
    try:
        database.speak_plainly(connection)
        if not opened:
            run.choose(files)
        text, starts = envelope.message(
            files, access, run.before, run.limits, opened=opened, asynchronous=run.is_asynchronous
        )
        way = course.Course(files, starts)
        watching = Watch(
            access.reconnect,
            pid=pid,
            lock_timeout=run.limits.lock_timeout,
            unheard=files if run.is_asynchronous else (),
        )
        with watching as watch, database.hearing(connection, way):
            watch.begin(way.at_hand)
            answer = database.Answer(connection, text, pause=watch.pause)
            yield from follow.follow(run, way, answer, watch)
        del text
        if way.place < len(files):
            yield from _refused(run, way, watch, opened=opened)
    except (SqlFailed, TransactionEnded):
        database.roll_back(connection)
        yield from notices.told(way.at_hand, way.heard, start=way.start)
        raise
    except database.Error as error:
        raise failure.around(error, files[0], lost=database.is_lost(connection, error)) from error
    finally:
        database.roll_back(connection)


def _refused(run: Run, way: Course, watch: Watch, *, opened: bool) -> Iterator[Event]:
    """Do what helps when the message ended before its time, or raise why it did."""
    error, migration, connection = way.refused, way.at_hand, run.access.connection
    if error is None:
        raise failure.ended(migration)
    if way.phase == course.UNREAD:
        yield from _unread(run, way, error, opened=opened)
    elif way.phase == course.OPENING:
        yield from _not_opened(run, way, error)
    elif not way.is_own:
        raise failure.ended(migration) from error
    else:
        done = way.done if way.phase == course.RUNNING else None
        problem = failure.failed(
            error, migration, done=done, start=way.start, wants=watch.blocked.wants, blockers=watch.lines
        )
        raise limit.explain(problem, error, connection, run.limits) from error


def _unread(run: Run, way: Course, error: database.Error, *, opened: bool) -> Iterator[Event]:
    """Find the file for which the server refused to run anything, by sending fewer of them."""
    database.roll_back(run.access.connection)
    position = error.diag.statement_position
    if len(way.files) > 1:
        run.most = max(way.at(int(position) - 1) if position else len(way.files) // 2, 1)
    elif error.sqlstate == _CANCELLED and not opened:
        yield from lock.open_first(run)  # where no timeout counts, to parse a long message may take its time
        yield from apply(run, way.files, opened=True)
    else:
        _raise_unread(run, way, error)


def _raise_unread(run: Run, way: Course, error: database.Error) -> NoReturn:
    """Raise what is wrong with a file that the server does not even read."""
    migration, start = way.at_hand, way.start
    if error.diag.statement_position:
        alone = database.failure(database.send(run.access.connection, _READ_ONLY + migration.sql))
        if alone and alone.diag.statement_position:
            error, start = alone, len(_READ_ONLY)
    done = 0 if error.diag.statement_position or error.sqlstate == _NO_SUCH_LETTER else None
    problem = failure.failed(error, migration, done=done, start=start)
    raise limit.explain(problem, error, run.access.connection, run.limits) from error


def _not_opened(run: Run, way: Course, error: database.Error) -> Iterator[Event]:
    """Wait for the lock and go on, or plan anew, or raise what else spoke against the file."""
    migration = way.at_hand
    database.roll_back(run.access.connection)
    if ledger.is_stale(error):
        return
    if ledger.is_held(error):
        yield from lock.open_first(run)
        yield from apply(run, way.files[way.place :], opened=True)
    elif ledger.is_outdated(error) or error.sqlstate == ledger.APPEARED:
        before = run.before
        yield from run.plan_anew()
        if run.before == before:
            raise failure.failed(error, migration) from error
    elif error.sqlstate == ledger.CHANGED:
        raise ledger.changed(error) from error
    else:
        raise failure.failed(error, migration) from error
