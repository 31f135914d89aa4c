"""Draw the steps of a series: a table on a terminal, aligned columns in a pipe."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Literal

from runner.cli import report
from runner.planning import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.planning import Step

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


def described(step: Step) -> str:
    """Return the state in words: ``skipped (needs vector: this server does not offer it)``."""
    if step.applied and step.applied.running:
        return f"{step.state} (interrupted)"
    return f"{step.state} ({needed(step.needs, step.why)})" if step.needs else str(step.state)


def needed(needs: Sequence[str], why: str | None) -> str:
    """Return which extensions are not to be had, and why."""
    return f"needs {', '.join(needs)}{f': {why}' if why else ''}"


def show(title: str, steps: Sequence[Step]) -> None:
    """Show the steps of one series."""
    rows = [_cells(step) for step in steps]
    if report.is_terminal():
        _rich_table(title, steps, rows)
        return
    widths = [max(map(len, column)) for column in zip(_HEADERS, *rows, strict=True)]
    line = "  " + "  ".join(f"%-{width}s" for width in widths)
    report.say("\n".join((title, *((line % row).rstrip() for row in (_HEADERS, *rows)))))


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
    report.console().print(drawn)
