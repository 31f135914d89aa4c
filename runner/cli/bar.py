"""Draw the bar of a run on a terminal, and below it what the file at hand is doing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rich import progress
from rich.text import Text

from runner.cli import report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType


class Bar(progress.Progress):
    """A bar that comes and goes: of one ``task``, with the text ``below`` under it."""

    below = ""
    task: progress.TaskID

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return the bar, and the text if there is any."""
        yield from super().get_renderables()
        if self.below:
            yield Text(f"  {self.below}", no_wrap=False, overflow="fold")


def begin(text: str, total: int, *, spins: bool) -> Bar | None:
    """Return a bar that is drawn from now on behind a text; ``None`` where a line has no room for it.

    ``spins`` shows that something is at work.
    What goes to stderr is drawn above it only where that is the same terminal.
    """
    if shutil.get_terminal_size().columns < report.NARROWEST:
        return None
    console = report.console()
    console.soft_wrap = True  # a line that is told meanwhile is wrapped already; a path stays whole
    bar = Bar(
        *((progress.SpinnerColumn(),) if spins else ()),
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(bar_width=24),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        console=console,
        transient=True,
        redirect_stderr=report.is_terminal(err=True),
    )
    bar.start()
    bar.task = bar.add_task(text, total=total)
    return bar
