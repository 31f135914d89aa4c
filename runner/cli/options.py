"""The options and arguments that commands share, each written once."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner import config, environment
from runner.cli import ending, log, report, values
from runner.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable


Command = TypeVar("Command", bound="Callable[..., Any]")
WAIT = "runner.wait"
NO_EMBEDDED = "runner.no_embedded"


def _name_command(ctx: click.Context, param: click.Parameter, value: bool) -> bool:  # noqa: ARG001 - click's
    ending.current().name(ctx)
    return value


def _choose_log(ctx: click.Context, param: click.Parameter, value: str) -> None:  # noqa: ARG001 - click's
    log.choose(value)


def _read_variables(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:  # noqa: ARG001 - click's
    """Note --config, and let .env set the options that have a variable; the environment wins."""
    report.settings.config = value
    names = {one.envvar: str(one.name) for one in ctx.command.params if isinstance(one.envvar, str)}
    if names.keys() - os.environ.keys():
        with suppress(RunnerError):  # the command finds it, too
            found = environment.read(config.load(value).home, {})
            ctx.default_map = {
                names[name]: found[name]
                for name in names.keys() & found.keys() - os.environ.keys()
                if found[name]
            }
    return value


def config_option(command: Command) -> Command:
    """Add --config."""
    return click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        is_eager=True,
        callback=_read_variables,
        help="Another pyproject.toml; its folders are relative to it.",
    )(command)


def _note_embedded(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001 - click's
    ctx.meta[NO_EMBEDDED] = value


def embedded_option(command: Command) -> Command:
    """Add --no-embedded."""
    return click.option(
        "--no-embedded", is_flag=True, expose_value=False, callback=_note_embedded,
        help="Never use the embedded PostgreSQL in place of a server, as with RUNNER_EMBEDDED=off.",
    )(command)  # fmt: skip


def json_option(command: Command) -> Command:
    """Add --json and --log, for programs."""
    command = click.option(
        "--log", type=click.Choice(["text", log.JSON]), default="text", show_envvar=True, envvar=log.VARIABLE,
        expose_value=False, callback=_choose_log,
        help="What stderr holds: text, or an event per line as JSON, for log collectors.",
    )(command)  # fmt: skip
    return click.option(
        "--json", is_flag=True, expose_value=False, callback=_name_command, is_eager=True,
        help="Print one JSON document instead.",
    )(command)  # fmt: skip


def _keep_wait(ctx: click.Context, param: click.Parameter, value: float) -> None:  # noqa: ARG001 - click's
    ctx.meta[WAIT] = value


def wait_option(command: Command) -> Command:
    """Add --wait, which ``waiting`` returns."""
    return click.option(
        "--wait", type=values.seconds, default=0, show_default=True, show_envvar=True,
        envvar="RUNNER_WAIT", metavar="SECONDS", expose_value=False, callback=_keep_wait,
        help="How long to wait for a server that is still starting, or its role or database.",
    )(command)  # fmt: skip


def heartbeat_option(command: Command) -> Command:
    """Add --heartbeat."""
    return click.option(
        "--heartbeat", type=values.seconds, default=30, show_default=True, show_envvar=True,
        envvar="RUNNER_HEARTBEAT", metavar="SECONDS", expose_value=False, callback=_set,
        help="Without a terminal: how often to say what a file does that takes longer than 5 s. 0 is never.",
    )(command)  # fmt: skip


def _set(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ANN401, ARG001 - click's
    setattr(report.settings, str(param.name), value)


def spoken(command: click.Command) -> click.Command:
    """Add --color, --quiet and --verbose, which all commands have, behind a command's own options."""
    for decorate in (
        click.option(
            "--verbose",
            "-v",
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_set,
            help="Show notices of the server, and what may hold values of rows, too.",
        ),
        click.option(
            "--quiet",
            "-q",
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_set,
            help="Print only errors, warnings, and what was asked for.",
        ),
        click.option(
            "--color",
            type=click.Choice(("auto", "always", "never")),
            default="auto",
            expose_value=False,
            is_eager=True,
            callback=_set,
            help="By itself on a terminal; NO_COLOR and FORCE_COLOR count, too.",
        ),
    ):
        decorate(command)
    return command


def strict_option(command: Command) -> Command:
    """Add --strict."""
    return click.option(
        "--strict", is_flag=True, help="Do not accept a database that is ahead of these files."
    )(command)


def url_option(command: Command) -> Command:
    """Add --url."""
    return click.option(
        "--url",
        metavar="URL",
        help="Database of the one series named. Other users can see arguments: better set the variable.",
    )(command)


def scratch_option(command: Command) -> Command:
    """Add --scratch, which RUNNER_SCRATCH_URL in the environment sets as well."""
    return click.option(
        "--scratch",
        metavar="URL",
        envvar="RUNNER_SCRATCH_URL",
        show_envvar=True,
        help="Server for scratch databases, as a superuser; files may do there what they like. By itself a "
        "private PostgreSQL is made and thrown away.",
    )(command)


def empty_option(command: Command) -> Command:
    """Add --allow-empty."""
    return click.option("--allow-empty", is_flag=True, help="Take a series whose folder holds no file.")(
        command
    )


def one_series(command: Command) -> Command:
    """Add the argument SERIES."""
    return click.argument("series", shell_complete=values.complete_series)(command)


def some_series(command: Command) -> Command:
    """Add the argument SERIES…: none means all."""
    return click.argument("series", nargs=-1, metavar="[SERIES]...", shell_complete=values.complete_series)(
        command
    )
