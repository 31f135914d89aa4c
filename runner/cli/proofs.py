"""Commands that compare with a scratch database, or change the ledger alone: prove, baseline, accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner import config, door, ledger, planning, schema
from runner.cli import common, report
from runner.errors import LedgerChanged, ProofFailed, UsageError
from runner.files import folded
from runner.planning import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.config import Target
    from runner.model import Migration
    from runner.schema import Proof


@click.command("prove")
@common.some_series
@common.url_option
@common.config_option
@common.json_option
def prove_command(*, series: Sequence[str], url: str | None, file: Path | None) -> None:
    """Prove each file idempotent and reversible.

    In a scratch database, which is dropped at the end: apply the file, run it again over a row in every
    table (nothing may change), run its rollback with psql (everything must be as before, and out of order
    it must refuse), apply it again. Exits 4 and names file, stage and object when something differs.
    """
    project = config.load(file)
    chosen = config.choose(project, series)
    files = planning.read(project, chosen)
    for migrations in files.values():
        _warn_of_folded(migrations)
    failed = 0
    for target in common.targets(project, chosen, url=url):
        where, source = schema.scratch_server(target.url, source=target.source, home=project.home)
        proofs = []
        if not common.wants_document():
            report.say(target.series.name, style="bold")
        for one in schema.prove(files[target.series.name], where, source=source):
            proofs.append(one)
            _show(one)
        failed += sum(bool(one.findings) for one in proofs)
        _add(target, proofs)
    if failed:
        raise ProofFailed(
            f"{failed} file{'s' * (failed != 1)} did not stand the proof.",
            remedy="Each line above names the stage and what it left or changed.",
        )


def _warn_of_folded(migrations: Sequence[Migration]) -> None:
    """Say which defaults are a time that stands still: nothing that a proof runs would show it."""
    for migration in migrations:
        for word, place in folded(migration.sql, path=migration.path):
            report.warning(
                f"{place}: default {word} is the time at which the file runs, for every row; write now()."
            )


def _show(proof: Proof) -> None:
    if common.wants_document():
        return
    if proof.needs:
        report.say(f"  skipped (needs {', '.join(proof.needs)})  {proof.migration.path}", style="cyan")
    elif not proof.findings:
        report.say(f"  proven   {proof.migration.path}", style="green")
    for finding in proof.findings:
        report.say(f"  {finding.stage:<8} {proof.migration.path}: {finding.text}", style="bold red")
    if proof.empty:
        report.warning(f"no row could be made for {', '.join(proof.empty)}: their contents were not watched.")


def _add(target: Target, proofs: Sequence[Proof]) -> None:
    common.add_entry(
        target.series.name,
        target.series.database,
        files=[
            {
                "version": one.migration.version,
                "name": one.migration.name,
                "proven": not one.findings and not one.needs,
                "needs": list(one.needs),
                "findings": [{"stage": f.stage, "text": f.text} for f in one.findings],
                "tables_without_rows": list(one.empty),
            }
            for one in proofs
        ],
    )


@click.command("baseline")
@common.one_series
@click.option("--to", type=click.IntRange(0), required=True, metavar="NNN", help="The last file it has.")
@click.option("--despite-drift", is_flag=True, help="Record also when the database differs from the files.")
@common.url_option
@common.config_option
@common.json_option
def baseline_command(
    *, series: str, to: int, despite_drift: bool, url: str | None, file: Path | None
) -> None:
    """Adopt a database that has the objects.

    Compares it with what the files up to NNN make in a scratch database, shows every difference, and
    records the files as applied without running them. With differences it records nothing, unless told to.
    """
    home = config.load(file).home
    with common.sites(file, [series], url=url) as [site]:
        planning.check_writable([site])
        planning.check_target(site.steps, to=to)
        if newest := planning.newest(site.steps):
            raise LedgerChanged(
                f"{series} is at {newest.label} already.",
                remedy="A baseline is for a database without a ledger.",
            )
        files: list[Migration] = [
            step.migration for step in planning.pending(site.steps, to=to) if step.migration
        ]
        found = schema.differences(site, files, home=home)
        common.add(
            door.describe(site),
            recorded=[m.version for m in files],
            drift=[str(difference) for difference in found],
        )
        if found and not despite_drift:
            problem = schema.drifted(site, found)
            problem.remedy = "Make them alike, choose another --to, or record --despite-drift."
            raise problem
        ledger.baseline(site.connection, files)
    if not common.wants_document():
        for difference in found:
            report.warning(str(difference))
        report.say(f"{series}: {len(files)} files recorded without running them, at {files[-1].label}.")


@click.command("accept")
@common.one_series
@click.argument("number", type=click.IntRange(0), metavar="NNN")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common.url_option
@common.config_option
def accept_command(*, series: str, number: int, yes: bool, url: str | None, file: Path | None) -> None:
    """Record one edited file anew.

    Shows how the file differs from what was applied, asks, and records its checksum and text. The file is
    not run: this is for a comment or a layout that changed, not for SQL that the database never saw.
    """
    with common.sites(file, [series], url=url) as [site]:
        planning.check_writable([site])
        planning.check_target(site.steps, to=number)
        [step] = [step for step in site.steps if step.number == number]
        if step.state is not State.EDITED or step.migration is None or step.problem is None:
            raise UsageError(f"{series} {step.label} is {step.state}, not edited.", remedy="See `verify`.")
        planning.explain(site)
        for line in step.problem.notes:
            report.say(f"  {line}")
        if not yes:
            click.confirm(f"Record {step.migration.path} as it is now?", abort=True)
        ledger.accept(site.connection, step.migration)
        report.say(f"{step.migration.path} is recorded as it is now.")
