"""Tell now and then, where no bar does, that a file is still at work, and what it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.apply import age
from runner.cli import log, report
from runner.cli.text import inline

if TYPE_CHECKING:
    from runner.apply import Working

_FIRST = 5.0  # seconds


class Heartbeat:
    """Knows when the next line about each file is due: after 5 s, then every --heartbeat seconds."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}  # seconds of its work, by file

    def is_due(self, event: Working, *, whose: str = "") -> bool:
        """Tell whether a line about a file, maybe of a member of a fleet, is due; once told it is not."""
        pause, key = report.settings.heartbeat, f"{whose}\0{event.migration.path}"
        first = min(_FIRST, pause)
        due = first if event.seconds < first else self._next.get(key, first)  # it may be begun anew
        is_due = bool(pause) and event.seconds >= due
        self._next[key] = event.seconds + pause - min(event.seconds - due, 1) if is_due else due
        return is_due

    def tell(self, event: Working, *, whose: str = "", is_drawn: bool) -> None:
        """Write a line that is due: for a person only where no bar shows it."""
        if self.is_due(event, whose=whose) and not log.show(event, member=whose) and not is_drawn:
            report.note(f"{f'{whose}: ' if whose else ''}{event.migration.path}, {words(event)}")


def words(event: Working) -> str:
    """Return what is told of a file at work, in a line."""
    return inline(f"for {age(event.seconds)}: {str(event.activity) or 'at work'}")
