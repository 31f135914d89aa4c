"""Give up a server that is silent, and wait for one that is at work, as a second connection tells."""

from __future__ import annotations

from contextlib import closing
from contextvars import Context
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

from runner.database import attention
from runner.database.question import AS_LOGIN, query
from runner.errors import ConnectionLost, RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.database.message import Connection

_SECONDS = 3  # for the second connection, and again for its answer
# One that waits for its client has said all, and it is lost. Behind a pooler the number is made up.
_AT_WORK = f"""{AS_LOGIN};
    select from pg_catalog.pg_stat_activity
    where pid = %s and usename = session_user and state = 'active'
        and wait_event_type is distinct from 'Client'
"""  # noqa: S608 - a text of ours


def silence(name: str, *, seconds: float | None = None, is_final: bool = False) -> Callable[[float], None]:
    """Return whom to heed for ``ConnectionLost`` to be raised when the server of ``name`` falls silent.

    One that says to another session that it is at work on the question is waited for, unless it ``is_final``.
    """
    limit = attention.PATIENCE if seconds is None else seconds

    def look(waited: float) -> None:
        wait = attention.at_hand()
        if waited - wait.heard <= limit:
            return
        if is_final or not _is_at_work(wait.connection):
            told = f"The server of {name} has not answered for {limit:g} s."
            raise ConnectionLost(told, remedy="Look at it, and run again.")
        wait.heard = waited

    return look


def _is_at_work(connection: Connection | None) -> bool:
    """Tell whether another session sees that of ``connection`` at work; not where nobody can say in time."""
    if connection is None:
        return False
    try:
        return Context().run(_asked, connection)  # where nobody else is heeded, who would ask in turn
    except (psycopg.Error, RunnerError):
        return False


def _asked(connection: Connection) -> bool:
    end = attention.heeding(silence("it", seconds=_SECONDS, is_final=True))
    with end, closing(_another(connection)) as other:
        return bool(query(other, _AT_WORK, connection.info.backend_pid))


def _another(connection: Connection) -> Connection:
    """Connect as ``connection`` has: to the one of several hosts that answered."""
    info = connection.pgconn.info
    known: dict[str, Any] = {one.keyword.decode(): one.val.decode() for one in info if one.val}
    known |= {"host": connection.info.host, "hostaddr": connection.pgconn.hostaddr.decode() or None}
    known |= {"port": connection.info.port, "service": None, "connect_timeout": _SECONDS}
    return attention.Attentive.connect(make_conninfo(**known), autocommit=True, prepare_threshold=None)
