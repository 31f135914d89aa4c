"""The command that changes databases: migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runner import door
from runner.cli import common, ending, members, options, screen, stopping, values
from runner.model import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_LIMITS = Limits()


@click.command("migrate")
@options.some_series
@options.number_option("--to", help="Stop after the file with this number.")
@click.option("--dry-run", is_flag=True, help="Only list what would be applied, as `plan` does.")
@click.option(
    "--expect",
    type=values.COUNT,
    metavar="N",
    help="Refuse unless N files are pending, or were until somebody applied them.",
)
@options.strict_option
@options.empty_option
@options.seconds_option(
    "--wait-lock", _LIMITS.wait_lock, "How long to wait for another runner at work on the same database."
)
@options.seconds_option(
    "--lock-timeout",
    _LIMITS.lock_timeout,
    "PostgreSQL's own: how long a file may wait for each lock; then it is tried again. 0 is no limit.",
)
@options.seconds_option(
    "--statement-timeout",
    _LIMITS.statement_timeout,
    "PostgreSQL's own: how long each statement of a file may take, in place of what the server says. "
    "0 is no limit.",
)
@options.heartbeat_option
@options.wait_option
@members.writing_options
@options.target_options
def migrate_command(  # noqa: PLR0913 - one parameter per option
    *,
    series: Sequence[str],
    to: int | None,
    dry_run: bool,
    expect: int | None,
    strict: bool,
    allow_empty: bool,
    wait_lock: float,
    lock_timeout: float,
    statement_timeout: float | None,
    url: str | None,
    file: Path | None,
) -> None:
    """Apply what is pending.

    Every chosen database is checked before any of them is changed: that it can be reached and written,
    that it belongs to its series, that no applied file was edited or is missing, and that no pending file
    holds what must not be sent. Then the databases are migrated one after the other. A database that a newer
    release has migrated already is said to be ahead, and gets nothing.
    """
    ending.current().changes = not dry_run
    limits = Limits(wait_lock, lock_timeout, statement_timeout)
    terms: dict[str, Any] = {"to": to, "strict": strict, "allow_empty": allow_empty}
    more: dict[str, Any] = {"expect": expect, "limits": limits}
    if members.do("migrate", series, alone={"url": url}, file=file, dry_run=dry_run, **terms, **more):
        return
    common.warn_of_leavings(file, series)
    if dry_run:
        from runner.cli import databases  # noqa: PLC0415 - start-up time

        found = door.plan(series, **terms, **common.reached(url, file))
        databases.show_plan(found, to=to, expect=expect)
        return
    with screen.Screen(to, expect) as drawn, stopping.between_results():
        door.migrate(series, on_event=drawn.show, **terms, **more, **common.reached(url, file))
