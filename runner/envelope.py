"""Write the messages that open and end the transaction of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database, ledger
from runner.model import Before

if TYPE_CHECKING:
    from runner.database import Connection
    from runner.model import Limits, Migration
    from runner.turn import Turn

CHANGED = "MG001"  # SQLSTATE of our own: the transaction is not the one we began

# Read committed, whatever the database's default: a snapshot from before the lock would show an old ledger.
# The settings are gone with the transaction, so a pooled server connection keeps none of them; one select
# makes them all, which costs a third of many. client_connection_check_interval is unknown on Windows.
_BEGIN = """
    begin isolation level read committed read write;
    select pg_catalog.set_config('lock_timeout', {lock_timeout}, true),
        pg_catalog.set_config('statement_timeout', {statement_timeout}, true),
        pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true),
        pg_catalog.set_config('standard_conforming_strings', 'on', true),
        pg_catalog.set_config('application_name', {application}, true),
        case when pg_catalog.version() !~* 'mingw|visual c'
            then pg_catalog.set_config('client_connection_check_interval', '1s', true)
        end;
"""

# What was deferred runs as the file left its session, as it would with psql -1. Then all that a file can
# leave behind goes, the settings first: it may have put its own operators or role in our way.
_END = """
    set constraints all immediate;
    reset session authorization;
    reset role;
    reset all;
    set local lock_timeout = {lock_timeout};
    set local application_name = {application};
    close all;
    unlisten *;
    deallocate all;
    discard temp;
    discard sequences;
    select pg_catalog.pg_advisory_unlock_all();
    do $runner$
    begin
        if pg_catalog.pg_current_xact_id_if_assigned()::text is distinct from {xid} then
            raise exception 'the file ended its transaction' using errcode = {changed};
        end if;
    end
    $runner$;
"""


def opening(migration: Migration, before: Before, limits: Limits) -> str:
    """Return what begins a transaction, makes its settings, takes the lock, and reads the ledger under it."""
    begin = database.fill(
        _BEGIN,
        application=_application(migration),
        lock_timeout=_milliseconds(limits.lock_timeout),
        statement_timeout=_milliseconds(limits.statement_timeout),
    )
    first = "" if before.has_ledger else ledger.FIRST
    return begin + first + ledger.LOCK + ledger.recheck_message(migration, previous=before.version)


def ending(turn: Turn, *, xid: str, ms: int, connection: Connection) -> bytes:
    """Return what puts all back, checks the transaction, records the file, commits, and opens the next one.

    ``xid`` is the transaction's id, ``ms`` the milliseconds that the file took. The text of the file is in
    it, so it is joined once and encoded here: nobody keeps it as text while libpq copies it.
    """
    migration = turn.step.file
    end = database.fill(
        _END,
        xid=xid,
        changed=CHANGED,
        application=_application(migration),
        lock_timeout=_milliseconds(turn.limits.lock_timeout),
    )
    record = ledger.record_pieces(migration, ms=ms, connection=connection)
    return "".join((end, *record, "commit;", _following(turn))).encode()


def _following(turn: Turn) -> str:
    if turn.following is None:
        return ""
    return opening(turn.following, Before(has_ledger=True, version=turn.step.version), turn.limits)


def _application(migration: Migration) -> str:
    return f"runner:{migration.path}"


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
