"""Turn what PostgreSQL says of a file into an error that points into the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import scanner
from runner.errors import ConnectionLost, LockHeld, RunnerError, SqlFailed, TransactionEnded
from runner.place import locate

if TYPE_CHECKING:
    import psycopg

    from runner.model import Migration, Place

_LOCK_NOT_AVAILABLE = "55P03"


def failed(error: psycopg.Error, migration: Migration, *, done: int | None = None) -> RunnerError:
    """Name the error of a file.

    ``done`` statements were finished before it; without it, the error came from the runner's own messages
    around the file: a deferred constraint at the commit, or a right the role lacks.
    """
    diag = error.diag
    if error.sqlstate == _LOCK_NOT_AVAILABLE:
        return LockHeld(
            f"{migration.path} waited too long for a lock that another session holds. It was rolled back.",
            remedy="Try again when that session has finished.",
        )
    named = (("DETAIL", diag.message_detail), ("HINT", diag.message_hint), ("CONTEXT", diag.context))
    when = "cannot be recorded and committed" if done is None else "failed"
    return SqlFailed(
        f"{migration.path} {when}: {diag.message_primary} (SQLSTATE {error.sqlstate})",
        sqlstate=error.sqlstate,
        remedy="It was rolled back, nothing of it remains. Correct the cause and run again.",
        place=_place(diag.statement_position, migration, done),
        notes=tuple(f"{name}: {line}" for name, text in named if text for line in text.splitlines()),
    )


def _place(position: str | None, migration: Migration, done: int | None) -> Place | None:
    """Return where a file failed: the server's position, else the statement it did not finish."""
    if done is None:
        return None
    if position:
        return locate(migration.sql, int(position) - 1, path=migration.path)
    statements = scanner.scan(migration.sql).statements
    if done >= len(statements):
        return None
    return locate(migration.sql, statements[done].start, path=migration.path)


def ended(migration: Migration) -> TransactionEnded:
    """Say that the transaction of a file is not the one the runner began."""
    return TransactionEnded(
        f"{migration.path} ended the transaction it was applied in, so it is not recorded.",
        remedy="Part of it may remain: look at the database, remove what ends the transaction, run again.",
    )


def lost(error: psycopg.Error, migration: Migration) -> ConnectionLost:
    """Say that the connection broke before the commit was sent."""
    return ConnectionLost(
        f"The connection was lost while {migration.path} was being applied.",
        remedy="The server rolls it back. Run again.",
        notes=tuple(str(error).splitlines()),
    )
