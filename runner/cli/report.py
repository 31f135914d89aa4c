"""Show people and programs what the library found: the one place besides ``cli`` that prints.

On a terminal rich draws tables, a progress bar and colours (``NO_COLOR`` is honoured); in a pipe the same
words come as plain lines, and rich is not even imported. With ``--json`` one document is written to
stdout at the end. Warnings and errors go to stderr.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TextIO

from runner import apply
from runner.planning import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from runner.apply import Event, Notice
    from runner.errors import Place, RunnerError
    from runner.planning import Step

WARNING = "WARNING"  # severity, as PostgreSQL writes it
_STYLES = {
    State.APPLIED: "green",
    State.PENDING: "yellow",
    State.SKIPPED: "cyan",
    State.EDITED: "bold red",
    State.RENAMED: "bold red",
    State.MISSING: "bold red",
    State.LATE: "bold red",
    State.AHEAD: "magenta",
}
_HEADERS = ("version", "name", "state", "applied at", "by", "time")


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a person looks at ``stream``."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def console(*, err: bool = False) -> Console:
    """Return a rich console for a terminal. Text is never read as markup."""
    from rich.console import Console  # noqa: PLC0415 - start-up time: a pipe needs no rich

    stream = sys.stderr if err else sys.stdout
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def say(text: str, *, style: str | None = None, err: bool = False) -> None:
    """Print a line, coloured on a terminal."""
    stream = sys.stderr if err else sys.stdout
    text = visible(text)
    if style and is_terminal(stream):
        console(err=err).print(text, style=style, soft_wrap=True)
    else:
        print(text, file=stream, flush=True)


def visible(text: str) -> str:
    """Return the text with control characters written out, so that a terminal does not obey them."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def raw(text: str) -> None:
    """Print a text as it is, in UTF-8 whatever the terminal speaks: it is for psql, not for a person."""
    getattr(sys.stdout, "reconfigure", dict)(encoding="utf-8")
    print(text, end="")


def dump(content: dict[str, Any]) -> None:
    """Print one JSON document."""
    import json  # noqa: PLC0415 - --json only

    speaks_utf8 = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(content, indent=2, ensure_ascii=not speaks_utf8))


# ------------------------------------------------------------------ steps


def described(step: Step) -> str:
    """Return the state in words: ``skipped (needs vector: this server does not offer it)``."""
    if step.applied and step.applied.running:
        return f"{step.state} (interrupted)"
    return f"{step.state} ({needed(step.needs, step.why)})" if step.needs else str(step.state)


def needed(needs: Sequence[str], why: str | None) -> str:
    """Return which extensions are not to be had, and why."""
    return f"needs {', '.join(needs)}{f': {why}' if why else ''}"


def table(title: str, steps: Sequence[Step]) -> None:
    """Show the steps of one series."""
    rows = [_cells(step) for step in steps]
    if is_terminal(sys.stdout):
        _rich_table(title, steps, rows)
        return
    widths = [max(map(len, column)) for column in zip(_HEADERS, *rows, strict=True)]
    line = "  " + "  ".join(f"%-{width}s" for width in widths)
    say("\n".join((title, *((line % row).rstrip() for row in (_HEADERS, *rows)))))


def _cells(step: Step) -> tuple[str, ...]:
    row = step.applied
    return (
        step.version,
        step.name,
        described(step),
        _local(int(row.applied_at.timestamp() // 60)) if row else "",
        row.applied_by if row else "",
        f"{row.execution_ms} ms" if row else "",
    )


@cache  # the files of one run share their minutes
def _local(minute: int) -> str:
    """Return a minute since 1970 in the time zone of whoever looks."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(minute * 60))


def _rich_table(title: str, steps: Sequence[Step], rows: Sequence[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415 - start-up time
    from rich.text import Text  # noqa: PLC0415 - start-up time

    drawn = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for header in _HEADERS:
        justify: Literal["left", "right"] = "right" if header == "time" else "left"
        drawn.add_column(header, justify=justify, overflow="fold", no_wrap=header in ("name", "applied at"))
    for step, row in zip(steps, rows, strict=True):
        state = Text(row[2], style=_STYLES[step.state])
        drawn.add_row(*row[:2], state, *row[3:])
    console().print(drawn)


# ------------------------------------------------------------------ progress


class Progress:
    """Show the files of one series going by: a bar on a terminal, a line per file elsewhere."""

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._total = total

    def __enter__(self) -> Progress:
        if not self._quiet and self._total and is_terminal(sys.stdout):
            from rich import progress  # noqa: PLC0415 - start-up time

            self._bar = progress.Progress(
                progress.SpinnerColumn(),
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(bar_width=24),
                progress.MofNCompleteColumn(),
                progress.TimeElapsedColumn(),
                console=console(),
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
                say("waiting for another runner: " + "; ".join(holders), err=True)
            case apply.Retrying(reason=reason, seconds=seconds):
                say(f"{reason.message} Trying again in {seconds:.0f} s.", err=True)
                for note in reason.notes:
                    say(f"  {note}", err=True)
            case apply.Noticed(notices=notices):
                for one in notices:
                    notice(one, path)
            case apply.Outcome(ms=ms):
                self._done(path, f"{ms} ms" if ms is not None else "already done by another runner")

    def _done(self, path: str, how: str) -> None:
        if self._bar and self._task is not None:
            self._bar.advance(self._task)
            self._bar.console.print(f"  applied  {path:<48} {how:>8}")
        elif not self._quiet:
            say(f"  applied  {path:<48} {how:>8}")


# ------------------------------------------------------------------ problems


def warning(text: str) -> None:
    """Show something that is not right but does not stop the command."""
    say(f"warning: {text}", style="yellow", err=True)


def notice(said: Notice, path: str) -> None:
    """Show what the server said while a file ran, behind the place, or at least the file."""
    style = "yellow" if said.severity == WARNING else None
    say(f"{said.severity.lower()}: {said.place or path}: {said.message}", style=style, err=True)
    for note in said.notes:
        say(f"  {note}", err=True)


def error(problem: RunnerError) -> None:
    """Show an error: its name, what happened, the lines around the place, and the remedy."""
    say(f"error {problem.name}: {problem.message}", style="bold red", err=True)
    if problem.place:
        say(f"  --> {problem.place}", err=True)
        for line in excerpt(problem.place):
            say(line, err=True)
    for note in (*problem.notes, problem.remedy or ""):
        if note:
            say(f"  {note}", err=True)


def excerpt(place: Place) -> Iterable[str]:
    """Return the lines around a place, with a caret under it."""
    gutter = len(str(max((number for number, _ in place.excerpt), default=0)))
    for number, text in place.excerpt:
        yield f"  {number:>{gutter}} | {visible(text.expandtabs(4))}"
        if number == place.line:
            before = visible(text[: place.caret - 1].expandtabs(4))
            yield f"  {'':>{gutter}} | {' ' * _cells_wide(before)}^"


def _cells_wide(text: str) -> int:
    """Return how many columns a terminal needs: an ideograph takes two, a combining mark none."""
    import unicodedata  # noqa: PLC0415 - errors only

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
