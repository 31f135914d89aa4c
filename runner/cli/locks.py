"""Show what pending files lock, and end with a code of its own where somebody does not want that."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from runner import locks
from runner.cli import options as shared
from runner.cli import report
from runner.errors import PlanAlarm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.door import Database
    from runner.locks import Effect, Trace, Traced

_WIDTH = 80
_WHO, _LOCK = 9, 24  # columns: everybody, ShareUpdateExclusiveLock
_LAST = _WIDTH - _WHO - _LOCK - 6
_UNIT = 1024
_STYLES = {"everybody": "red", "writers": "yellow"}


def _classes(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:  # noqa: ARG001 - click's
    names = tuple(name.strip() for name in value.split(",")) if value is not None else ()
    if unknown := [name for name in names if name not in locks.ALARMS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(locks.ALARMS)}.")
    return names


options = shared.together(
    click.option(
        "--locks", "measured", is_flag=True,
        help="Run the pending files in a scratch database, statement by statement, and show what each locks, "
        "rewrites, reads and destroys, with the sizes of the live tables.",
    ),
    click.option(
        "--fail-on", metavar="CLASS,...", callback=_classes,
        help="As --locks, and exit 6 when a pending file does one of these: rewrite, exclusive-scan, "
        "write-scan, exclusive, destructive, data-loss, rollback, untraced.",
    ),
    shared.scratch_option,
)  # fmt: skip


def check(found: Sequence[Database], classes: Sequence[str]) -> None:
    """Raise ``PlanAlarm`` when a pending file does what one of the classes names."""
    hits = tuple(
        f"{trace.migration.path}: {', '.join(names)}"
        for one in found
        for trace in one.locks or ()
        if (names := [name for name in trace.alarms if name in classes])
    )
    if hits:
        raise PlanAlarm(
            f"Pending files that do what --fail-on names: {len(hits)}. Nothing was applied.",
            remedy="See what hurts above; docs/writing.md has a way around most of it.",
            notes=hits,
        )


def show(one: Database, *, err: bool) -> None:
    """Show a table for each pending file, first what hurts most."""
    for trace in one.locks or ():
        report.say(f"\n{trace.migration.path}", style="bold", err=err)
        for line, style in _lines(trace):
            report.say(line, style=style, err=err)


def _lines(trace: Trace) -> Iterator[tuple[str, str | None]]:
    if trace.untraced:
        yield from _wrapped("untraced: ", trace.untraced, "red")
    hurting = [(one, effect) for one, effect in trace.effects if _is_shown(effect)]
    if hurting:
        yield f"  {'who waits':<{_WHO}}  {'lock':<{_LOCK}}  what happens under it", None
    for traced, effect in hurting:
        yield from _row(traced, effect)
    if not hurting and not trace.untraced:
        yield "  nobody has to wait", "green"
    for traced in trace.statements:
        for loss in traced.losses:
            yield from _wrapped("destroys: ", f"line {traced.place.line} {loss.text}", "red")
        if traced.note:
            yield from _wrapped("note: ", f"line {traced.place.line} is {traced.note}", None)
    yield from _undo(trace)


def _is_shown(effect: Effect) -> bool:
    return effect.blocked is not locks.Blocked.NOBODY or effect.takes_long


def _row(traced: Traced, effect: Effect) -> Iterator[tuple[str, str | None]]:
    """Yield a row of the table, and under it the statement."""
    who, lock = effect.blocked, effect.lock or ""
    style = _STYLES.get(who) if effect.takes_long else None
    for at, words in enumerate(textwrap.wrap(_words(effect), _LAST, break_on_hyphens=False)):
        cells = ("", "") if at else (who, lock)
        yield f"  {cells[0]:<{_WHO}}  {cells[1]:<{_LOCK}}  {words}".rstrip(), style
    place = f"{traced.place.path}:{traced.place.line}: "
    yield _cut(f"{'':<{_WHO + 4}}{place}{traced.text}"), None


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1].rstrip()}…"


def _words(effect: Effect) -> str:
    """Return what happens: ``builds an index: reads 812 MB of public.orders, about 1,200 rows``."""
    name = f"index {effect.name} of {effect.table}" if effect.table else effect.name
    size = f"{_bytes(effect.size.bytes)} of {name}" if effect.size else name
    rows = f", about {effect.size.rows:,} rows" if effect.size and effect.size.rows else ""
    match str(effect.work):
        case "rewrites" | "reads" | "empties" as work:
            words = f"{work} {size}{rows}"
        case "changes rows" as work:
            words = f"{work} of {name}{f', {_bytes(effect.size.bytes)}' if effect.size else ''}{rows}"
        case "a moment" as work:
            words = name if effect.meanwhile else f"{name}, {work}"
        case work:
            words = f"{work}: reads {size}{rows}"
    later = f", held while {', '.join(effect.meanwhile)}" if effect.meanwhile else ""
    return words + later


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < _UNIT:
            return f"{size:.0f} {unit}"
        size /= _UNIT
    return f"{size:.1f} TB"


def _undo(trace: Trace) -> Iterator[tuple[str, str | None]]:
    undo = trace.undo
    if undo.is_missing:
        yield "  rollback: there is none", "yellow"
    if undo.error:
        yield from _wrapped("rollback: it fails, ", undo.error, "yellow")
    if undo.takes:
        yield from _wrapped("rollback: loses ", ", ".join(undo.takes), "yellow")
    if undo.loses:
        yield from _wrapped("rollback: loses what the file makes, ", ", ".join(undo.loses), None)


def _wrapped(label: str, text: str, style: str | None) -> Iterator[tuple[str, str | None]]:
    for line in textwrap.wrap(f"  {label}{text}", _WIDTH, subsequent_indent=" " * 12, break_on_hyphens=False):
        yield line, style
