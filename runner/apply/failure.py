"""Turn what PostgreSQL says of a file into an error that points into the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import database, ledger
from runner.apply import disclosure, position
from runner.apply.course import FIRST
from runner.errors import (
    ConnectionLost,
    Interrupted,
    LockTimeout,
    RunnerError,
    ServerUnusable,
    SqlFailed,
    TransactionEnded,
)
from runner.files import ALONE, commits_itself, detaches, masked

if TYPE_CHECKING:
    import psycopg

    from runner.apply.course import Start
    from runner.apply.watch import Watch
    from runner.database import Invalid
    from runner.model import Migration

_DEADLOCK = "40P01"
_INTERRUPTED = "ProcessInterrupts"  # PostgreSQL's own function, where a timeout strikes
_NOT_IN_TRANSACTION = ("25001", "2D000")  # begun already, ended within
_LANGUAGE = r"(?<![a-z0-9_])plpgsql(?![a-z0-9_])"  # in any quotes, or none
_LACKS = {  # by SQLSTATE
    "42704": ("This database has no", "create extension plpgsql;"),
    "42501": ("This role may not use", "grant usage on language plpgsql to the role that migrates."),
}
_VALUE_TOO_NEW = "55P04"
CORRECT = "Correct the cause and run again."
_ROLLED_BACK = f"It was rolled back, nothing of it remains. {CORRECT}"
_AGAIN = "Try again when the other session has finished."
_PART = f"{_AGAIN} What it committed before remains: see that it may run twice."
# SQLSTATE and PostgreSQL's own function; its words are translated
_ROW_SECURITY = ("42501", "check_enable_rls")
_NOT_RECORDED = "It is not recorded as applied."
_LOST_OUTSIDE = (
    "It ran outside any transaction, so part of it may remain. Until it is recorded as applied it is "
    "pending: run again."
)
_HALF = "Where `verify` then names a half detached partition, end that first, and attach it anew."
_NOT_FROM_CODE = f"No function and no block may run this statement: take it out. {ALONE}"
_VALUE_FIRST = "A value counts when it is committed: add it in a file of its own, before this one."
_HIDDEN = (
    "A policy would have hidden rows from this file, and nobody would know. Lift it around the statement "
    "(`alter table … no force row level security`, afterwards `force`), or migrate as a role with bypassrls. "
    "If the policy is meant, begin the file with: set local row_security = on;"
)


def failed(  # noqa: PLR0913 - what is known of an error, keyword-only
    error: psycopg.Error,
    migration: Migration,
    *,
    done: int | None = None,
    start: Start = FIRST,
    watch: Watch | None = None,
    invalid: tuple[Invalid, ...] = (),
) -> RunnerError:
    """Name the error of a file.

    ``done`` statements were finished before it; without it, the error came from the runner's own messages
    around the file: a deferred constraint at the commit, or a right the role lacks. ``watch`` knows for
    which lock it waited, and who held it; ``start`` is where the file begins in its message; ``invalid``
    names the indexes a file outside any transaction left behind.
    """
    diag = error.diag
    if done is None and error.sqlstate in _LACKS and re.search(_LANGUAGE, diag.message_primary or ""):
        lacks, cure = _LACKS[error.sqlstate]
        return ServerUnusable(
            f"{lacks} language plpgsql, without which the runner can apply no file: "
            f"{migration.path} was rolled back.",
            remedy=f"As its owner: {cure} Then run again.",
        )
    told = disclosure.lines(diag, migration.sql)
    if told.private or diag.internal_query or masked(str(error)) != str(error):
        error.args = (diag.message_primary,)  # which a traceback prints
    if error.sqlstate in (database.LOCK_NOT_AVAILABLE, _DEADLOCK) and not invalid:
        return _not_locked(error, migration, watch)
    if done is None:
        when, place = "cannot be recorded and committed", position.of_commit(diag, migration, start=start)
    else:
        when, place = "failed", position.find(diag, migration, done=done, start=start)
    return SqlFailed(
        f"{migration.path} {when}: {diag.message_primary} (SQLSTATE {error.sqlstate})",
        sqlstate=error.sqlstate,
        remedy=_remedy(error, migration, invalid),
        place=place,
        notes=told.notes,
        private=told.private,
    )


def _not_locked(error: psycopg.Error, migration: Migration, watch: Watch | None) -> LockTimeout:
    """Name the error of a file that did not get a lock, in time or at once."""
    wants, blockers = (watch.blocked.wants, watch.lines) if watch else (None, ())
    is_deadlock = error.sqlstate == _DEADLOCK
    how = "deadlocked with another session" if is_deadlock else f"waited too long for {wants or 'a lock'}"
    told = (error.diag.message_detail or "").splitlines()
    if not is_deadlock and error.diag.source_function != _INTERRUPTED:  # nowait: it did not wait at all
        how, told = "could not have a lock at once", [error.diag.message_primary or "", *told]
    again = _AGAIN if migration.in_transaction or not commits_itself(migration.sql) else _PART
    return LockTimeout(
        f"{migration.path} {how}. {'It was rolled back.' if migration.in_transaction else _NOT_RECORDED}",
        remedy=_outside(again, migration),
        notes=blockers or tuple(told),
    )


def _remedy(error: psycopg.Error, migration: Migration, invalid: tuple[Invalid, ...]) -> str:
    if (error.sqlstate, error.diag.source_function) == _ROW_SECURITY:
        return _HIDDEN
    if ledger.is_mistaken(error):
        return ledger.OWN
    if not migration.in_transaction:
        words = " ".join(filter(None, ("It ran outside any transaction.", cures(invalid), CORRECT)))
        return _outside(words, migration)
    if error.sqlstate == _VALUE_TOO_NEW:
        return _VALUE_FIRST
    if error.sqlstate not in _NOT_IN_TRANSACTION:
        return _ROLLED_BACK
    within = error.sqlstate == "25001" and position.is_from_code(error.diag)
    return _NOT_FROM_CODE if within else ALONE


def _outside(remedy: str, migration: Migration) -> str:
    """Add what has to be done before a file runs again that may have got half way."""
    return f"{remedy} {_HALF}" if detaches(migration.sql) else remedy


def cures(indexes: tuple[Invalid, ...]) -> str:
    """Return the statements that remove invalid indexes, or build them anew."""
    return " ".join(one.cure for one in indexes)


def ended(migration: Migration) -> TransactionEnded:
    """Say that the transaction of a file is not the one the runner began."""
    return TransactionEnded(
        f"{migration.path} ended the transaction it was applied in, so it is not recorded.",
        remedy="Part of it may remain: look at the database, remove what ends the transaction, run again.",
    )


def interrupted(migration: Migration, *, invalid: tuple[Invalid, ...] = ()) -> Interrupted:
    """Say that Ctrl-C came while a file was running, and what remains of it."""
    path = migration.path
    if migration.in_transaction:
        return Interrupted(f"Interrupted in {path}, which was rolled back.", remedy="Run again to go on.")
    return Interrupted(
        f"Interrupted in {path}, which ran outside any transaction. {_NOT_RECORDED}",
        remedy=_outside(f"{cures(invalid)} Run again to go on.".strip(), migration),
    )


def lost_behind(migration: Migration) -> ConnectionLost:
    """Say that the connection broke behind a commit."""
    return ConnectionLost(
        f"The connection was lost behind {migration.path}, which is committed and recorded.",
        remedy="Run again for what follows it.",
    )


def around(error: psycopg.Error, migration: Migration, *, lost: bool) -> RunnerError:
    """Name an error of the runner's own messages around a file; ``lost`` says that the connection broke."""
    if not lost:
        return failed(error, migration)
    rolled_back = "The server rolls it back. Run again."
    remedy = rolled_back if migration.in_transaction else _outside(_LOST_OUTSIDE, migration)
    return ConnectionLost(
        f"The connection was lost while {migration.path} was being applied.",
        remedy=remedy,
        notes=tuple(str(error).splitlines()),
    )
