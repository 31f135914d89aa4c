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

from typing import TYPE_CHECKING

from runner import database
from runner.apply import envelope
from runner.apply.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.apply.event import Event
    from runner.apply.run import Run
    from runner.model import Migration


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
            files,
            access,
            run.before,
            run.limits,
            opened=opened,
            asynchronous=run.is_asynchronous,
            resets=run.resets,
        )
        watching = Watch(
            access.reconnect,
            pid=pid,
            lock_timeout=run.limits.lock_timeout,
            texts=(one.sql for one in files),
            unheard=files if run.is_asynchronous else (),
        )
        with watching as watch:
            watch.begin(files[0])
            answer = database.Answer(connection, text, pause=watch.pause)
            from runner.apply import course, follow  # noqa: PLC0415 - while the server works

            way = course.Course(files, starts, in_bytes=database.counts_bytes(connection))
            with database.hearing(connection, way.hear):
                yield from follow.follow(run, way, answer, watch)
        del text
        if way.place < len(files):
            from runner.apply import refused  # noqa: PLC0415 - failures only

            yield from refused.end(run, way, watch, opened=opened)
    except database.Error as error:
        from runner.apply import failure  # noqa: PLC0415 - failures only

        raise failure.around(error, files[0], lost=database.is_lost(connection, error)) from error
    finally:
        database.roll_back(connection)
