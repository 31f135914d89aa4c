"""Show what happens in a fleet: on a terminal one bar for all and a line per database at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from runner import apply, door, planning
from runner.cli import common, document, ending, heartbeat, log, progress, report, standing, stopping
from runner.cli.text import columns, inline, part, shortened
from runner.fleet import Ending

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.cli.bar import Bar
    from runner.door import Event
    from runner.fleet import Visit
    from runner.model import Migration

_NAME, _LABEL = 24, 40  # columns of a member, and of a file of which nothing more is told


class Board:
    """Shows a bar for all and a line per database at work on a terminal; a line per database elsewhere."""

    def __init__(self, names: Collection[str], *, to: int | None = None) -> None:
        self.said: dict[str, list[dict[str, Any]]] = {}  # what servers said, by member, for the document
        self._total = len(names)
        self._to = to
        self._width = report.width()
        self._longest = min(max((columns(inline(name)) for name in names), default=0), _NAME)
        self._files: dict[str, tuple[int, int]] = {}  # by member: how many are done, of how many
        self._lines: dict[str, str] = {}  # of those at work
        self._bar: Bar | None = None
        self._is_migrating = False
        self._heartbeat = heartbeat.Heartbeat()

    def __enter__(self) -> Self:
        if not common.wants_document() and report.is_terminal():
            from runner.cli import bar  # noqa: PLC0415 - start-up time

            self._bar = bar.begin("looking", self._total, spins=False)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._bar:
            self._bar.stop()
        if self._is_migrating and isinstance(error, stopping.CutShort):
            raise stopping.unknown("each database") from error

    def show(self, name: str, event: Event) -> None:
        """Take note of what happens in a member."""
        if isinstance(event, door.Checked):
            self._files[name] = (0, len(planning.pending(event.databases[0].steps, to=self._to)))
            self._advance()
            return
        if isinstance(event, apply.Working):
            if self._bar:
                self._at(name, event.migration, heartbeat.words(event))
            self._heartbeat.tell(event, whose=name, is_drawn=self._bar is not None)
            return
        if isinstance(event, apply.Noticed):
            event = ending.chosen(event)
            self.said.setdefault(name, []).extend(document.notices(event))
        told = log.show(event, member=name)
        match event:
            case apply.Started(migration=migration):
                self._at(name, migration)
            case apply.Outcome():
                done, total = self._files[name]
                self._files[name] = (done + 1, total)
            case _ if not told:
                progress.tell(event, whose=name)

    def _migrate(self) -> None:
        """Begin with the bar anew, now that all were looked at."""
        if self._bar and not self._is_migrating:
            self._bar.reset(self._bar.task, description="migrating", total=self._total)
        self._is_migrating = True

    def _at(self, name: str, migration: Migration, words: str = "") -> None:
        """Show which file of how many a member is at, in a line that fits."""
        self._migrate()
        done, total = self._files[name]
        shown = shortened(inline(name), _NAME)
        pad = " " * (self._longest - columns(shown))
        label = shortened(inline(migration.label), _NAME if words else _LABEL)
        text = f"{shown}{pad}  {done}/{total}  {label}  {words}"
        self._lines[name] = part(text.rstrip(), self._width and self._width - 2)
        self._draw()

    def _draw(self) -> None:
        if self._bar:
            self._bar.below = "\n  ".join(self._lines.values())

    def _advance(self) -> None:
        if self._bar:
            self._bar.advance(self._bar.task)

    def count(self, visit: Visit) -> None:
        """Take note of a member that was looked at."""
        if visit.ending is not Ending.NOT_STARTED:
            self._advance()

    def leave(self, visit: Visit) -> None:
        """Take note of a member that is done; without a terminal a line says so."""
        self._migrate()
        self._lines.pop(visit.name, None)
        self._draw()
        self.count(visit)
        if not self._bar and not common.wants_document():
            report.sentence(f"{visit.name}  {standing.result(visit).state}  ({visit.seconds:.2f} s)")
