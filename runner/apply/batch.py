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
from runner.apply import blockers, course, envelope, failure, fate, limit, lock, notices
from runner.errors import SqlFailed, TransactionEnded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.apply.blockers import Watch
    from runner.apply.course import Course
    from runner.apply.event import Event
    from runner.apply.run import Run
    from runner.database import Answer
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
        text, starts = envelope.message(
            files, run.before, run.limits, notices_loss=access.notices_loss, opened=opened
        )
        way = course.Course(files, starts)
        with blockers.Watch(access.reconnect, pid=pid) as watch, database.hearing(connection, way):
            yield from _follow(run, way, database.Answer(connection, text), watch)
        del text
        if way.place < len(files):
            yield from _refused(run, way, watch.seen, opened=opened)
    except (SqlFailed, TransactionEnded):
        database.roll_back(connection)
        yield from notices.told(way.at_hand, way.heard, start=way.start)
        raise
    except database.Error as error:
        raise failure.around(error, files[0], lost=database.is_lost(connection, error)) from error
    finally:
        database.roll_back(connection)


def _follow(run: Run, way: Course, answer: Answer, watch: Watch) -> Iterator[Event]:
    """Tell of each file when it is committed, until the message is done, or can be followed no longer."""
    try:
        for result in answer:
            if result is None:
                way.heard.settle()
                watch.look()
            elif way.take(result):
                yield from _committed(run, way, watch)
        if way.refused is None or not database.is_lost(run.access.connection, way.refused):
            return
        trouble: BaseException = way.refused
    except GeneratorExit:
        answer.cancel()
        raise
    except database.Error as error:
        trouble = error
    except BaseException as error:  # Ctrl-C, or what somebody raises in this thread
        trouble = error
        for result in answer.cancel():
            if way.take(result):
                yield from _committed(run, way, watch)
    yield from _broken_off(run, way, answer, trouble, pid=watch.pid)


def _committed(run: Run, way: Course, watch: Watch) -> Iterator[Event]:
    """Tell of the file at hand and go on to the next one."""
    migration, heard, start = way.at_hand, way.heard, way.start
    way.go_on()
    watch.begin()
    yield run.done(way.ms)
    yield from notices.told(migration, heard, start=start)
    if way.place < len(way.files):
        yield from run.start()


def _broken_off(
    run: Run, way: Course, answer: Answer, trouble: BaseException, *, pid: int
) -> Iterator[Event]:
    """Find out what is committed of the files that are left, tell of it, and raise what happened."""
    rest, lost = way.files[way.place :], isinstance(trouble, database.Error)
    if rest and (lost or run.access.connection.closed) and answer.is_sent:
        if not (lost or answer.is_heard):
            raise fate.unknown(rest[0]) from trouble
        rows = fate.resolve(rest[0], run.access, pid, trouble)
        while rest and rest[0].version in rows:
            yield run.done(rows[rest[0].version].execution_ms)
            rest = rest[1:]
    if isinstance(trouble, database.Error):
        raise failure.around(trouble, rest[0], lost=True) if rest else failure.lost_behind(way.files[-1])
    if isinstance(trouble, KeyboardInterrupt) and rest:
        raise failure.interrupted(rest[0]) from None
    raise trouble


def _refused(run: Run, way: Course, blocking: tuple[str, ...], *, opened: bool) -> Iterator[Event]:
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
        problem = failure.failed(error, migration, done=done, start=way.start, blockers=blocking)
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
