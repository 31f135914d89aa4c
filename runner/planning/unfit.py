"""Say what keeps a database from being migrated.

One that is being restored is no standby, for it alone takes changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database
from runner.errors import ServerUnusable, SqlFailed

if TYPE_CHECKING:
    from runner.database import Connection
    from runner.errors import RunnerError
    from runner.planning.facts import Facts

_NO_RIGHT, _GRANT = "42501", "grant usage, create on schema public to {};"

# Where both files are, it is a standby. Whoever may not look for them is told of a standby, as mostly it is.
_RESTORED = """
    select pg_catalog.pg_get_wal_replay_pause_state() = 'paused'
    where (select s.size from pg_catalog.pg_stat_file('recovery.signal', true) as s) is not null
        and (select s.size from pg_catalog.pg_stat_file('standby.signal', true) as s) is null
"""


def to_write(facts: Facts, *, source: str, connection: Connection | None) -> ServerUnusable:
    """Return the error for a server or a database that takes no changes. Does not write."""
    if facts.standby:
        return in_recovery(connection, name=facts.name, source=source)
    return ServerUnusable(
        f"The server of {source} ({facts.name}) has default_transaction_read_only on.",
        remedy="Somebody wants no changes there; ask, or connect with a role that may write.",
    )


def to_hold(facts: Facts) -> RunnerError:
    """Return the error for a database without the schema of the ledger, or where this role can make none."""
    grant = _GRANT.format(facts.role)
    if facts.has_public:  # as the first file would say
        return SqlFailed(
            f"The ledger cannot be made in database {facts.name}: permission denied for schema public "
            f"(SQLSTATE {_NO_RIGHT}).",
            sqlstate=_NO_RIGHT,
            remedy=f"Nothing was changed. As the owner of the schema: {grant}",
        )
    return ServerUnusable(
        f"Database {facts.name} has no schema public, where the ledger is.",
        remedy=f"Somebody dropped it. As the owner of the database: create schema public; {grant}",
    )


def in_recovery(connection: Connection | None, *, name: str, source: str) -> ServerUnusable:
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
