"""Keep the ledger, ``public.schema_migrations``: one row per applied file, beside what the file made.

The only package that names the table. The row is written in the transaction of the file it records.
Every name is qualified, so that no search_path decides what the runner reads or writes.
"""

from runner.ledger.entry import (
    accept_message,
    done_message,
    is_elsewhere,
    is_to_do,
    pairs,
    recheck_message,
    record_message,
    record_pieces,
    running_message,
)
from runner.ledger.key import LOCK, holders, try_session_lock, xid
from runner.ledger.table import (
    APPEARED,
    CREATE,
    FIRST,
    HELD,
    SHAPE,
    TABLE,
    Shape,
    check_owner,
    create,
    read,
    read_rows,
    shape,
    text,
)

__all__ = [
    "APPEARED",
    "CREATE",
    "FIRST",
    "HELD",
    "LOCK",
    "SHAPE",
    "TABLE",
    "Shape",
    "accept_message",
    "check_owner",
    "create",
    "done_message",
    "holders",
    "is_elsewhere",
    "is_to_do",
    "pairs",
    "read",
    "read_rows",
    "recheck_message",
    "record_message",
    "record_pieces",
    "running_message",
    "shape",
    "text",
    "try_session_lock",
    "xid",
]
