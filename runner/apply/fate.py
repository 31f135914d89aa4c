"""Find out what became of a commit whose answer did not come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner import database, ledger
from runner.apply import failure
from runner.errors import CommitUnknown, RunnerError

if TYPE_CHECKING:
    from runner.database import Access
    from runner.model import Migration

_NO_SUCH_ID = "22023"  # what pg_xact_status says of an id that lies in the future, as after a crash
_LOST = 15.0  # seconds: a server that restarts is back by then, or the answer stays unknown
_INTERRUPTED = 1.0  # seconds: whoever pressed Ctrl-C does not wait for long


def resolve(migration: Migration, access: Access, xid: str, trouble: BaseException) -> BaseException:
    """Ask the server, on a new connection, what became of a file's transaction.

    Returns the trouble when it is committed, raises it when it is not, or when nobody knows.
    """
    interrupted = isinstance(trouble, KeyboardInterrupt)
    status = _status(migration, access, xid, seconds=_INTERRUPTED if interrupted else _LOST)
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
