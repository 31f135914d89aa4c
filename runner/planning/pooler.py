"""Find out what kind of connection pooler stands between a session and the server.

A pooler makes up a process id for its client; the server's own tells it apart (PgBouncer, observed). It gives
the client a server connection for the whole session, for a transaction, or for one statement only.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from runner import database
from runner.errors import PoolerFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.database import Access, Connection

_ROUNDS = 3  # others may have taken the server connection just then
_PATIENCE = 5.0  # seconds for a second connection: the pool may be too small for one
_PID = "select pg_catalog.pg_backend_pid()"
_TAKE = "select pg_catalog.pg_backend_pid(), pg_catalog.pg_try_advisory_lock(%s)"
_GIVE = "select pg_catalog.pg_backend_pid(), pg_catalog.pg_advisory_unlock(%s)"
_SEEN = """
    select exists (
        select from pg_catalog.pg_locks
        where locktype = 'advisory' and granted and pid = %s
            and (classid::bigint << 32) | objid::bigint = %s
    )
"""


def check(access: Access, *, name: str, source: str, alone: bool) -> None:
    """Raise ``PoolerFound`` when migrations cannot go through the pooler that is in between.

    ``alone`` says that a file needs a session of its own. In statement mode, ``begin`` raises what
    ``refusal`` knows.
    """
    connection = access.connection
    database.run(connection, "begin")
    database.roll_back(connection)
    if alone and not _has_session(connection, access.reconnect):
        raise PoolerFound(
            f"{source} leads to {name} through a connection pooler in transaction mode, or a full one, "
            "and a pending file without a transaction needs a session of its own.",
            remedy="Use the server's own port for migrations, or a pool in session mode.",
        )


def refusal(error: database.Error) -> PoolerFound | None:
    """Return what an error means that a pooler in statement mode gives for ``begin``; ``None`` for others."""
    if error.sqlstate != "08P01" or "statement pooling" not in str(error):
        return None
    return PoolerFound(
        "A connection pooler in statement mode is in the way, which allows no transaction.",
        remedy="Use the server's own port, or a pool in session or transaction mode.",
    )


def _has_session(connection: Connection, connect: Callable[[], Connection]) -> bool:
    """Tell whether this client keeps its server connection between transactions.

    Another client never gets it, and sees the lock that the session keeps there. Otherwise the other one,
    which begins a transaction just after this one's, gets it first of all.
    """
    with closing(connect()) as other:
        return all(_keeps(connection, other) for _ in range(_ROUNDS))


def _keeps(connection: Connection, other: Connection) -> bool:
    import secrets  # noqa: PLC0415 - behind a pooler only

    key = secrets.randbits(62)
    [(pid,)] = database.query(connection, _PID)
    if _begin(other) in (pid, None):
        return False
    [(taker, taken)] = database.query(connection, _TAKE, key)
    [(seen,)] = database.query(other, _SEEN, pid, key)
    [(giver, given)] = database.query(connection, _GIVE, key)
    database.roll_back(other)
    return pid == taker == giver and bool(taken and seen and given)


def _begin(other: Connection) -> int | None:
    """Begin a transaction, and return the process that serves it; ``None`` when none is free."""

    def look(waited: float) -> None:
        if waited > _PATIENCE:
            raise TimeoutError

    try:
        with database.heeding(look):
            *_, found = database.run(other, f"begin; {_PID}")
    except TimeoutError:
        return None
    [(pid,)] = database.rows(other, found)
    return int(pid)
