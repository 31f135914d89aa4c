"""Commands that change the ledger and run no file: baseline, accept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from runner import door, ledger, planning, schema
from runner.cli import common, document, options, report, values
from runner.errors import Interrupted, LedgerChanged, UsageError
from runner.planning import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.model import Migration
    from runner.planning import Site
    from runner.schema import Comparison, Expected


@click.command("baseline")
@options.one_series
@options.number_option("--to", required=True, help="The last file it has.")
@click.option("--despite-drift", is_flag=True, help="Record also when the database differs from the files.")
@options.scratch_option
@options.wait_option
@options.target_options
def baseline_command(  # noqa: PLR0913 - one parameter per option
    *, series: str, to: int, despite_drift: bool, scratch: str | None, url: str | None, file: Path | None
) -> None:
    """Adopt a database that has the objects.

    Compares it with what the files up to NNN make in a scratch database, shows every difference, and
    records the files as applied without running them. With differences it records nothing, unless told to.
    """
    with common.sites(file, [series], url=url) as [site]:
        planning.check_writable([site])
        planning.check_target(site.steps, to=to)
        if newest := planning.newest(site.steps):
            raise LedgerChanged(
                f"{series} is at {newest.label} already.",
                remedy="A baseline is for a database without a ledger.",
            )
        files = [step.file for step in planning.pending(site.steps, to=to)]
        if not files:
            raise UsageError(
                f"There is nothing to record up to {to:03}: each file requires what the server lacks.",
                remedy="Choose a higher --to; `status` names the extensions.",
            )
        planning.check_content([site], to=to)
        with schema.expected(site.target, files, scratch_url=scratch, connection=site.connection) as made:
            compared = _adopt(site, files, made, despite_drift=despite_drift)
    if not common.wants_document():
        common.show_comparison(compared, site.facts.name)
        for difference in compared.found:
            report.warning(str(difference))
        report.sentence(
            f"{series}: {len(files)} files recorded without running them, at {files[-1].label}.", indent=""
        )


def _adopt(site: Site, files: Sequence[Migration], made: Expected, *, despite_drift: bool) -> Comparison:
    """Record files while nobody can undo what they were compared with; tell the document of both."""
    seen: list[Comparison] = []
    recorded: list[str] = []

    def check() -> None:
        seen.append(made.compare(site))
        if seen[0].found and not despite_drift:
            problem = schema.drifted(site, seen[0].found)
            problem.remedy = "Make them alike, choose another --to, or record --despite-drift."
            raise problem

    try:
        ledger.baseline(site.connection, files, check=check)
        recorded += [file.version for file in files]
    finally:
        for one in seen:
            drift = [str(difference) for difference in one.found]
            common.add(door.describe(site), recorded=recorded, drift=drift, **document.compared(one))
    return seen[0]


@click.command("accept")
@options.one_series
@click.argument("number", type=values.VERSION, metavar="NNN", shell_complete=values.complete_version)
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.wait_option
@options.target_options
def accept_command(*, series: str, number: int, yes: bool, url: str | None, file: Path | None) -> None:
    """Record one edited file anew.

    Shows how the file differs from what was applied, asks, and records its checksum and text. The file is
    not run: this is for a comment or a layout that changed, not for SQL that the database never saw.
    """
    if common.wants_document() and not yes:
        raise UsageError("--json asks nobody.", remedy="Look at the difference first, then add --yes.")
    with common.sites(file, [series], url=url) as [site]:
        planning.check_writable([site])
        planning.check_target(site.steps, to=number)
        [step] = [step for step in site.steps if step.number == number]
        if step.state is not State.EDITED or step.migration is None or step.problem is None:
            raise UsageError(f"{series} {step.label} is {step.state}, not edited.", remedy="See `verify`.")
        planning.explain(site)
        report.difference(step.problem.notes)
        if not yes:
            _ask(step.migration.path)
        ledger.accept(site.connection, step.migration, shown=step.applied)
        common.add(door.describe(site), accepted=step.version, difference=list(step.problem.notes))
        told = f"{step.migration.path} is recorded as it is now in database {site.facts.name}."
        report.sentence(told, indent="")


def _ask(path: str) -> None:
    """Raise ``Interrupted`` unless somebody says yes."""
    try:
        if click.confirm(f"Record {path} as it is now?"):
            return
        said = "the answer was no"
    except click.Abort:
        if sys.stdin.isatty():
            raise  # Ctrl-C
        said = "nobody answered"
    raise Interrupted(f"{path} is not recorded anew: {said}.", remedy="Answer y, or add --yes.")
