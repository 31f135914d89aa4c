"""The command that changes databases: migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner import apply, plan
from runner.cli import common, document, report
from runner.model import Limits
from runner.plan import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.apply import Outcome
    from runner.plan import Site, Step

_LIMITS = Limits()


def _seconds(name: str, default: float, text: str) -> Callable[[common.Command], common.Command]:
    """Return an option in seconds, which RUNNER_NAME in the environment sets as well."""
    return click.option(
        name,
        type=click.FloatRange(0),
        default=default,
        show_default=True,
        show_envvar=True,
        envvar=f"RUNNER_{name.strip('-').replace('-', '_').upper()}",
        metavar="SECONDS",
        help=text,
    )


@click.command("migrate")
@common.some_series
@click.option("--to", type=click.IntRange(0), metavar="NNN", help="Stop after the file with this number.")
@click.option("--expect", type=click.IntRange(0), metavar="N", help="Refuse unless N files are pending.")
@_seconds("--wait", 0, "How long to wait for a server that is still starting.")
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
    "PostgreSQL's own: how long each statement of a file may take. 0 is no limit.",
)
@common.url_option
@common.config_option
@common.json_option
def migrate_command(  # noqa: PLR0913 - one parameter per option
    *,
    series: Sequence[str],
    to: int | None,
    expect: int | None,
    wait: float,
    wait_lock: float,
    lock_timeout: float,
    statement_timeout: float,
    url: str | None,
    file: Path | None,
) -> None:
    """Apply what is pending.

    Every chosen database is checked before any of them is changed: that it can be reached and written,
    that it belongs to its series, that no applied file was edited or is missing, and that no pending file
    holds what must not be sent. Then the databases are migrated one after the other.
    """
    limits = Limits(wait_lock, lock_timeout, statement_timeout)
    with common.sites(file, series, url=url, wait=wait) as found:
        if to is not None:
            common.only(found, "--to")
        plan.check(found, to=to)
        sites = plan.ask(found)
        plan.check_writable(sites)
        plan.check_expected(sum(len(plan.pending(site.steps, to=to)) for site in sites), expect=expect)
        _warn(sites)
        waiting = list(sites)
        try:
            while waiting:
                site = waiting.pop(0)
                _migrate(site, plan.pending(site.steps, to=to), limits)
        finally:
            for site in waiting:
                _summarise(site, [])


def _warn(sites: Sequence[Site]) -> None:
    for site in sites:
        lacking = [s.migration.path for s in site.steps if s.migration and s.migration.rollback is None]
        if len(lacking) == 1:
            report.warning(f"{lacking[0]} has no rollback file.")
        elif lacking:
            report.warning(f"{lacking[0]} and {len(lacking) - 1} more files have no rollback file.")


def _migrate(site: Site, steps: Sequence[Step], limits: Limits) -> None:
    """Apply the steps of one database and say what it has now, also when one of them fails."""
    if not common.wants_document():
        report.say(common.title(site), style="bold")
    done: list[Outcome] = []
    try:
        if steps:
            _apply(site, steps, limits, done)
    finally:
        _summarise(site, done)


def _apply(site: Site, steps: Sequence[Step], limits: Limits, done: list[Outcome]) -> None:
    """Apply steps, show them, and add what is committed to ``done``."""
    with report.Progress(len(steps), quiet=common.wants_document()) as progress:
        for event in apply.apply(site.access, [s.file for s in steps], site.before, limits):
            progress.show(event)
            if isinstance(event, apply.Outcome):
                done.append(event)


def _summarise(site: Site, done: Sequence[Outcome]) -> None:
    skipped = [step for step in site.steps if step.state is State.SKIPPED]
    common.add(site, applied=[document.outcome(o) for o in done], skipped=[document.step(s) for s in skipped])
    if common.wants_document():
        return
    for step in skipped:
        report.say(f"  {report.described(step)}  {step.migration.path if step.migration else step.label}")
    newest = plan.newest(site.steps)
    known = [(one.number, one.label) for one in (newest, *(outcome.migration for outcome in done)) if one]
    _, at = max(known, default=(-1, ""))
    count = f"{len(done)} applied" if done else "nothing applied"
    report.say(f"  {count}, {site.series} is at {at}." if at else f"  {count}, {site.series} is empty.")
