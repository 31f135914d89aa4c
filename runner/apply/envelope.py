"""Write the message that applies some files: for each its settings, the file, the record, ``commit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database, ledger
from runner.apply.event import application
from runner.model import milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.database import Access
    from runner.model import Before, Limits, Migration

# Read committed, whatever the database's default: a snapshot from before the lock would show an old ledger.
_BEGIN = "begin isolation level read committed read write not deferrable;"

# The settings are gone with the transaction, so a pooled server connection keeps none of them. No timeout and
# no search_path of others counts for what the runner does itself. Without row security, what a policy would
# hide from the file is an error, as in pg_dump, and not silence.
_SETTINGS = """
    set local statement_timeout = 0;
    set local search_path = '';
    set local lock_timeout = {lock_timeout};
    set local idle_in_transaction_session_timeout = '60s';
    set local client_encoding = 'UTF8';
    set local standard_conforming_strings = on;
    set local row_security = off;
"""
_NAME = "set local application_name = {application};\n"

# It makes the server send at once what it has answered so far, as every notice does (pq_flush in its elog.c);
# an info comes whatever client_min_messages says. Where no commit is waited for, it is too much of a
# quick file's time: there only some files have it, and the watch sees where the server is.
_FLUSH = "do $runner$ begin raise info 'a file of the migration runner begins'; end $runner$;"
_SELDOM = 10  # files

_NOTICE_LOSS = "set local client_connection_check_interval = '1s';"

# The file finds what the database says, as it finds its search_path.
_HAND_OVER = "set local statement_timeout = {statement_timeout};"
_OWN = "set local statement_timeout to default;"

# Where a trigger sets what sessions begin with, that is what the file finds, and no default.
KEEP = """
    select pg_catalog.set_config('runner.path', pg_catalog.current_setting('search_path'), {is_local}),
        pg_catalog.set_config('runner.limit', pg_catalog.current_setting('statement_timeout'), {is_local});
"""
HAND_KEPT_OVER = """
    select pg_catalog.set_config('search_path', pg_catalog.current_setting('runner.path'), {is_local}),
        pg_catalog.set_config(
            'statement_timeout',
            coalesce({statement_timeout}, pg_catalog.current_setting('runner.limit')),
            {is_local}
        );
"""

# What was deferred runs as the file left its session, as it would with psql -1. Then all that a file can
# leave behind goes: it may have put its own operators or role in our way. A quote that a file left open is
# closed by the first one here, and what stands within these quotes is then no SQL.
_PUT_BACK = """
    set constraints all immediate;
    reset session authorization;
    reset role;
    set local statement_timeout = 0;
    set local search_path = '';
    set local lock_timeout = {lock_timeout};
    set local row_security = off;
    close all;
    unlisten *;
    discard temp;
    discard sequences;
"""

# Where the session goes on to the next file, its locks go with the record, and the server knows what the
# runner has prepared, but for a file that may look at such statements, make some, or end them all.
_DEALLOCATE = "deallocate all;\n"
_UNLOCK = "select pg_catalog.pg_advisory_unlock_all();\n"
_MANY = 5  # files in a message: with fewer, to prepare statements takes the server longer than it saves
_OF_STATEMENTS = ("prepare", "deallocate", "discard")

# The settings last, for the record needs them. A commit may wait for a standby: nobody's timeout counts for
# it, and the session shows whose it is.
_LAST = """
    reset all;
    set local statement_timeout = 0;
"""
_COMMIT = "commit;"
_ASYNCHRONOUS = f"set local synchronous_commit = off; {_COMMIT}"  # a later one waits: the log has an order


def opening(migration: Migration, access: Access, limits: Limits) -> str:
    """Return what begins the transaction of a file and takes the lock."""
    return _begin(access) + _settings(access, limits) + _name(migration) + ledger.lock_message(migration)


def message(  # noqa: PLR0913 - options, keyword-only
    files: Sequence[Migration],
    access: Access,
    before: Before,
    limits: Limits,
    *,
    opened: bool,
    asynchronous: bool,
    resets: Migration | None = None,
) -> tuple[bytes, list[int]]:
    """Return the message for some files, and where each of them begins in it, as the server counts.

    What begins the first transaction may have been sent: ``opened``. With ``asynchronous`` only the last
    commit waits until it, and all before it, is durable. ``resets`` is a file that resets all settings in a
    function, so that it cannot be seen. Where no pooler is in between, the session keeps
    the lock from one file to the next: then the ledger can be no other than it left it.
    """
    parts: list[str] = []
    starts, length, knows = [], 0, False
    settings, hand_over = _settings(access, limits), _hand_over(access, limits)
    begin = _begin(access)
    counts_letters = database.counts_letters(access.connection)
    size = _bytes if database.counts_bytes(access.connection) else len
    back = database.fill(_PUT_BACK, lock_timeout=milliseconds(limits.lock_timeout))
    for number, migration in enumerate(files):
        is_last = migration is files[-1]
        name = _name(migration)
        head = settings + name if opened and not number else begin + settings + name
        head += "" if asynchronous and number % _SELDOM else _FLUSH
        head += ledger.statement(ledger.FORGET, migration) if migration.version in before.begun else ""
        is_kept = access.is_direct and number > 0
        head += (
            ledger.take_over_message(migration, is_prepared=knows) if is_kept else _take(migration, before)
        )
        head += hand_over
        starts.append(length + size(head))
        keeps = access.is_direct and not is_last
        knew, knows = knows, keeps and len(files) >= _MANY and not _is_of_statements(files[number + 1])
        forget = _forget(migration.series, keeps=keeps, knew=knew, knows=knows)
        first = starts[-1] + 1 if counts_letters else None
        record = ledger.record_within(migration, first=first, keeps=keeps, is_prepared=knows)
        commit = _ASYNCHRONOUS if asynchronous and not is_last else name + _COMMIT
        restored = back + ledger.restore_message(migration, resets=migration is resets)
        restored += ledger.intact_message(migration)
        own = [head, migration.sql, "\n;\n", ledger.MARK, restored, forget, *record, _LAST, commit]
        parts += own
        length += sum(map(size, own))
        before = before._replace(has_ledger=True, version=migration.version)
    return "".join(parts).encode(), starts


def _bytes(text: str) -> int:
    return len(text.encode())


def _begin(access: Access) -> str:
    return _BEGIN + database.fill(KEEP, is_local=True) if access.greets else _BEGIN


def _settings(access: Access, limits: Limits) -> str:
    settings = database.fill(_SETTINGS, lock_timeout=milliseconds(limits.lock_timeout))
    return settings + (_NOTICE_LOSS if access.notices_loss else "")


def _name(migration: Migration) -> str:
    return database.fill(_NAME, application=application(migration))


def _take(migration: Migration, before: Before) -> str:
    lock = ledger.lock_message(migration)
    if before.has_ledger:
        return lock + ledger.check_message(migration, previous=before.version)
    return lock + ledger.CREATE + ledger.UNCHECKED


def _hand_over(access: Access, limits: Limits) -> str:
    longest = milliseconds(limits.statement_timeout)
    if access.greets:
        return database.fill(HAND_KEPT_OVER, statement_timeout=longest, is_local=True)
    return _OWN if longest is None else database.fill(_HAND_OVER, statement_timeout=longest)


def _forget(series: str, *, keeps: bool, knew: bool, knows: bool) -> str:
    """Return what ends the statements that a file has prepared, and what else the next one shall not find.

    The server ``knew`` what the runner prepares while the file ran; for the next one it ``knows`` it.
    """
    if knew and knows:
        return ""
    prepare = ledger.prepare_message(series) if knows else ""
    return _DEALLOCATE + prepare + ("" if keeps else _UNLOCK)


def _is_of_statements(migration: Migration) -> bool:
    text = migration.sql.lower()
    return any(word in text for word in _OF_STATEMENTS)
