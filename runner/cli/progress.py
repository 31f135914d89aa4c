"""Show the files of one series going by: a bar on a terminal, a line per file elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import apply
from runner.cli import report
from runner.cli.text import visible

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from runner.apply import Event


class Progress:
    """Show the files of one series going by: a bar on a terminal, a line per file elsewhere."""

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._total = total

    def __enter__(self) -> Progress:
        if not self._quiet and self._total and report.is_terminal():
            from rich import progress  # noqa: PLC0415 - start-up time

            self._bar = progress.Progress(
                progress.SpinnerColumn(),
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(bar_width=24),
                progress.MofNCompleteColumn(),
                progress.TimeElapsedColumn(),
                console=report.console(),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, event: Event) -> None:
        """Take note of one event."""
        path = visible(event.migration.path)
        match event:
            case apply.Started():
                if self._bar and self._task is not None:
                    self._bar.update(self._task, description=path)
            case apply.Waiting(holders=holders):
                report.say("waiting for another runner: " + "; ".join(holders), err=True)
            case apply.Retrying(reason=reason, seconds=seconds):
                report.say(f"{reason.message} Trying again in {seconds:.0f} s.", err=True)
                for note in reason.notes:
                    report.say(f"  {note}", err=True)
            case apply.Noticed(notices=notices):
                for one in notices:
                    report.notice(one, path)
            case apply.Outcome(ms=ms):
                self._done(path, f"{ms} ms" if ms is not None else "already done by another runner")

    def _done(self, path: str, how: str) -> None:
        if self._bar and self._task is not None:
            self._bar.advance(self._task)
            self._bar.console.print(f"  applied  {path:<48} {how:>8}")
        elif not self._quiet:
            report.say(f"  applied  {path:<48} {how:>8}")
