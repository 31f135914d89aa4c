"""Compare the files of a series with its ledger: pure, no I/O."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runner.errors import PendingUnexpected, UsageError
from runner.planning.step import State, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.model import Applied, Migration

_TOLD = 8  # problems with one remedy


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
    if interrupted and interrupted.name != migration.name and interrupted.checksum != migration.checksum:
        return _recorded(migration, interrupted)
    known = (migration.series, migration.version, migration.name)
    if migration.number < newest and not migration.requires and not interrupted:
        from runner.planning import problem  # noqa: PLC0415 - start-up time: mostly nothing is wrong

        return Step(*known, State.LATE, migration, problem=problem.late(migration, newest))
    return without(Step(*known, State.PENDING, migration, interrupted), lacking)


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
    from runner.planning import problem  # noqa: PLC0415 - start-up time: mostly nothing is wrong

    state = State.EDITED if migration.name == row.name else State.RENAMED
    return Step(*known, state, migration, row, problem=problem.other(migration, row))


def _missing(row: Applied) -> Step:
    from runner.planning import problem  # noqa: PLC0415 - start-up time: mostly nothing is wrong

    return Step(row.series, row.version, row.name, State.MISSING, None, row, problem=problem.missing(row))


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
    """Raise the first problem; the others follow in its notes, each with its remedy unless it is the same.

    Of those with the same only a few do: there may be thousands.
    """
    problems = [step.problem for step in steps if step.problem]
    if problems:
        first, *others = problems
        told, left = Counter([first.remedy]), 0
        for other in others:
            remedy = "" if told[other.remedy] else f" {other.remedy}"
            told[other.remedy] += 1
            left += told[other.remedy] > _TOLD
            note = f"{other.name}: {other.message}{remedy}"
            if told[other.remedy] <= _TOLD and note not in first.notes:
                first.notes += (note,)
        if left:
            first.notes += (f"… and {left} more: `status` shows all.",)
        raise first


def check_target(steps: Sequence[Step], *, to: int | None) -> None:
    """Raise ``UsageError`` when no file carries number ``to``."""
    if to is not None and to not in {step.number for step in steps if step.migration}:
        raise UsageError(f"There is no file with number {to:03}.", remedy="See `status` for the numbers.")


def check_count(steps: Sequence[Step], *, to: int | None, expect: int | None) -> None:
    """Do ``check_expected`` for the files up to number ``to``, of one database or of several."""
    check_expected(len(pending(steps, to=to)), expect=expect, applied=len(done(steps, to=to)))


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
