"""Show a run of ``migrate``: each database under its heading, its files, and what it has in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from runner import apply, door
from runner.cli import common, document, ending, progress, report, stopping
from runner.cli.text import counted, shortened
from runner.errors import CommitUnknown, ConnectionLost, Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.apply import Outcome
    from runner.door import Database

_LABEL = 40  # columns of a file's name in a sentence on a terminal


class Screen:
    """Shows each database of a run under its heading, with what it has in the end, also when one fails."""

    def __init__(self, to: int | None, expect: int | None) -> None:
        self._to = to
        self._expect = expect
        self._waiting: list[Database] = []
        self._said: list[dict[str, Any]] = []
        self._done: list[Outcome] = []
        self._progress: progress.Progress | None = None
        self._failed: str | None = None  # the series that ended the run
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Say what became of all; no signal changes that any more. Raises what is not known."""
        stopping.settle()
        told = error
        if self._waiting and isinstance(error, stopping.CutShort):
            told = stopping.unknown(self._waiting[0].series)
        if told:
            self.fail(told)
        self.leave_all()
        if told and told is not error:
            raise told from error

    def show(self, event: door.Event) -> None:
        """Take note of one event."""
        if isinstance(event, door.Checked):
            _warn(event.databases)
            _compare(event.databases, self._expect)
            self._waiting = list(event.databases)
            return
        while self._waiting[0].series != event.migration.series:
            self._leave()
        drawn = self._enter()
        if isinstance(event, apply.Noticed):
            event = ending.chosen(event)
            self._said += document.notices(event)
        drawn.show(event)
        if isinstance(event, apply.Outcome):
            self._done.append(event)

    def fail(self, error: BaseException) -> None:
        """Give the file that failed a line of its own."""
        if self._waiting:
            drawn = self._enter()
            drawn.__exit__()
            if drawn.unfinished:
                drawn.row(_verb(error), drawn.unfinished.path)
            self._failed, self._error = self._waiting[0].series, error

    def _enter(self) -> progress.Progress:
        """Write the heading of the database at hand, unless it stands there already."""
        if self._progress is None:
            one = self._waiting[0]
            report.heading(common.title(one))
            paths = [step.file.path for step in one.pending if self._to is None or step.number <= self._to]
            self._progress = progress.Progress(paths, quiet=common.wants_document()).__enter__()
        return self._progress

    def _leave(self) -> None:
        self._enter().__exit__()
        one = self._waiting.pop(0)._replace(outcomes=tuple(self._done))
        has_failed = self._failed == one.series
        common.add(one, **document.migrated(one), warnings=self._said)
        if has_failed and isinstance(self._error, CommitUnknown):
            _admit(one)
        elif not common.wants_document():
            past = has_failed and common.has_waited(self._error)
            _summarise(one, self._to, None if has_failed else self._failed, past=past)
        self._progress, self._done, self._said = None, [], []

    def leave_all(self) -> None:
        """Say what each database has that was not left yet."""
        while self._waiting:
            self._leave()


def _verb(error: BaseException) -> str:
    """Return what became of the file that was running."""
    if isinstance(error, CommitUnknown):
        return "unknown"
    if isinstance(error, ConnectionLost):
        return "lost"
    if common.has_waited(error):
        return "waited"
    return "stopped" if isinstance(error, KeyboardInterrupt | Interrupted) else "failed"


def _warn(found: Sequence[Database]) -> None:
    for one in found:
        lacking = [s.migration.path for s in one.steps if s.migration and s.migration.rollback is None]
        if len(lacking) == 1:
            report.warning(f"{lacking[0]} has no rollback file.")
        elif lacking:
            rest = counted(len(lacking) - 1, "more file")
            report.warning(f"{lacking[0]} and {rest} have no rollback file.")


def _compare(found: Sequence[Database], expect: int | None) -> None:
    """Say how many of the expected files were applied before: by another pod, or a run that was cut short."""
    pending = sum(len(one.pending) for one in found)
    if expect is not None and pending < expect:
        report.say(f"{expect - pending} of the {expect} expected files were applied before.")


def _admit(one: Database) -> None:
    """Say that more may have been applied to a database than what was told; where it is nobody knows."""
    known = f"{len(one.outcomes)} applied; whether more" if one.outcomes else "what"
    report.sentence(f"{known} is applied to {one.series} is not known.")


def _summarise(one: Database, to: int | None, failed: str | None, *, past: bool) -> None:
    """Say what a database got and has; ``failed`` names the series before it that ended the run.

    ``past`` says that another runner was waited for, who may have applied more since.
    """
    if one.skipped and failed is None:
        from runner.cli import table  # noqa: PLC0415 - start-up time

        for step in one.skipped:
            report.sentence(f"{table.described(step, one)}  {step.file.path}")
    own = sum(outcome.ms is not None for outcome in one.outcomes)
    counts = f"{own} applied" if own else "nothing applied"
    if others := len(one.outcomes) - own:
        counts += f", {others} by another runner"
    if failed is not None:
        counts = f"not reached, because {failed} failed: {counts}"
    label = shortened(one.at or "", report.width() and _LABEL)
    place = common.ahead(one) or (f"at {label}" if one.at else "empty")
    stands = f"was {place} when it was last looked at" if past else f"is {place}"
    report.sentence(f"{counts}, {one.series} {stands}.")
    if to is not None and one.at and int(one.at.partition("_")[0]) > to:
        report.warning(f"{one.series} is beyond --to {to:03} already. `rollback` prints how to go back.")
