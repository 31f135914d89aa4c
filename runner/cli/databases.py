"""Commands that hold databases against their files: plan, verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner import door, files, planning
from runner.cli import common, document, locks, members, options, report, table
from runner.cli.text import counted, shortened
from runner.errors import FileUnwritable, IntegrityError, UsageError
from runner.planning import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.door import Database
    from runner.planning import Step

_SHORTEST = 20  # columns of a path
_STDOUT = "-"
_OF_STANDBYS = "invalid indexes are not judged: a standby does not know which ones are being built"


@click.command("plan")
@options.some_series
@click.option(
    "--sql",
    type=click.Path(path_type=Path, dir_okay=False, writable=True, allow_dash=True),
    help="Write the pending files of one series as a bundle that psql runs, with the effect of migrate; - is "
    "stdout.",
)
@options.wait_option
@options.strict_option
@locks.options
@click.option("--force", is_flag=True, help="Let --sql overwrite a file that exists.")
@options.empty_option
@members.reading_options
@options.target_options
def plan_command(  # noqa: PLR0913 - one parameter per option
    *,
    series: Sequence[str],
    sql: Path | None,
    force: bool,
    measured: bool,
    fail_on: Sequence[str],
    scratch: str | None,
    url: str | None,
    file: Path | None,
    **terms: Any,  # noqa: ANN401 - as of runner.plan
) -> None:
    """List what migrate would apply.

    In order, or the reason why it would refuse. Writes nothing to the database. With --sql a DBA gets the
    same as one reviewable file: lock, guards, the files as they are, and the ledger rows. With
    --locks the pending files run in a scratch database, never on the same server.
    """
    if str(sql) == _STDOUT and common.wants_document():
        raise UsageError("--sql - and --json both write to stdout.", remedy="Name a file for the bundle.")
    alone: dict[str, object] = {"url": url, "sql": sql, "locks": measured or fail_on or None}
    if members.do("plan", series, alone=alone, file=file, **terms):
        return
    common.warn_of_leavings(file, series)
    measured = measured or bool(fail_on)
    found = door.plan(series, locks=measured, scratch=scratch, **terms, **common.reached(url, file))
    if sql is not None:
        door.check_alone(found, "--sql")
        words = {one.migration.version: one.summary for one in found[0].locks or ()}
        bundle = door.bundle(found[0].series, url=url, config=file, locks=words, **terms)
        _write(bundle, sql, force=force)
    show_plan(found, err=str(sql) == _STDOUT)
    locks.check(found, fail_on)


def _write(bundle: str, file: Path, *, force: bool) -> None:
    """Write the bundle: to a pipe or a device as it is, to a file that exists only if told to."""
    if str(file) == _STDOUT:
        report.raw(bundle)
        return
    with files.writing(file):
        is_there = file.is_file()
    if is_there and not force:
        raise FileUnwritable(f"{file} exists already.", remedy="Name another file, or add --force.")
    files.write(file, bundle)


def show_plan(
    found: Sequence[Database], *, to: int | None = None, expect: int | None = None, err: bool = False
) -> None:
    """Show what ``migrate`` would apply, up to number ``to``. Raises what that raises for ``expect``."""
    for one in found:
        if common.wants_document():
            common.add(one, **document.planned(one, to=to))
        else:
            _list(one, one.todo(to=to), err=err)
            locks.show(one, err=err)
        for step in one.todo(to=to):
            common.warn_of_misnamed(step.file)
    planning.check_count([step for one in found for step in one.steps], to=to, expect=expect)


def _list(one: Database, steps: Sequence[Step], *, err: bool) -> None:
    report.heading(common.title(one), err=err)
    for step in steps:
        lines = counted(len(step.file.sql.splitlines()), "line")
        before, after = f"  {table.described(step, one)}  ", f"  ({lines})"
        columns = report.width(err=err)
        room = columns and max(columns - len(before) - len(after), _SHORTEST)
        report.say(f"{before}{shortened(step.file.path, room)}{after}", err=err)
    if not steps:
        words = common.ahead(one)
        report.say(f"  nothing to apply{f', {words}' if words else ''}", err=err)


@click.command("verify")
@options.some_series
@click.option("--drift", is_flag=True, help="Also compare the live schema with one built from the files.")
@options.scratch_option
@options.wait_option
@options.strict_option
@members.reading_options
@options.target_options
def verify_command(
    *,
    series: Sequence[str],
    url: str | None,
    file: Path | None,
    **terms: Any,  # noqa: ANN401 - as of runner.verify
) -> None:
    """Check the database against its files.

    Every applied file must still be there, unedited; an edited one is shown with its difference. No index
    may be invalid, no constraint unvalidated; nothing may be there before a file is applied. Writes nothing;
    with --drift the files are run in a scratch database, never on the same server: on a private one, or
    where --scratch says. What the configuration ignores is listed. Exits 4 when something does not agree.
    """
    if members.do("verify", series, alone={"url": url}, file=file, **terms):
        return
    common.warn_of_leavings(file, series)
    found = door.verify(series, **terms, **common.reached(url, file))
    for one in found:
        common.warn_empty(one)
        if common.wants_document():
            common.add(one, **document.verified(one))
        else:
            _show_problems(one)
    if any(one.problems for one in found):
        sys.exit(IntegrityError.exit_code)


def _show_problems(one: Database) -> None:
    for problem in common.first_few(one.problems):
        report.error(problem)
    if not one.problems:
        applied = sum(step.state is State.APPLIED for step in one.steps)
        both = " and with the live schema" if one.comparison else ""
        title = common.title(one)
        words = f"; it is {common.ahead(one)}" if one.ahead else ""
        told = f"{title}: {applied} applied files agree with the ledger{both}{words}."
        report.sentence(told, style="green", indent="")
    if one.is_standby:
        report.note(f"  {_OF_STANDBYS}")
    if one.comparison:
        common.show_comparison(one.comparison, one.name)
