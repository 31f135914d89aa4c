"""Follow a message through the server, and tell of each file when it is committed and durable.

Where only the last commit of a message is waited for, those before it are told of when that is done. A file
in between that takes long, an error or a Ctrl-C must not keep them back: then another commit is waited for.
Nor does the server say of each of them at once that it is committed; it may be seen at a later file before.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from runner import database, ledger
from runner.apply import course

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.apply.course import Course
    from runner.apply.event import Event
    from runner.apply.run import Run
    from runner.apply.watch import Watch
    from runner.database import Access, Answer
    from runner.model import Migration


def follow(run: Run, way: Course, answer: Answer, watch: Watch) -> Iterator[Event]:
    """Tell of the files until the message is done, or can be followed no longer, which is raised."""
    trouble: BaseException | None = None
    try:
        yield from _take(run, way, answer, watch)
        if way.refused and database.is_lost(run.access.connection, way.refused):
            trouble = way.refused
    except GeneratorExit:
        answer.cancel()
        raise
    except database.Error as error:
        trouble = error
    except BaseException as error:  # Ctrl-C, or what somebody raises in this thread
        trouble = error
        for result in answer.cancel():
            if way.take(result):
                _go_on(way, watch)
    yield from _end(run, way, answer, trouble, pid=watch.pid)


def _take(run: Run, way: Course, answer: Answer, watch: Watch) -> Iterator[Event]:
    for result in answer:
        if result is None:
            way.heard.settle()
            yield from _look(run, way, watch)
        elif way.take(result):
            _go_on(way, watch)
            if way.is_over or not run.is_asynchronous or way.told >= way.place:
                yield from _told(run, way)


def _go_on(way: Course, watch: Watch) -> None:
    way.go_on()
    if not way.is_over:
        watch.begin(way.at_hand)


def _look(run: Run, way: Course, watch: Watch) -> Iterator[Event]:
    """Tell of what is known to be durable, then of what the server is doing."""
    if watch.durable in way.untold:
        yield from _told(run, way, last=watch.durable)
        yield from _unheard(run, way, watch)
    yield from watch.look(committed=way.committed[-1].migration if way.committed else None)


def _told(run: Run, way: Course, *, last: Migration | None = None) -> Iterator[Event]:
    """Tell of what is committed, up to the file ``last``, and that the next one is at hand."""
    while way.committed:
        one = way.committed.pop(0)
        if one.migration in way.untold:
            yield _done(run, way, one.ms)
        if one.heard.kept:
            from runner.apply import notices  # noqa: PLC0415 - start-up time

            yield from notices.told(one.migration, one.heard, start=one.start)
        yield from run.start()
        if one.migration is last:
            return


def _unheard(run: Run, way: Course, watch: Watch) -> Iterator[Event]:
    """Tell of the files that the server has not spoken of, up to the durable one, or one with a notice."""
    is_silent = way.phase == course.OPENING or not way.heard.kept  # what is heard there is the runner's own
    while is_silent and not way.committed and watch.durable in way.untold:
        yield _done(run, way, watch.took.get(way.untold[0].version))
        yield from run.start()


def _done(run: Run, way: Course, ms: int | None) -> Event:
    way.told += 1
    return run.done(ms)


def _end(
    run: Run, way: Course, answer: Answer, trouble: BaseException | None, *, pid: int
) -> Iterator[Event]:
    """Tell of what is committed and durable, and raise what happened, if it did."""
    problem = None
    # Ctrl-C ends the wait for a standby as well: the server calls that a commit.
    if way.told < way.place and (run.is_asynchronous or isinstance(trouble, KeyboardInterrupt)):
        is_lost = isinstance(trouble, database.Error)
        problem = trouble if is_lost else _make_durable(run.access, way, trouble)
    if problem is None:
        yield from _told(run, way)
    if cause := problem or trouble:
        from runner.apply import fate  # noqa: PLC0415 - failures only

        if cause is not trouble and not isinstance(cause, database.Error):
            raise fate.unknown(way.untold[0]) from trouble or cause
        yield from fate.broken_off(run, way, answer, cause, pid=pid)


def _make_durable(access: Access, way: Course, trouble: BaseException | None) -> BaseException | None:
    """Wait until all that is committed is durable, a second behind a Ctrl-C; return what came in between."""
    last = way.committed[-1].migration
    try:
        with ExitStack() as stack:
            if trouble:
                from runner.apply import fate  # noqa: PLC0415 - failures only

                stack.enter_context(database.heeding(fate.impatience(last)))
            connection = access.connection
            if connection.closed:  # by the server's transaction_timeout
                connection = stack.enter_context(closing(access.reconnect()))
            database.roll_back(connection)
            is_there = ledger.make_durable(connection, series=last.series, version=last.version)
    except BaseException as problem:
        return problem
    return None if is_there else trouble or way.refused  # the server may have crashed since
