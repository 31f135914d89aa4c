"""Show what happens in a fleet: on a terminal one bar for all and a line per database at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from runner import apply, door
from runner.cli import common, document, ending, heartbeat, log, report, standing
from runner.cli.text import visible
from runner.fleet import Ending

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import TaskID

    from runner.cli.bar import Bar
    from runner.door import Event
    from runner.fleet import Visit


class Board:
    """Shows a bar for all and a line per database at work on a terminal; a line per database elsewhere."""

    def __init__(self, total: int) -> None:
        self.said: dict[str, list[dict[str, Any]]] = {}  # what servers said, by member, for the document
        self._total = total
        self._bar: Bar | None = None
        self._all: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}
        self._is_migrating = False
        self._heartbeat = heartbeat.Heartbeat()

    def __enter__(self) -> Self:
        if not common.wants_document() and report.is_terminal():
            from runner.cli import bar  # noqa: PLC0415 - start-up time

            self._bar = bar.begin(spins=False)
            self._all = self._bar.add_task("looking", total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, name: str, event: Event) -> None:
        """Take note of what happens in a member."""
        if isinstance(event, door.Checked):
            self._advance()
            return
        path = visible(event.migration.path)
        told = not isinstance(event, apply.Working | apply.Noticed) and log.show(event, member=name)
        match event:
            case apply.Started():
                self._at(name, path)
            case apply.Waiting() | apply.Retrying() if told:
                pass
            case apply.Waiting(holders=holders):
                report.say(f"{name}: waiting for another runner: {'; '.join(holders)}", err=True)
            case apply.Working():
                self._work(name, event)
            case apply.Retrying(reason=reason, seconds=seconds):
                report.say(f"{name}: {reason.message} Trying again in {seconds:.0f} s.", err=True)
            case apply.Noticed():
                self._note(name, event)

    def _work(self, name: str, event: apply.Working) -> None:
        """Show on its line what a member is doing; where there is none, tell it now and then."""
        if name in self._tasks and self._bar:
            self._at(name, f"{visible(event.migration.path)}  {heartbeat.words(event)}")
        elif self._heartbeat.is_due(event, whose=name) and not log.show(event, member=name):
            heartbeat.note(event, whose=name)

    def _note(self, name: str, event: apply.Noticed) -> None:
        """Show warnings, or all if more is wanted, and keep them for the document."""
        for one in map(ending.revealed, event.notices):
            if report.settings.verbose or one.severity == report.WARNING:
                report.notice(one, f"{name}: {event.migration.path}")
                self.said.setdefault(name, []).append(document.notice(event.migration.version, one))

    def _migrate(self) -> None:
        """Begin with the bar anew, now that all were looked at."""
        if self._bar and self._all is not None and not self._is_migrating:
            self._bar.reset(self._all, description="migrating", total=self._total)
        self._is_migrating = True

    def _at(self, name: str, path: str) -> None:
        self._migrate()
        if not self._bar:
            return
        text = f"  {visible(name)}  {path}"
        if name in self._tasks:
            self._bar.update(self._tasks[name], description=text)
        else:
            self._tasks[name] = self._bar.add_task(text, total=None)

    def _advance(self) -> None:
        if self._bar and self._all is not None:
            self._bar.advance(self._all)

    def count(self, visit: Visit) -> None:
        """Take note of a member that was looked at."""
        if visit.ending is not Ending.NOT_STARTED:
            self._advance()

    def leave(self, visit: Visit) -> None:
        """Take note of a member that is done; without a terminal a line says so."""
        self._migrate()
        if self._bar and visit.name in self._tasks:
            self._bar.remove_task(self._tasks.pop(visit.name))
        self.count(visit)
        if not self._bar and not common.wants_document():
            report.say(f"  {visit.name}  {standing.result(visit).state}  ({visit.seconds:.2f} s)")
