"""Talk to one PostgreSQL database: connect, ask, send a message, name what went wrong.

Every connection is in autocommit mode without server-side preparation: the runner writes its own
``begin`` and ``commit``, and a message holds exactly what it says.
"""

import psycopg

from runner.database.message import (
    Connection,
    failure,
    fill,
    pieces,
    query,
    query_quoted,
    rows,
    run,
    send,
    tally,
    try_run,
)
from runner.database.server import create_empty, create_missing, drop, may_create
from runner.database.session import (
    Access,
    connect,
    in_transaction,
    is_lost,
    put_back,
    roll_back,
    speak_utf8,
    start_over,
)
from runner.database.url import environment, parse, sibling

Error = psycopg.Error
ConnectionBroken = psycopg.OperationalError

__all__ = [
    "Access",
    "Connection",
    "ConnectionBroken",
    "Error",
    "connect",
    "create_empty",
    "create_missing",
    "drop",
    "environment",
    "failure",
    "fill",
    "in_transaction",
    "is_lost",
    "may_create",
    "parse",
    "pieces",
    "put_back",
    "query",
    "query_quoted",
    "roll_back",
    "rows",
    "run",
    "send",
    "sibling",
    "speak_utf8",
    "start_over",
    "tally",
    "try_run",
]
