"""Compare the files of a series with its ledger: pure, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import ledger
from runner.errors import (
    ChecksumMismatch,
    FileLate,
    FileMissing,
    FileRenamed,
    PendingUnexpected,
    RunnerError,
    UsageError,
)
from runner.planning.step import State, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.model import Applied, Migration


def compare(
    migrations: Iterable[Migration], applied: Iterable[Applied], *, lacking: Mapping[str, str]
) -> tuple[Step, ...]:
    """Return one step per version, in order; a step that must not go on carries its ``problem``.

    ``lacking`` are extensions that are not to be had, with the reasons. A file that requires one is skipped,
    stays pending, and may therefore be applied behind its successors later.
    """
    files = {migration.version: migration for migration in migrations}
    rows = {row.version: row for row in applied}
    newest = max((int(version) for version, row in rows.items() if not row.running), default=-1)
    steps: list[Step] = []
    for version in sorted(files | rows, key=int):
        migration, row = files.get(version), rows.get(version)
        if migration is None:
            steps.append(_missing(rows[version]))
        elif row is None or row.running:
            steps.append(_pending(migration, lacking, newest, row))
        else:
            steps.append(_recorded(migration, row))
    return tuple(_told_ahead(steps))


def _told_ahead(steps: Sequence[Step]) -> Iterable[Step]:
    """Tell a database that is ahead of the files from one whose files are missing.

    It is ahead when nothing else is wrong, and all that is unknown has a higher number than every file. An
    empty folder is no older release.
    """
    wrong = [step for step in steps if step.problem]
    if not wrong:
        return steps  # there may be thousands
    highest = max((step.number for step in steps if step.migration), default=None)
    ahead = {step.number for step in wrong if highest is not None and step.number > highest}
    if any(step.number not in ahead for step in wrong):
        return steps
    return (s._replace(state=State.AHEAD, problem=None) if s.number in ahead else s for s in steps)


def _pending(
    migration: Migration, lacking: Mapping[str, str], newest: int, interrupted: Applied | None
) -> Step:
    if interrupted and _is_another(migration, interrupted):
        return _recorded(migration, interrupted)
    problem: RunnerError | None = None
    state = State.PENDING
    if migration.number < newest and not migration.requires and not interrupted:
        state, problem = (
            State.LATE,
            FileLate(
                f"{migration.path} is pending, but number {newest:03} is already applied.",
                remedy="Give the file the next free number: databases that have moved on would never see it.",
            ),
        )
    step = Step(
        migration.series, migration.version, migration.name, state, migration, interrupted, problem=problem
    )
    return without(step, lacking)


def without(step: Step, lacking: Mapping[str, str]) -> Step:
    """Return a pending or skipped step anew, with the extensions it cannot have and the reasons."""
    if step.state not in (State.PENDING, State.SKIPPED) or not step.file.requires:
        return step
    needs = tuple(name for name in step.file.requires if name in lacking)
    why = "; ".join(lacking[name] for name in needs) or None
    return step._replace(state=State.SKIPPED if needs else State.PENDING, needs=needs, why=why)


def _recorded(migration: Migration, row: Applied) -> Step:
    known = (migration.series, migration.version, migration.name)
    if migration.name == row.name and migration.checksum == row.checksum:
        return Step(*known, State.APPLIED, migration, row)
    problem: RunnerError
    was = _was(row)
    if _is_another(migration, row):
        state, problem = (
            State.RENAMED,
            FileRenamed(
                f"Another file holds this number: {row.label} {was}, and {migration.path} is not it.",
                remedy="Perhaps this is another branch: use the files that were applied. If both are to "
                f"stay, give the new one the next free number.{_given_up(row)}",
            ),
        )
    elif migration.name != row.name:
        state, problem = (
            State.RENAMED,
            FileRenamed(
                f"{migration.path} {was} as {row.label}.",
                remedy="Give it its old name back; a new migration needs a new number.",
            ),
        )
    else:
        state, problem = (
            State.EDITED,
            ChecksumMismatch(
                f"{migration.path} was edited after it {was} on {row.applied_at:%Y-%m-%d}.",
                remedy="Restore the file as it was, and put the change into a new one.",
            ),
        )
    return Step(*known, state, migration, row, problem=problem)


def _is_another(migration: Migration, row: Applied) -> bool:
    """Tell whether a file has nothing but its number from a ledger row."""
    return migration.name != row.name and migration.checksum != row.checksum


def _was(row: Applied) -> str:
    return "was begun and never finished" if row.running else "was applied"


def _given_up(row: Applied) -> str:
    """Return how to forget a file that was begun outside any transaction and never finished."""
    if not row.running:
        return ""
    forget = " ".join(ledger.forget_message(row).split())
    return f" If {row.label} is given up, remove what it left, such as an invalid index, then run: {forget}"


def _missing(row: Applied) -> Step:
    was = _was(row) if row.running else "is recorded as applied"
    problem = FileMissing(
        f"{row.series} {row.label} {was}, but its file is not in the folder.",
        remedy="Restore the file; if this checkout is older than the database, use a newer one."
        + _given_up(row),
    )
    return Step(row.series, row.version, row.name, State.MISSING, None, row, problem=problem)


def ahead(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return what a newer release has applied, whose files this folder does not have yet."""
    return tuple(step for step in steps if step.state is State.AHEAD)


def not_ahead(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps with what is ahead as missing, for whoever takes that as a problem."""
    return tuple(_missing(s.applied) if s.applied and s.state is State.AHEAD else s for s in steps)


def pending(steps: Iterable[Step], *, to: int | None = None) -> tuple[Step, ...]:
    """Return the steps to apply, up to and including number ``to``."""
    return tuple(s for s in steps if s.state is State.PENDING and (to is None or s.number <= to))


def check(steps: Sequence[Step]) -> None:
    """Raise the first problem; the others follow in its notes, each with its remedy unless it is the same."""
    problems = [step.problem for step in steps if step.problem]
    if problems:
        first, *others = problems
        told = {first.remedy}
        for other in others:
            remedy = "" if other.remedy in told else f" {other.remedy}"
            told.add(other.remedy)
            if (note := f"{other.name}: {other.message}{remedy}") not in first.notes:
                first.notes += (note,)
        raise first


def check_target(steps: Sequence[Step], *, to: int | None) -> None:
    """Raise ``UsageError`` when no file carries number ``to``."""
    if to is not None and to not in {step.number for step in steps if step.migration}:
        raise UsageError(f"There is no file with number {to:03}.", remedy="See `status` for the numbers.")


def check_expected(count: int, *, expect: int | None, applied: int = 0) -> None:
    """Raise ``PendingUnexpected`` when another number of files is pending than expected.

    Fewer may be, as long as the ``applied`` files make up for them: those another runner, or a run that was
    cut short, has applied before. More never.
    """
    if expect is not None and not count <= expect <= count + applied:
        raise PendingUnexpected(
            f"Files pending: {count}. Expected by --expect: {expect}. Nothing was applied.",
            remedy="Look at `plan`: what is pending is not what was reviewed.",
        )


def done(steps: Iterable[Step], *, to: int | None = None) -> tuple[Step, ...]:
    """Return the steps that are applied as their files are, up to and including number ``to``."""
    return tuple(s for s in steps if s.state is State.APPLIED and (to is None or s.number <= to))


def applied(steps: Iterable[Step]) -> tuple[Migration, ...]:
    """Return the files that are recorded and here, also those that are edited."""
    return tuple(s.migration for s in steps if s.applied and s.migration)


def behind(steps: Sequence[Step], *, to: int) -> tuple[Step, ...]:
    """Return the applied steps above number ``to``, newest first: what a rollback to ``to`` undoes."""
    return tuple(s for s in reversed(steps) if s.applied and s.number > to)


def check_known(steps: Sequence[Step], *, to: int) -> None:
    """Raise the problem of the newest step from ``to`` on whose row is not of the file that is here.

    Its rollback file would undo something else, or nothing, and delete the row.
    """
    for step in reversed(not_ahead(steps)):
        if step.applied and step.number >= to:
            known = _recorded(step.migration, step.applied) if step.migration else step
            if known.problem:
                known.problem.notes += ("It cannot be rolled back with these files.",)
                raise known.problem


def newest(steps: Sequence[Step]) -> Step | None:
    """Return the recorded step with the highest number."""
    return next((step for step in reversed(steps) if step.applied and not step.applied.running), None)
