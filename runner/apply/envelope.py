"""Write the messages that open and end the transaction of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database, ledger
from runner.model import Before

if TYPE_CHECKING:
    from runner.apply.turn import Turn
    from runner.database import Access
    from runner.model import Limits, Migration

# Read committed, whatever the database's default: a snapshot from before the lock would show an old ledger.
# The settings are gone with the transaction, so a pooled server connection keeps none of them. No timeout and
# no search_path of others counts for what the runner does itself. Without row security, what a policy would
# hide from the file is an error, as in pg_dump, and not silence.
_BEGIN = """
    begin isolation level read committed read write not deferrable;
    set local statement_timeout = 0;
    set local search_path = '';
    set local lock_timeout = {lock_timeout};
    set local idle_in_transaction_session_timeout = '60s';
    set local standard_conforming_strings = on;
    set local row_security = off;
    set local application_name = {application};
"""

# The file finds what the database says; null is what the session began with.
_HAND_OVER = """
    select pg_catalog.set_config('search_path', null, true),
        pg_catalog.set_config('statement_timeout', {statement_timeout}, true);
"""

_NOTICE_LOSS = "set local client_connection_check_interval = '1s';"

# What was deferred runs as the file left its session, as it would with psql -1. Then all that a file can
# leave behind goes, the settings first: it may have put its own operators or role in our way.
_END = """
    set constraints all immediate;
    reset session authorization;
    reset role;
    reset all;
    set local statement_timeout = 0;
    set local search_path = '';
    set local lock_timeout = {lock_timeout};
    set local application_name = {application};
    close all;
    unlisten *;
    deallocate all;
    discard temp;
    discard sequences;
    select pg_catalog.pg_advisory_unlock_all();
"""


def opening(migration: Migration, before: Before, limits: Limits, *, notices_loss: bool) -> str:
    """Return what begins a transaction, takes the lock, reads the ledger under it, and hands over.

    The answer of the ledger is the last but one.
    """
    begin = database.fill(
        _BEGIN,
        application=_application(migration),
        lock_timeout=_milliseconds(limits.lock_timeout),
    )
    notice = _NOTICE_LOSS if notices_loss else ""
    first = "" if before.has_ledger else ledger.FIRST
    recheck = ledger.recheck_message(migration, previous=before.version)
    hand_over = database.fill(_HAND_OVER, statement_timeout=_milliseconds(limits.statement_timeout))
    return f"{begin} {notice} {first} select {ledger.LOCK}; {recheck} {hand_over}"


def ending(turn: Turn, access: Access, *, xid: str, ms: int) -> bytes:
    """Return what puts all back, records the file, commits, and opens the transaction of the next one.

    ``xid`` is the transaction's id, in any other the record fails; ``ms`` are the milliseconds that the file
    took. Its text is in the message, which is therefore joined once and encoded here: nobody keeps it as text
    while libpq copies it.
    """
    migration = turn.migration
    end = database.fill(
        _END,
        application=_application(migration),
        lock_timeout=_milliseconds(turn.limits.lock_timeout),
    )
    record = ledger.record_pieces(migration, ms=ms, xid=xid, connection=access.connection)
    return "".join((end, *record, "commit;", _following(turn, access))).encode()


def _following(turn: Turn, access: Access) -> str:
    if turn.following is None:
        return ""
    before = Before(has_ledger=True, version=turn.migration.version)
    return opening(turn.following, before, turn.limits, notices_loss=access.notices_loss)


def _application(migration: Migration) -> str:
    return f"runner:{migration.path}"


def _milliseconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{round(seconds * 1000)}ms"
