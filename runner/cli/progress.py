"""Draw the files of one series going by: a bar on a terminal for the one at hand, and a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import apply
from runner.cli import log, report
from runner.cli.text import columns, duration, inline, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.apply import Event, Working
    from runner.cli.bar import Bar
    from runner.cli.heartbeat import Heartbeat
    from runner.model import Migration

_VERB = 11  # columns of what stands before the path
_TIME = 9  # columns of a time
_BESIDE = 45  # columns of what stands beside the path while it is being applied


def tell(event: Event, *, whose: str = "") -> None:
    """Say on stderr what a file, maybe of a member of a fleet, waits for, or what its server said."""
    before = f"{whose}: " if whose else ""
    match event:
        case apply.Waiting(holders=holders):
            who = "; ".join(holders) or "the server does not say which"
            report.note(f"{before}waiting for another runner: {who}")
        case apply.Retrying(reason=reason, seconds=seconds):
            report.note(f"{before}{reason.message} Trying again in {seconds:.0f} s.")
            for note in () if whose else reason.notes:
                report.note(f"  {note}")
        case apply.Noticed(migration=migration, notices=notices):
            for one in notices:
                report.notice(one, migration.path, whose=whose)


class Progress:
    """Shows what happens to the files of one series; ``unfinished`` is the first that has no outcome yet."""

    def __init__(self, paths: Sequence[str], *, quiet: bool = False) -> None:
        self._quiet = quiet or report.settings.quiet
        self._width = report.width()
        self._longest = max((columns(inline(path)) for path in paths), default=0)
        self._total = len(paths)
        self._begun: list[Migration] = []
        self._bar: Bar | None = None
        self._heartbeat: Heartbeat | None = None

    def __enter__(self) -> Progress:
        if not self._quiet and self._total and self._width:
            from runner.cli import bar  # noqa: PLC0415 - start-up time

            self._bar = bar.begin("", self._total, spins=True)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar:
            self._bar.stop()

    @property
    def unfinished(self) -> Migration | None:
        """Return the file that was begun first of those that are not done."""
        return self._begun[0] if self._begun else None

    def show(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, apply.Working):
            self._work(event)
            return
        if self._bar:
            self._bar.below = ""
        told = log.show(event)
        path = inline(event.migration.path)
        match event:
            case apply.Started(migration=migration):
                self._begun.append(migration)
                self._begin(path)
            case apply.Outcome(migration=migration, ms=ms):
                self._begun = [one for one in self._begun if one.version != migration.version]
                self._done(path, ms)
            case _ if not told:
                tell(event)

    def _work(self, event: Working) -> None:
        """Show below the bar what a file is doing; where there is none, tell it now and then."""
        from runner.cli import heartbeat  # noqa: PLC0415 - start-up time

        if self._bar:
            self._bar.below = heartbeat.words(event)
        self._heartbeat = self._heartbeat or heartbeat.Heartbeat()
        self._heartbeat.tell(event, is_drawn=self._bar is not None)

    def _begin(self, path: str) -> None:
        if self._bar and self._width:
            self._bar.update(self._bar.task, description=shortened(path, max(self._width - _BESIDE, 8)))

    def _done(self, path: str, ms: int | None) -> None:
        if self._bar:
            self._bar.advance(self._bar.task)
        if ms is None:
            self.row("found", path, "by another runner")
        else:
            self.row("applied", path, duration(ms))

    def row(self, verb: str, path: str, how: str = "") -> None:
        """Write the line of a file that is over."""
        if self._quiet:
            return
        room = self._width and self._width - _VERB - 1 - max(len(how), _TIME if how else 0)
        path = shortened(inline(path), room)
        pad = " " * (min(self._longest, room or self._longest) - columns(path))
        report.drawn(f"  {verb:<9}{path}{pad} {how:>{_TIME}}".rstrip())
