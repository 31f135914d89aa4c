"""Turn what PostgreSQL says of a file into an error that points into the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import ledger
from runner.apply import disclosure
from runner.errors import ConnectionLost, Interrupted, LockTimeout, RunnerError, SqlFailed, TransactionEnded
from runner.files import ALONE, body, commits_itself, locate, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from runner.database import Heard
    from runner.errors import Place
    from runner.files import Statement
    from runner.model import Migration

_LOCK_NOT_AVAILABLE, _DEADLOCK = "55P03", "40P01"
_NOT_IN_TRANSACTION = ("25001", "2D000")  # begun already, ended within
_VALUE_TOO_NEW = "55P04"
_NO_SUCH_LETTER = "22P05"
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
_NOT_FROM_CODE = f"No function and no block may run this statement: take it out. {ALONE}"
_VALUE_FIRST = "A value counts when it is committed: add it in a file of its own, before this one."
_HIDDEN = (
    "A policy would have hidden rows from this file, and nobody would know. Lift it around the statement "
    "(`alter table … no force row level security`, afterwards `force`), or migrate as a role with bypassrls. "
    "If the policy is meant, begin the file with: set local row_security = on;"
)
INLINE = r"\binline_code_block\D+(\d+)"
_BYTES = r"\b0x([0-9a-f]{2})\b"
_FUNCTION = r"([\w.]+)\([^()]*\)\D+?(\d+)"


def failed(  # noqa: PLR0913 - what is known of an error, keyword-only
    error: psycopg.Error,
    migration: Migration,
    *,
    done: int | None = None,
    start: int = 0,
    wants: str | None = None,
    blockers: tuple[str, ...] = (),
    invalid: tuple[str, ...] = (),
) -> RunnerError:
    """Name the error of a file.

    ``done`` statements were finished before it; without it, the error came from the runner's own messages
    around the file: a deferred constraint at the commit, or a right the role lacks. ``wants`` is the lock it
    waited for, ``blockers`` who held it; ``start`` is where the file begins in its message, in characters;
    ``invalid`` names the indexes a file outside any transaction left behind.
    """
    diag = error.diag
    if error.sqlstate in (_LOCK_NOT_AVAILABLE, _DEADLOCK) and not invalid:
        is_deadlock = error.sqlstate == _DEADLOCK
        how = "deadlocked with another session" if is_deadlock else f"waited too long for {wants or 'a lock'}"
        return LockTimeout(
            f"{migration.path} {how}. {'It was rolled back.' if migration.in_transaction else _NOT_RECORDED}",
            remedy=_AGAIN if migration.in_transaction or not commits_itself(migration.sql) else _PART,
            notes=blockers or tuple((diag.message_detail or "").splitlines()),
        )
    told = disclosure.lines(diag, migration.sql)
    if told.private:
        error.args = (diag.message_primary,)  # which a traceback prints
    when = "cannot be recorded and committed" if done is None else "failed"
    return SqlFailed(
        f"{migration.path} {when}: {diag.message_primary} (SQLSTATE {error.sqlstate})",
        sqlstate=error.sqlstate,
        remedy=_remedy(error, migration, invalid),
        place=_place(diag, migration, done, start),
        notes=told.notes,
        private=told.private,
    )


def _remedy(error: psycopg.Error, migration: Migration, invalid: tuple[str, ...]) -> str:
    if (error.sqlstate, error.diag.source_function) == _ROW_SECURITY:
        return _HIDDEN
    if ledger.is_mistaken(error):
        return ledger.OWN
    if not migration.in_transaction:
        return " ".join(filter(None, ("It ran outside any transaction.", drop_statements(invalid), CORRECT)))
    if error.sqlstate == _VALUE_TOO_NEW:
        return _VALUE_FIRST
    if error.sqlstate not in _NOT_IN_TRANSACTION:
        return _ROLLED_BACK
    within = error.sqlstate == "25001" and re.search(f"{INLINE}|{_FUNCTION}", error.diag.context or "")
    return _NOT_FROM_CODE if within else ALONE


def drop_statements(indexes: tuple[str, ...]) -> str:
    """Return what removes invalid indexes."""
    return " ".join(f"drop index {name};" for name in indexes)


def _place(
    diag: psycopg.errors.Diagnostic, migration: Migration, done: int | None, start: int
) -> Place | None:
    """Return where a file failed: the server's position, else the line of a body, else the statement."""
    if done is None:
        return None
    if diag.statement_position:
        return locate(migration.sql, int(diag.statement_position) - 1 - start, path=migration.path)
    if diag.sqlstate == _NO_SUCH_LETTER:
        return _of_letter(diag.message_primary or "", migration)
    statements = scan(migration.sql).statements
    if done >= len(statements):
        return None
    offset = in_body(diag, migration.sql, statements, statements[done])
    return locate(migration.sql, statements[done].start if offset is None else offset, path=migration.path)


def _of_letter(message: str, migration: Migration) -> Place | None:
    """Return where the letter stands whose bytes a message gives, which the database cannot store."""
    letter = bytes(int(byte, 16) for byte in re.findall(_BYTES, message)).decode(errors="replace")
    at = migration.sql.find(letter)
    return locate(migration.sql, at, path=migration.path) if letter and at >= 0 else None


def in_body(
    diag: psycopg.errors.Diagnostic | Heard, text: str, statements: Sequence[Statement], failed: Statement
) -> int | None:
    """Return the offset of an error inside a do block, or inside a function the same file makes.

    Positions within an inner query are found by that query's text; without one, the context counts
    lines from the body's first. The innermost part of the context that the file holds wins.
    """
    if diag.internal_query and diag.internal_position:
        at = text.find(diag.internal_query)
        if at >= 0:
            return at + int(diag.internal_position) - 1
    for line in (diag.context or "").splitlines():
        if inline := re.search(INLINE, line):
            return line_of_body(text, failed, int(inline.group(1)))
        if called := re.search(_FUNCTION, line):
            name = called.group(1).rpartition(".")[2]
            made = re.compile(
                rf"create\b.*\b(?:function|procedure)\s+(?:\w+\.)?{re.escape(name)}\b", re.I | re.S
            )
            if maker := next((one for one in statements if made.match(one.code)), None):
                return line_of_body(text, maker, int(called.group(2)))
    return None


def line_of_body(text: str, statement: Statement, line: int) -> int | None:
    """Return the offset of a line of the body in a statement, its longest string, without its indent."""
    found = body(text[statement.start : statement.end])
    if found is None:
        return None
    offset = statement.start + found[0]
    for _ in range(line - 1):
        offset = text.find("\n", offset) + 1
        if offset == 0:
            return None
    return offset + len(text[offset:]) - len(text[offset:].lstrip(" \t"))


def ended(migration: Migration) -> TransactionEnded:
    """Say that the transaction of a file is not the one the runner began."""
    return TransactionEnded(
        f"{migration.path} ended the transaction it was applied in, so it is not recorded.",
        remedy="Part of it may remain: look at the database, remove what ends the transaction, run again.",
    )


def interrupted(migration: Migration, *, invalid: tuple[str, ...] = ()) -> Interrupted:
    """Say that Ctrl-C came while a file was running, and what remains of it."""
    path = migration.path
    if migration.in_transaction:
        return Interrupted(f"Interrupted in {path}, which was rolled back.", remedy="Run again to go on.")
    return Interrupted(
        f"Interrupted in {path}, which ran outside any transaction. {_NOT_RECORDED}",
        remedy=f"{drop_statements(invalid)} Run again to go on.".strip(),
    )


def lost_behind(migration: Migration) -> ConnectionLost:
    """Say that the connection broke behind a commit."""
    return ConnectionLost(
        f"The connection was lost behind {migration.path}, which is committed and recorded.",
        remedy="Run again for what follows it.",
    )


def lost_before(migration: Migration) -> ConnectionLost:
    """Say that the connection broke while committing, and the server rolled back."""
    return ConnectionLost(
        f"The connection was lost while {migration.path} was being committed; it was rolled back.",
        remedy="Run again.",
    )


def around(error: psycopg.Error, migration: Migration, *, lost: bool) -> RunnerError:
    """Name an error of the runner's own messages around a file; ``lost`` says that the connection broke."""
    if not lost:
        return failed(error, migration)
    remedy = "The server rolls it back. Run again." if migration.in_transaction else _LOST_OUTSIDE
    return ConnectionLost(
        f"The connection was lost while {migration.path} was being applied.",
        remedy=remedy,
        notes=tuple(str(error).splitlines()),
    )
