"""Commands on the embedded server, and psql on whichever server a series lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from runner import config, database, door, embedded, schema
from runner.cli import common, guide, options, report
from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.group("server", cls=guide.Group)
def server_command() -> None:
    """Run the embedded PostgreSQL, and open psql.

    The embedded server is a real PostgreSQL for laptops and tests. Its files are in .postgres/ beside
    pyproject.toml; only you can reach it, through a socket there. Delete the folder to begin anew.
    """


@server_command.command()
@options.config_option
@options.json_option
def start(*, file: Path | None) -> None:
    """Start it, and print its URLs.

    Creates the databases of pyproject.toml that it does not have yet.
    """
    project = config.load(file)
    for target in door.embedded(project, project.series):
        common.add_entry(target.series.name, target.series.database, url=target.url)
        report.answer(f"{target.series.name}: {target.url}")


@server_command.command()
@options.config_option
@options.json_option
def stop(*, file: Path | None) -> None:
    """Stop it.

    What is stored in it stays, and is there after the next start.
    """
    was_running = embedded.stop(config.load(file).home)
    common.tell(stopped=was_running)
    report.say("The embedded PostgreSQL is stopped." if was_running else "It was not running.")


@server_command.command(context_settings={"ignore_unknown_options": True})
@options.one_series
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PSQL ARGUMENTS]...")
@options.wait_option
@options.url_option
@options.config_option
@options.embedded_option
def psql(*, series: str, arguments: Sequence[str], url: str | None, file: Path | None) -> None:
    """Open psql on a database.

    Also on one that is not embedded; no secret is among its arguments: psql asks for what has no variable of
    libpq's, such as sslpassword. Further arguments go to psql.
    """
    if common.wants_document():
        raise UsageError("psql prints no document.", remedy="Behind -- its own options follow: -- --csv.")
    project = config.load(file)
    [target] = common.targets(project, config.choose(project, series), url=url, is_silent=True)
    environ, conninfo = database.environment(target.url, source=target.source)
    program = schema.psql_program()  # its first argument, too: by a bare name it would look for itself
    command = schema.psql_call(program, arguments, conninfo)
    if sys.platform == "win32":  # where exec leaves the console to the shell at once
        sys.exit(subprocess.run(command, env=environ, check=False).returncode)  # noqa: S603 - psql
    for one in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and psql would inherit that
        signal.signal(one, signal.SIG_DFL)
    os.execve(program, command, environ)  # noqa: S606 - psql takes over


@server_command.command()
@options.one_series
@options.project_options
def url(*, series: str, file: Path | None) -> None:
    """Print the URL of a database on it.

    The embedded PostgreSQL is started for it, unless it runs.
    """
    project = config.load(file)
    [target] = common.targets(project, config.choose(project, series), url=None, is_silent=True)
    if target.source == target.series.variable:
        raise UsageError(
            f"{series} is reached through {target.source}, whose value may hold a password.",
            remedy="Look at the variable itself; this command is for the embedded server.",
        )
    common.add_entry(target.series.name, target.series.database, url=target.url)
    report.answer(target.url)
