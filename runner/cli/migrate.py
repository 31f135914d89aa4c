"""The command that changes databases: migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runner import apply, door
from runner.cli import common, document, members, options, progress, report, table
from runner.model import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.apply import Outcome
    from runner.door import Database

_LIMITS = Limits()


def _seconds(name: str, default: float | None, text: str) -> Callable[[options.Command], options.Command]:
    """Return an option in seconds, which RUNNER_NAME in the environment sets as well."""
    return click.option(
        name,
        type=click.FloatRange(0),
        default=default,
        show_default=default is not None,
        show_envvar=True,
        envvar=f"RUNNER_{name.strip('-').replace('-', '_').upper()}",
        metavar="SECONDS",
        help=text,
    )


@click.command("migrate")
@options.some_series
@click.option("--to", type=click.IntRange(0), metavar="NNN", help="Stop after the file with this number.")
@click.option(
    "--expect",
    type=click.IntRange(0),
    metavar="N",
    help="Refuse unless N files are pending, or were until somebody applied them.",
)
@options.strict_option
@options.empty_option
@_seconds(
    "--wait-lock", _LIMITS.wait_lock, "How long to wait for another runner at work on the same database."
)
@_seconds(
    "--lock-timeout",
    _LIMITS.lock_timeout,
    "PostgreSQL's own: how long a file may wait for each lock; then it is tried again. 0 is no limit.",
)
@_seconds(
    "--statement-timeout",
    _LIMITS.statement_timeout,
    "PostgreSQL's own: how long each statement of a file may take, in place of what the server says. "
    "0 is no limit.",
)
@options.wait_option
@click.option(
    "--verbose", is_flag=True, help="Show what the server says below a warning, too: notices, infos."
)
@members.writing_options
@options.url_option
@options.config_option
@options.embedded_option
@options.json_option
def migrate_command(  # noqa: PLR0913 - one parameter per option
    *,
    series: Sequence[str],
    to: int | None,
    expect: int | None,
    strict: bool,
    allow_empty: bool,
    wait_lock: float,
    lock_timeout: float,
    statement_timeout: float | None,
    verbose: bool,
    url: str | None,
    file: Path | None,
) -> None:
    """Apply what is pending.

    Every chosen database is checked before any of them is changed: that it can be reached and written,
    that it belongs to its series, that no applied file was edited or is missing, and that no pending file
    holds what must not be sent. Then the databases are migrated one after the other. A database that a newer
    release has migrated already is said to be ahead, and gets nothing.
    """
    limits = Limits(wait_lock, lock_timeout, statement_timeout)
    terms = {"to": to, "expect": expect, "strict": strict, "allow_empty": allow_empty}
    if members.do("migrate", series, alone={"url": url}, file=file, verbose=verbose, limits=limits, **terms):
        return
    screen = _Screen(expect, verbose=verbose)
    try:
        door.migrate(
            series,
            url=url,
            config=file,
            to=to,
            expect=expect,
            strict=strict,
            allow_empty=allow_empty,
            limits=limits,
            wait=common.waiting(),
            on_event=screen.show,
            on_embedded=common.say_embedded,
        )
    finally:
        screen.leave_all()


class _Screen:
    """Shows each database of a run under its heading, with what it has in the end, also when one fails."""

    def __init__(self, expect: int | None, *, verbose: bool) -> None:
        self._expect = expect
        self._verbose = verbose
        self._waiting: list[Database] = []
        self._said: list[dict[str, Any]] = []
        self._done: list[Outcome] = []
        self._progress: progress.Progress | None = None

    def show(self, event: door.Event) -> None:
        """Take note of one event."""
        if isinstance(event, door.Checked):
            _warn(event.databases)
            _compare(event.databases, self._expect)
            self._waiting = list(event.databases)
            return
        while self._waiting[0].series != event.migration.series:
            self._leave()
        drawn = self._enter()
        if isinstance(event, apply.Noticed):
            event = self._chosen(event)
        drawn.show(event)
        if isinstance(event, apply.Outcome):
            self._done.append(event)

    def _chosen(self, event: apply.Noticed) -> apply.Noticed:
        """Leave only warnings, unless more is wanted, and keep them for the document."""
        notices = tuple(one for one in event.notices if self._verbose or one.severity == report.WARNING)
        self._said += [document.notice(event.migration.version, one) for one in notices]
        return event._replace(notices=notices)

    def _enter(self) -> progress.Progress:
        """Write the heading of the database at hand, unless it stands there already."""
        if self._progress is None:
            one = self._waiting[0]
            if not common.wants_document():
                report.say(common.title(one), style="bold")
            self._progress = progress.Progress(len(one.pending), quiet=common.wants_document()).__enter__()
        return self._progress

    def _leave(self) -> None:
        """Say what the database at hand has now."""
        self._enter().__exit__(None, None, None)
        _summarise(self._waiting.pop(0)._replace(outcomes=tuple(self._done)), self._said)
        self._progress, self._done, self._said = None, [], []

    def leave_all(self) -> None:
        """Say what each database has that was not left yet."""
        while self._waiting:
            self._leave()


def _warn(found: Sequence[Database]) -> None:
    for one in found:
        lacking = [s.migration.path for s in one.steps if s.migration and s.migration.rollback is None]
        if len(lacking) == 1:
            report.warning(f"{lacking[0]} has no rollback file.")
        elif lacking:
            report.warning(f"{lacking[0]} and {len(lacking) - 1} more files have no rollback file.")


def _compare(found: Sequence[Database], expect: int | None) -> None:
    """Say how many of the expected files were applied before: by another pod, or a run that was cut short."""
    pending = sum(len(one.pending) for one in found)
    if expect is not None and pending < expect and not common.wants_document():
        report.say(f"{expect - pending} of the {expect} expected files were applied before.")


def _summarise(one: Database, said: Sequence[dict[str, Any]]) -> None:
    applied = [document.outcome(outcome) for outcome in one.outcomes]
    skipped = [document.step(step) for step in one.skipped]
    common.add(one, applied=applied, skipped=skipped, warnings=list(said))
    if common.wants_document():
        return
    for step in one.skipped:
        report.say(f"  {table.described(step)}  {step.file.path}")
    count = f"{len(applied)} applied" if applied else "nothing applied"
    place = common.ahead(one) or (f"at {one.at}" if one.at else "empty")
    report.say(f"  {count}, {one.series} is {place}.")
