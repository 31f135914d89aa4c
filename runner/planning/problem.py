"""Say what is wrong with a file and its ledger row, and what to do about it: pure, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import ledger
from runner.errors import ChecksumMismatch, FileLate, FileMissing, FileRenamed

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.model import Applied, Migration

_EMPTY = f"delete from {ledger.TABLE};"  # noqa: S608 - it is shown, not sent


def late(migration: Migration, newest: int) -> FileLate:
    """Say that a file is pending behind which number ``newest`` is applied."""
    return FileLate(
        f"{migration.path} is pending, but number {newest:03} is already applied.",
        remedy="The ledger lacks its row: put that back from a backup. Without one, run the file with psql "
        f"where its work is not there; then record all anew, as of now: {_EMPTY} and `baseline "
        f"{migration.series} --to {newest:03}`, which compares first. If it was skipped before, its header "
        "has lost the line `-- runner: requires-extension NAME`.",
    )


def other(migration: Migration, row: Applied) -> RunnerError:
    """Say that a file is another one than its ledger row tells: by its name, its text, or both."""
    was = _was(row)
    if migration.name == row.name:
        return ChecksumMismatch(
            f"{migration.path} was edited after it {was} on {row.applied_at:%Y-%m-%d}.",
            remedy="Restore the file as it was, and put the change into a new one.",
        )
    if migration.checksum == row.checksum:
        return FileRenamed(
            f"{migration.path} {was} as {row.label}.",
            remedy="Give it its old name back; a new migration needs a new number.",
        )
    return FileRenamed(
        f"Another file holds this number: {row.label} {was}, and {migration.path} is not it.",
        remedy="Perhaps this is another branch: use the files that were applied, and give the new one the "
        "next free number. If it was the applied one that got another number: with the files as they were, "
        f"run `rollback {row.series}` down to the last number that both branches have, and what it prints; "
        f"then migrate with these.{_given_up(row)}",
    )


def tell_unedited(problem: RunnerError, migration: Migration, accept: str) -> None:
    """Make it the problem of a file that its text is in the ledger, and yet another checksum."""
    problem.message = f"{migration.path} is what was applied, but its checksum in the ledger is not."
    problem.remedy = (
        "Somebody changed the ledger, or wrote it by another rule (look at the prefix). Find out who; "
        f"{accept} records the right one."
    )


def missing(row: Applied) -> FileMissing:
    """Say that the file of a ledger row is not there."""
    was = _was(row) if row.running else "is recorded as applied"
    return FileMissing(
        f"{row.series} {row.label} {was}, but its file is not in the folder.",
        remedy="Restore the file; if this checkout is older than the database, use a newer one."
        + _given_up(row),
    )


def _was(row: Applied) -> str:
    return "was begun and never finished" if row.running else "was applied"


def _given_up(row: Applied) -> str:
    """Return how to forget a file that was begun outside any transaction and never finished."""
    if not row.running:
        return ""
    forget = " ".join(ledger.statement(ledger.FORGET, row).split())
    return f" If {row.label} is given up, remove what it left, such as an invalid index, then run: {forget}"
