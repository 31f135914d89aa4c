"""Do what helps when the server refuses a message, or a file in it, or say why it does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

from runner import database, ledger
from runner.apply import batch, course, failure, limit, lock, notices, position
from runner.errors import SqlFailed, TransactionEnded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.apply.course import Course
    from runner.apply.event import Event
    from runner.apply.run import Run
    from runner.apply.watch import Watch

# What may be of what a file found there: the time of the message, a name that a function has taken, or a
# type, an operator or a plan that is no more, but for functions that know it from before. The classes are of
# data, of integrity, and what a body raises. Of syntax, rights, tables and columns the session knows nothing.
_OF_OTHERS = (
    *("22", "23", "P0", "0A000", "55000", "XX000"),
    *("42704", "42710", "42804", "42846", "42883", "42P05"),
)
_SOON = 10.0  # seconds
_READ_ONLY = "select 'a file that is read and not run'::pg_catalog.int4;\n"  # it fails before the file begins


def end(run: Run, way: Course, watch: Watch, *, opened: bool) -> Iterator[Event]:
    """Do what helps behind a message that ended before its time, or raise why it did.

    What the server said of the file that failed is told before that. ``opened`` is as for ``batch.apply``.
    """
    try:
        yield from _end(run, way, watch, opened=opened)
    except (SqlFailed, TransactionEnded):
        database.roll_back(run.access.connection)
        yield from notices.told(way.at_hand, way.heard, start=way.start)
        raise


def _end(run: Run, way: Course, watch: Watch, *, opened: bool) -> Iterator[Event]:
    error, migration, connection = way.refused, way.at_hand, run.access.connection
    if error is None:
        raise failure.ended(migration)
    if way.phase == course.UNREAD:
        yield from _unread(run, way, error, opened=opened)
    elif len(way.files) > 1 and ledger.is_forgotten(error):
        run.most = 1  # a message with one file has nothing prepared
    elif way.phase == course.OPENING:
        yield from _not_opened(run, way, error)
    elif ledger.is_swallowed(error):
        raise ledger.swallowed(migration) from error
    elif ledger.is_harmed(error):
        raise ledger.harmed(migration, error) from error
    elif not (way.is_own or way.has_ended or run.resets is migration):
        run.resets = migration  # it was in one transaction, which is rolled back: a function took the mark
    elif not way.is_own:
        raise failure.ended(migration) from error
    elif run.sessions.is_used and _may_hold_alone(watch, error):
        run.most = 1
        run.sessions.start_over()
    else:
        done = way.done if way.phase == course.RUNNING else None
        problem = failure.failed(error, migration, done=done, start=way.start, watch=watch)
        raise limit.explain(problem, error, connection, run.limits) from error


def _may_hold_alone(watch: Watch, error: database.Error) -> bool:
    """Tell whether a file may hold by itself: what is to be unique, or in order, may be made of ``now()``.

    It is the same for all files of a message, and another one for each that is sent alone, which meets
    nothing in a new session that those before it have left. What took long is not done twice for that.
    """
    is_of_others = (error.sqlstate or "").startswith(_OF_OTHERS)
    return is_of_others and time.monotonic() - watch.since < _SOON


def _unread(run: Run, way: Course, error: database.Error, *, opened: bool) -> Iterator[Event]:
    """Find the file for which the server refused to run anything, by sending fewer of them."""
    database.roll_back(run.access.connection)
    at = error.diag.statement_position
    if len(way.files) > 1:
        run.most = max(way.at(int(at) - 1) if at else len(way.files) // 2, 1)
    elif error.sqlstate == limit.CANCELLED and not opened:
        yield from lock.open_first(run)  # where no timeout counts, to parse a long message may take its time
        yield from batch.apply(run, way.files, opened=True)
    else:
        _raise_unread(run, way, error)


def _raise_unread(run: Run, way: Course, error: database.Error) -> NoReturn:
    """Raise what is wrong with a file that the server does not even read."""
    migration, start = way.at_hand, way.start
    if error.diag.statement_position:
        alone = database.failure(database.send(run.access.connection, _READ_ONLY + migration.sql))
        if alone and alone.diag.statement_position:
            error, start = alone, start._replace(offset=len(_READ_ONLY))
    done = 0 if error.diag.statement_position or error.sqlstate == position.NO_SUCH_LETTER else None
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
        yield from batch.apply(run, way.files[way.place :], opened=True)
    elif ledger.is_outdated(error) or error.sqlstate == ledger.APPEARED:
        before = run.before
        yield from run.plan_anew()
        if run.before == before:
            raise failure.failed(error, migration) from error
    elif not run.before.has_ledger and (found := ledger.of_making(error)):
        raise found from error
    else:
        problem = failure.failed(error, migration)
        raise limit.explain(problem, error, run.access.connection, run.limits) from error
