"""Tell a database that is being restored from a standby: nothing but itself takes its changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database
from runner.errors import ServerUnusable

if TYPE_CHECKING:
    from runner.database import Connection

# Where both files are, it is a standby. Whoever may not look for them is told of a standby, as mostly it is.
_RESTORED = """
    select pg_catalog.pg_get_wal_replay_pause_state() = 'paused'
    where (select s.size from pg_catalog.pg_stat_file('recovery.signal', true) as s) is not null
        and (select s.size from pg_catalog.pg_stat_file('standby.signal', true) as s) is null
"""


def check(connection: Connection, *, name: str, source: str) -> None:
    """Raise ``ServerUnusable`` where a server in recovery is still being restored. Does not write."""
    try:
        found = database.query(connection, _RESTORED)
    except database.Error as error:
        if error.sqlstate is None:
            raise
        return
    for (paused,) in found:
        raise ServerUnusable(
            f"The server of {source} ({name}) is still being restored"
            f"{', and is paused' if paused else ''}, and takes no changes meanwhile.",
            remedy="Look whether it has what it should; then: select pg_wal_replay_resume();"
            if paused
            else "Wait until it is done, then run again.",
        )
