"""The command that tells how databases stand: status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from runner import door, planning
from runner.cli import common, document, members, options, report, table
from runner.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PENDING = 3  # exit code


@click.command("status")
@options.some_series
@click.option("--exit-code", is_flag=True, help="Exit 3 when something is pending.")
@options.wait_option
@members.reading_options
@options.target_options
def status_command(*, series: Sequence[str], exit_code: bool, url: str | None, file: Path | None) -> None:
    """Show what is applied, pending or wrong.

    Each file is applied, pending, skipped (the server lacks an extension it needs), edited, renamed,
    missing, late, or ahead (a newer release has applied it). Writes nothing; the right to select from
    public.schema_migrations is enough, for a role that may connect. Exits 4 when something is wrong, and
    says what to do about it.
    """
    if members.do("status", series, alone={"url": url}, file=file, exit_code=exit_code):
        return
    common.warn_of_leavings(file, series)
    found = door.status(series, **common.reached(url, file))
    for one in found:
        common.warn_empty(one)
        for problem in one.problems:
            report.warning(f"{one.series}: {problem.message} {problem.remedy}")
    if common.wants_document():
        for one in found:
            common.add(one, **document.standing(one, one.problems))
    else:
        table.show_all(found)
    steps = [step for one in found for step in one.steps]
    if any(step.problem for step in steps):
        sys.exit(IntegrityError.exit_code)
    if exit_code and planning.pending(steps):
        sys.exit(PENDING)
