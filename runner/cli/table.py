"""Draw the steps of a series: columns that fit a terminal, whole ones in a pipe."""

from __future__ import annotations

import time
from collections import Counter
from functools import cache
from operator import add
from typing import TYPE_CHECKING

from runner.cli import common, report, text
from runner.planning import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.door import Database
    from runner.planning import Step

_STYLES = dict.fromkeys((State.EDITED, State.RENAMED, State.MISSING, State.LATE), "bold red") | {
    State.APPLIED: "green", State.PENDING: "yellow", State.SKIPPED: "cyan", State.AHEAD: "magenta",
}  # fmt: skip
_HEADERS = ("version", "name", "state", "applied at", "by", "time")
_NAME, _STATE, _AT, _BY, _TIME = range(1, 6)
_GOES_FIRST = (_BY, _TIME, _AT)  # where room is short
_LONGEST = 32  # columns; for the sake of a longer name no column goes: it is cut itself
_GAP = "  "


def described(step: Step, one: Database | None = None) -> str:
    """Return the state in words, with why it is skipped, or whether somebody is at work on it in ``one``."""
    if step.applied and step.applied.running:
        return f"{step.state} ({common.begun(step, one)})"
    return f"{step.state} ({needed(step.needs, step.why)})" if step.needs else str(step.state)


def needed(needs: Sequence[str], why: str | None) -> str:
    """Return which extensions are not to be had, and why."""
    return f"needs {', '.join(needs)}{f': {why}' if why else ''}"


def show_all(found: Sequence[Database]) -> None:
    """Show a table of each database, then what is wrong anywhere, then how much there is of each."""
    for one in found:
        show(common.title(one), one.steps, one)
        report.say("")
    for one in found:
        for problem in common.first_few([step.problem for step in one.steps if step.problem]):
            report.error(problem)
    for one in found:
        report.sentence(summary(one.series, one.steps), indent="")
    for one in found:
        for session, activity in one.at_work:
            doing = f"; {activity}" if str(activity) else ""
            report.sentence(f"{one.series}: at work is {session}{doing}.", indent="")


def show(title: str, steps: Sequence[Step], one: Database | None = None) -> None:
    """Show the steps of one series, and behind them why any is skipped."""
    report.heading(title)
    raw = zip(_HEADERS, *(_cells(step, one) for step in steps), strict=True)
    columns = [cells if "".join(cells).isprintable() else tuple(map(text.inline, cells)) for cells in raw]
    widths = _fitted(columns, report.width())
    drawn = {at: _drawn(columns[at], width, right=at == _TIME) for at, width in widths.items()}
    if report.is_coloured():
        drawn[_STATE] = list(map(_coloured, drawn[_STATE], (None, *(_STYLES[step.state] for step in steps))))
    rows = ((_GAP + _GAP.join(row)).rstrip() for row in zip(*drawn.values(), strict=True))
    report.drawn("\n".join(rows))  # at once: they may be many
    for step in steps:
        if step.needs:
            report.sentence(f"{described(step, one)}  {step.file.path}")


def _drawn(cells: Sequence[str], width: int, *, right: bool) -> list[str]:
    """Return the cells of a column, all of its width: the whole column at once, for they may be many."""
    everything = "".join(cells)
    if everything.isascii() and _widest(cells) <= width:
        return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]
    shown = [text.shortened(cell, width) for cell in cells]
    pads = [" " * (width - text.columns(cell)) for cell in shown]
    return list(map(add, pads, shown) if right else map(add, shown, pads))


def _coloured(cell: str, style: str | None) -> str:
    """Return a cell in its colour, but for the blanks behind it."""
    bare = cell.rstrip()
    return report.styled(bare, style) + cell[len(bare) :]


def _fitted(columns: Sequence[Sequence[str]], width: int | None) -> dict[int, int]:
    """Return which columns there is room for, with the width of each."""
    wide = list(map(_widest, columns))
    kept = [at for at in range(len(wide)) if at in (0, _NAME, _STATE) or any(columns[at][1:])]
    if width is None:
        return {at: wide[at] for at in kept}
    name = wide[_NAME]
    for goes in (None, *_GOES_FIRST):
        kept = [at for at in kept if at != goes]
        rest = sum(wide[at] + len(_GAP) for at in kept if at != _NAME) + len(_GAP)
        if rest + min(name, _LONGEST) <= width:
            break
    wide[_NAME] = min(name, max(width - rest, len(_HEADERS[_NAME])))
    return {at: wide[at] for at in kept}


def _widest(cells: Sequence[str]) -> int:
    measure = len if "".join(cells).isascii() else text.columns
    return max(map(measure, cells))


def _cells(step: Step, one: Database | None) -> tuple[str, ...]:
    row = step.applied
    return (
        step.version,
        step.name,
        described(step, one) if not step.needs else str(step.state),
        _local(int(row.applied_at.timestamp() // 60)) if row else "",
        row.applied_by if row else "",
        text.duration(row.execution_ms) if row and row.execution_ms else "",  # a bundle does not time it
    )


@cache  # the files of one run share their minutes
def _local(minute: int) -> str:
    """Return a minute since 1970 in the time zone of whoever looks."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(minute * 60))


def summary(series: str, steps: Iterable[Step]) -> str:
    """Return how many steps are in which state, such as ``auth: 3 applied, 1 pending.``."""
    counts = Counter(step.state for step in steps)
    told = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    return f"{series}: {told or 'no migration'}."
