"""Commands on databases: migrate, status, plan, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner import config, document, plan, report
from runner.cli import common
from runner.errors import IntegrityError, UsageError
from runner.model import Limits, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.errors import RunnerError
    from runner.model import Step
    from runner.preflight import Site

PENDING = 3  # exit code
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
    from runner import preflight  # noqa: PLC0415 - start-up time

    limits = Limits(wait_lock, lock_timeout, statement_timeout)
    with common.sites(file, series, url=url, wait=wait) as sites:
        if to is not None:
            _only(sites, "--to")
        preflight.check(sites, to=to)
        preflight.check_writable(sites)
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


def _only(sites: Sequence[Site], option: str) -> Site:
    """Return the one site an option is for. Raises ``UsageError`` when there are several."""
    if len(sites) != 1:
        raise UsageError(f"{option} is for one series.", remedy="Name the series.")
    return sites[0]


def _warn(sites: Sequence[Site]) -> None:
    for site in sites:
        for step in site.steps:
            if step.migration and step.migration.rollback is None:
                report.warning(f"{step.migration.path} has no rollback file.")


def _migrate(site: Site, steps: Sequence[Step], limits: Limits) -> None:
    """Apply the steps of one database and say what it has now, also when one of them fails."""
    from runner import apply  # noqa: PLC0415 - start-up time

    quiet = common.wants_document()
    done: list[Outcome] = []
    events = apply.apply(site.access, steps, site.before, limits)
    if not quiet:
        report.say(common.title(site), style="bold")
    try:
        with report.Progress(len(steps), quiet=quiet) as progress:
            for event in events:
                progress.show(event)
                if isinstance(event, Outcome):
                    done.append(event)
    finally:
        _summarise(site, done)


def _summarise(site: Site, done: Sequence[Outcome]) -> None:
    skipped = [step for step in site.steps if step.state is State.SKIPPED]
    common.add(site, applied=[document.outcome(o) for o in done], skipped=[document.step(s) for s in skipped])
    if common.wants_document():
        return
    for step in skipped:
        report.say(f"  {report.described(step)}  {step.migration.path if step.migration else step.label}")
    known = [outcome.step for outcome in done] + [
        step for step in site.steps if step is plan.newest(site.steps)
    ]
    at = max(known, key=lambda step: step.number, default=None)
    count = f"{len(done)} applied" if done else "nothing applied"
    report.say(f"  {count}, {site.series} is at {at.label}." if at else f"  {count}, {site.series} is empty.")


@click.command("status")
@common.some_series
@click.option(
    "--exit-code", is_flag=True, help="Exit 3 when something is pending, 4 when something is wrong."
)
@common.url_option
@common.config_option
@common.json_option
def status_command(*, series: Sequence[str], exit_code: bool, url: str | None, file: Path | None) -> None:
    """Show what is applied, pending or wrong.

    Each file is applied, pending, skipped (the server lacks an extension it needs), edited, renamed,
    missing or late. Writes nothing; the right to select from public.schema_migrations is enough.
    """
    with common.sites(file, series, url=url) as sites:
        for site in sites:
            common.add(site, steps=[document.step(step) for step in site.steps])
            if not common.wants_document():
                report.table(common.title(site), site.steps)
        steps = [step for site in sites for step in site.steps]
    if exit_code and any(step.problem for step in steps):
        common.exit_with(click.get_current_context(), IntegrityError.exit_code)
    if exit_code and plan.pending(steps):
        common.exit_with(click.get_current_context(), PENDING)


@click.command("plan")
@common.some_series
@click.option(
    "--sql",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write the pending files of one series as a bundle that psql runs, with the effect of migrate.",
)
@common.url_option
@common.config_option
@common.json_option
def plan_command(*, series: Sequence[str], sql: Path | None, url: str | None, file: Path | None) -> None:
    """List what migrate would apply.

    In order, or the reason why it would refuse. Writes nothing to the database. With --sql a DBA gets the
    same as one reviewable file: lock, guards, the files as they are, and the ledger rows.
    """
    from runner import bundle, preflight  # noqa: PLC0415 - start-up time

    with common.sites(file, series, url=url) as sites:
        preflight.check(sites)
        if sql is not None:
            site = _only(sites, "--sql")
            variable = site.target.series.variable
            text = bundle.write(site.series, variable, site.steps, has_ledger=site.has_ledger)
            sql.write_text(text, encoding="utf-8", newline="\n")
        for site in sites:
            steps = [step for step in site.steps if step.state in (State.PENDING, State.SKIPPED)]
            common.add(site, steps=[document.step(step) for step in steps])
            if not common.wants_document():
                _list(site, steps)


def _list(site: Site, steps: Sequence[Step]) -> None:
    report.say(common.title(site), style="bold")
    for step in steps:
        if step.migration:
            lines = len(step.migration.sql.splitlines())
            size = f"{lines} line{'s' * (lines != 1)}"
            report.say(f"  {report.described(step)}  {step.migration.path}  ({size})")
    if not steps:
        report.say("  nothing to apply")


@click.command("verify")
@common.some_series
@click.option("--drift", is_flag=True, help="Also compare the live schema with one built from the files.")
@common.url_option
@common.config_option
@common.json_option
def verify_command(*, series: Sequence[str], drift: bool, url: str | None, file: Path | None) -> None:
    """Check the database against its files.

    Every applied file must still be there, unedited; an edited one is shown with its difference. No index
    may be invalid, no constraint unvalidated. Writes nothing; with --drift a scratch database is built
    and dropped, on the same server where the role may, else on the embedded one. Exits 4 when something
    does not agree.
    """
    home = config.load(file).home
    wrong = False
    with common.sites(file, series, url=url) as sites:
        for site in sites:
            problems = _problems(site, drift=drift, home=home)
            wrong = wrong or bool(problems)
            facts = [document.error(problem) for problem in problems]
            common.add(site, steps=[document.step(step) for step in site.steps], problems=facts)
            if not common.wants_document():
                _show_problems(site, problems, drift=drift)
    if wrong:
        common.exit_with(click.get_current_context(), IntegrityError.exit_code)


def _problems(site: Site, *, drift: bool, home: Path) -> list[RunnerError]:
    """Return all that is wrong with one database."""
    from runner import drift as drifting  # noqa: PLC0415 - start-up time
    from runner import preflight  # noqa: PLC0415 - start-up time

    preflight.explain(site)
    problems: list[RunnerError] = [step.problem for step in site.steps if step.problem]
    problems += drifting.unsound(site)
    if drift:
        files = [step.migration for step in site.steps if step.applied and step.migration]
        if found := drifting.differences(site, files, home=home):
            problems.append(drifting.problem(site, found))
    return problems


def _show_problems(site: Site, problems: Sequence[RunnerError], *, drift: bool) -> None:
    for problem in problems:
        report.error(problem)
    if not problems:
        applied = sum(step.state is State.APPLIED for step in site.steps)
        both = " and with the live schema" if drift else ""
        title = common.title(site)
        report.say(f"{title}: {applied} applied files agree with the ledger{both}.", style="green")
