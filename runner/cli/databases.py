"""Commands that look at databases: status, plan, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner import plan, schema
from runner.cli import common, document, report
from runner.errors import IntegrityError
from runner.plan import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import RunnerError
    from runner.plan import Site, Step
    from runner.schema import Comparison

PENDING = 3  # exit code


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
            if common.wants_document():
                common.add(site, steps=[document.step(step) for step in site.steps])
            else:
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
    with common.sites(file, series, url=url) as sites:
        plan.check(sites)
        if sql is not None:
            site = common.only(sites, "--sql")
            variable = site.target.series.variable
            text = plan.write_bundle(site.series, variable, site.steps, has_ledger=site.before.has_ledger)
            sql.write_text(text, encoding="utf-8", newline="\n")
        for site in sites:
            steps = [step for step in site.steps if step.state in (State.PENDING, State.SKIPPED)]
            if common.wants_document():
                common.add(site, steps=[document.step(step) for step in steps])
            else:
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
@common.scratch_option
@common.url_option
@common.config_option
@common.json_option
def verify_command(
    *, series: Sequence[str], drift: bool, scratch: str | None, url: str | None, file: Path | None
) -> None:
    """Check the database against its files.

    Every applied file must still be there, unedited; an edited one is shown with its difference. No index
    may be invalid, no constraint unvalidated. Writes nothing; with --drift the files are run in a scratch
    database, never on the same server: on a private one, or where --scratch says. What the configuration
    ignores is listed. Exits 4 when something does not agree.
    """
    wrong = False
    with common.sites(file, series, url=url) as sites:
        for site in sites:
            compared = _compare(site, scratch) if drift else None
            problems = _problems(site, compared)
            wrong = wrong or bool(problems)
            if common.wants_document():
                facts = [document.error(problem) for problem in problems]
                steps = [document.step(step) for step in site.steps]
                common.add(site, steps=steps, problems=facts, **common.compared(compared))
            else:
                _show_problems(site, problems, compared)
    if wrong:
        common.exit_with(click.get_current_context(), IntegrityError.exit_code)


def _compare(site: Site, scratch: str | None) -> Comparison:
    files = [step.migration for step in site.steps if step.applied and step.migration]
    return schema.differences(site, files, scratch_url=scratch)


def _problems(site: Site, compared: Comparison | None) -> list[RunnerError]:
    """Return all that is wrong with one database."""
    plan.explain(site)
    problems: list[RunnerError] = [step.problem for step in site.steps if step.problem]
    problems += schema.unsound(site)
    if compared and compared.found:
        problems.append(schema.drifted(site, compared.found))
    return problems


def _show_problems(site: Site, problems: Sequence[RunnerError], compared: Comparison | None) -> None:
    title = common.title(site)
    for problem in problems:
        report.error(problem)
    if not problems:
        applied = sum(step.state is State.APPLIED for step in site.steps)
        both = " and with the live schema" if compared else ""
        report.say(f"{title}: {applied} applied files agree with the ledger{both}.", style="green")
    if compared:
        common.show_comparison(compared)
