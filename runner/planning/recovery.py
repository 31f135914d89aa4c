"""Name a server in recovery: a database that is being restored is no standby, for it alone takes changes."""

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


def problem(connection: Connection | None, *, name: str, source: str) -> ServerUnusable:
    """Return the error for a server in recovery, which over ``connection`` tells why. Does not write."""
    for (paused,) in _restored(connection) if connection else ():
        return ServerUnusable(
            f"The server of {source} ({name}) is still being restored"
            f"{', and is paused' if paused else ''}, and takes no changes meanwhile.",
            remedy="Look whether it has what it should; then: select pg_wal_replay_resume();"
            if paused
            else "Wait until it is done, then run again.",
        )
    return ServerUnusable(
        f"The server of {source} ({name}) is a standby, which takes no changes.",
        remedy="Point the URL at the primary.",
    )


def _restored(connection: Connection) -> list[tuple[bool]]:
    try:
        return database.query(connection, _RESTORED)
    except database.Error as error:
        if error.sqlstate is None:
            raise
        return []
