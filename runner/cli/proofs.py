"""The command that runs files in a scratch database: prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner import config, planning, schema
from runner.cli import common, document, options, report, verdict
from runner.cli.text import counted
from runner.errors import ProofFailed, UsageError
from runner.files import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.config import Project, Target
    from runner.model import Migration
    from runner.schema import Proof


@click.command("prove")
@options.some_series
@options.scratch_option
@options.wait_option
@options.number_option("--from", "begin", default=0, help="Only apply what comes before it.")
@options.target_options
def prove_command(
    *, series: Sequence[str], begin: int, scratch: str | None, url: str | None, file: Path | None
) -> None:
    """Prove each file idempotent and reversible.

    In a scratch database, which is dropped at the end, with rows in every table: apply the file, run it again
    (nothing may change), run its rollback with psql (everything must be as before, and out of order it must
    refuse), apply it again. Exits 4 and names file, stage and object when something differs. Rows come from
    tests/rows/public.users.sql where there is such a file, else they are made up.
    """
    project = config.load(file)
    chosen = config.choose(project, series)
    files = planning.read(project, chosen)
    for migrations in files.values():
        _warn_of_folded(migrations)
    if begin and all(one.number < begin for migrations in files.values() for one in migrations):
        raise UsageError(f"There is no file from number {begin:03} on.", remedy="Choose a lower one.")
    found: list[Proof] = []
    for target in common.targets(project, chosen, url=url):
        own = files[target.series.name]
        proofs = list(_shown(target, own, project, begin=begin, scratch=scratch))
        verdict.summarize(target.series.name, proofs)
        entry = [document.proof(one) for one in proofs]
        common.add_entry(target.series.name, target.series.database, files=entry)
        found += proofs
    _check(found)


def _shown(
    target: Target, files: Sequence[Migration], project: Project, *, begin: int, scratch: str | None
) -> Iterator[Proof]:
    """Prove the files of one series, and show each as it is done."""
    series = target.series
    with schema.scratch_server(target.url, source=target.source, files=files, scratch=scratch) as server:
        verdict.say(f"{series.name} (on {server.source})", style="bold")
        for one in schema.prove(
            files,
            server.url,
            source=server.source,
            schemas=series.schemas,
            begin=begin,
            own=project.root / "tests" / "rows",
            role=server.role,
            premises=server.around.premises,
        ):
            verdict.show(one)
            yield one


def _check(proofs: Sequence[Proof]) -> None:
    failed = sum(bool(one.findings) for one in proofs)
    untried = sum(bool(one.untried) for one in proofs)
    if failed or untried:
        rest = f", {untried} {'were' if untried != 1 else 'was'} not tried" if untried else ""
        raise ProofFailed(
            f"{counted(failed, 'file')} did not stand the proof{rest}.",
            remedy="Each line above names the stage and what it left or changed.",
        )


def _warn_of_folded(migrations: Sequence[Migration]) -> None:
    """Say which defaults are a time that stands still: nothing that a proof runs would show it."""
    for migration in migrations:
        for word, place in folded(migration.sql, path=migration.path):
            report.warning(
                f"{place}: default {word} is the time at which the file runs, for every row; write now()."
            )
