"""Commands that concern files: rollback (prints how), new and init."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner import config, database, door, files, planning
from runner.cli import common, options, report, shell, values
from runner.errors import FileMissing

if TYPE_CHECKING:
    from runner.planning import Site, Step

BASE = "base"


@click.command("rollback")
@options.one_series
@click.option(
    "--to",
    type=values.number(f"the number of a file, such as 003, or {BASE}", also=BASE),
    required=True,
    metavar="NNN|base",
    shell_complete=values.complete_version,
    help="The number to go back to, which stays applied; `base` undoes every file.",
)
@options.wait_option
@options.target_options
def rollback_command(*, series: str, to: int | str, url: str | None, file: Path | None) -> None:
    """Print the psql commands that undo files.

    Newest first; it runs none of them. Each rollback file is one statement, refuses to run out of order
    or beside a runner, and removes its own row from the ledger. Read its header: it says what is lost.
    Nothing is printed where a file that was applied is edited, renamed or missing here.
    """
    number = -1 if isinstance(to, str) else to
    with common.sites(file, [series], url=url) as [site]:
        if to != BASE:
            planning.check_target(site.steps, to=number)
        planning.check_known(site.steps, to=number)
        opening = _psql(site, file)
        commands = [_command(step, *opening) for step in planning.behind(site.steps, to=number)]
        common.add(door.describe(site), commands=commands)
    if common.wants_document():
        return
    if not commands:
        report.say(f"-- Nothing to undo: {series} has nothing applied behind {to}.", err=True)
    for command in commands:
        report.answer(command)


def _command(step: Step, before: str, after: str) -> str:
    if step.migration is None or step.migration.rollback is None:
        raise FileMissing(
            f"{step.series} {step.label} has no rollback file.",
            remedy="Write it, or restore it, before you roll back that far.",
        )
    if not files.deletes_row(Path(step.migration.rollback)):
        report.warning(
            f"{step.series} {step.label} stays recorded as applied when its rollback file has run: the file "
            "does not delete its row from public.schema_migrations. `new` writes a frame that does."
        )
    common.warn_of_misnamed(step.migration)
    path = shell.quote(_shown(Path(step.migration.rollback)))
    return f"{before} -X -v ON_ERROR_STOP=1 -1 -f {path}{after}"


def _shown(path: Path) -> str:
    """Return a path as it is written here, or in full where the working directory is gone."""
    with suppress(FileNotFoundError):
        return files.shown(path, root=Path.cwd())
    return str(path)


def _psql(site: Site, file: Path | None) -> tuple[str, str]:
    """Return what stands before and behind the file in a command that a shell runs as it is.

    Where the shell does not know the URL, or no psql, `server psql` opens it, with the options of this call.
    What is secret in --url is left out: psql asks for a password, or takes it from PGPASSWORD.
    """
    target = site.target
    if os.environ.get(target.source) and shutil.which("psql"):
        return "psql", f" {shell.variable(target.source)}"
    words = [*_runner(), "server", "psql", site.series]
    if file is not None:
        words += ["--config", str(file)]
    if target.source == "--url":
        words += ["--url", database.without_password(target.url, source=target.source)]
    return shell.join(words), ""


def _runner() -> list[str]:
    """Return the words that start this program in a shell: its command, by its path if need be.

    The module alone where no command is installed: in a folder with a runner.py it would start that.
    """
    name, folder = "socrates-migrate", Path(sys.executable).parent
    command = shutil.which(name)
    if command and Path(command).resolve().parent == folder:
        return [name]
    installed = shutil.which(name, path=str(folder))
    return [installed] if installed else [sys.executable, "-m", "runner"]


@click.command("new")
@options.one_series
@click.argument("name")
@options.config_option
@options.json_option
def new_command(*, series: str, name: str, file: Path | None) -> None:
    """Write the next file and its rollback.

    Both come from a template and get the next free number. NAME is made of a-z, 0-9 and _, such as
    project_tags.
    """
    common.tell(written=[])
    project = config.load(file)
    project.check_own()
    [chosen] = config.choose(project, series)
    paths = files.create(series, chosen.folder, name, root=project.root, variable=chosen.variable)
    shown = [files.shown(path, root=project.root) for path in paths]
    common.tell(written=shown)
    report.answer("\n".join(shown))


@click.command("init")
@click.argument("series")
@options.config_option
@options.json_option
def init_command(*, series: str, file: Path | None) -> None:
    """Lay out a new project in this folder.

    Adds SERIES, such as app, to pyproject.toml, makes sql/SERIES with the first file and its rollback, and
    lets git ignore .env and .postgres/. What is there already stays as it is.
    """
    path = file or config.here() / config.FILE
    written: list[Path] = []
    try:
        files.lay_out(path.parent, path, series, written=written)
    finally:
        common.tell(written=[_shown(one) for one in written])
    for one in written:
        report.say(f"  written  {_shown(one)}", style="green")
    report.say("Write the first file, then: socrates-migrate plan, prove and migrate.")
