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


Command = TypeVar("Command", bound="Callable[..., Any] | click.Command")


def together(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Return what adds several options at once; the help has them in this order."""

    def decorate(command: Command) -> Command:
        for one in reversed(decorators):
            one(command)
        return command

    return decorate


def seconds_option(name: str, default: float | None, text: str, **more: Any) -> Callable[[Command], Command]:  # noqa: ANN401 - as click takes it
    """Return an option in seconds, which RUNNER_NAME in the environment sets as well."""
    return click.option(
        name, type=values.seconds, default=default, show_default=default is not None, show_envvar=True,
        envvar=f"RUNNER_{name.strip('-').replace('-', '_').upper()}", metavar="SECONDS", help=text, **more,
    )  # fmt: skip


def number_option(*names: str, **more: Any) -> Callable[[Command], Command]:  # noqa: ANN401 - as above
    """Return an option for the number of a file."""
    return click.option(
        *names, type=values.VERSION, metavar="NNN", shell_complete=values.complete_version, **more
    )


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


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ANN401 - whatever it is
    ctx.meta[f"runner.{param.name}"] = value


def _set(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ANN401, ARG001 - click's
    setattr(report.settings, str(param.name), value)


one_series = click.argument("series", shell_complete=values.complete_series)
some_series = click.argument(  # none means all
    "series", nargs=-1, metavar="[SERIES]...", shell_complete=values.complete_series
)
config_option = click.option(
    "--config", "file", type=click.Path(path_type=Path, dir_okay=False), is_eager=True,
    callback=_read_variables, help="Another pyproject.toml; its folders are relative to it.",
)  # fmt: skip
embedded_option = click.option(
    "--no-embedded", is_flag=True, expose_value=False, callback=_keep,
    help="Never use the embedded PostgreSQL in place of a server, as with RUNNER_EMBEDDED=off.",
)  # fmt: skip
json_option = together(  # for programs
    click.option(
        "--json", is_flag=True, expose_value=False, is_eager=True, help="Print one JSON document instead.",
        callback=lambda ctx, *_: ending.current().name(ctx),
    ),
    click.option(
        "--log", type=click.Choice(["text", log.JSON]), default="text", show_envvar=True, envvar=log.VARIABLE,
        expose_value=False, callback=lambda *given: log.choose(given[-1]),
        help="What stderr holds: text, or an event per line as JSON, for log collectors.",
    ),
)  # fmt: skip
url_option = click.option(
    "--url", metavar="URL",
    help="Database of the one series named. Other users can see arguments: better set the variable.",
)  # fmt: skip
project_options = together(config_option, embedded_option, json_option)
target_options = together(url_option, project_options)
wait_option = seconds_option(  # ``common.waiting`` returns it
    "--wait", 0, "How long to wait for a server that is still starting, or its role or database.",
    expose_value=False, callback=_keep,
)  # fmt: skip
heartbeat_option = seconds_option(
    "--heartbeat", 30,
    "Without a terminal: how often to say what a file does that takes longer than 5 s. 0 is never.",
    expose_value=False, callback=_set,
)  # fmt: skip
strict_option = click.option(
    "--strict", is_flag=True, help="Do not accept a database that is ahead of these files."
)
empty_option = click.option("--allow-empty", is_flag=True, help="Take a series whose folder holds no file.")
scratch_option = click.option(
    "--scratch", metavar="URL", envvar="RUNNER_SCRATCH_URL", show_envvar=True,
    help="Server for scratch databases, as a superuser; files may do there what they like. By itself a "
    "private PostgreSQL is made and thrown away.",
)  # fmt: skip
# Which all commands have, behind their own options: a finished command gets them in the order of the calls.
spoken = together(
    click.option(
        "--color", type=click.Choice(("auto", "always", "never")), default="auto",
        expose_value=False, is_eager=True, callback=_set,
        help="By itself on a terminal; NO_COLOR and FORCE_COLOR count, too.",
    ),
    click.option(
        "--quiet", "-q", is_flag=True, expose_value=False, is_eager=True, callback=_set,
        help="Print only errors, warnings, and what is to be copied, such as SQL or a URL: no tables.",
    ),
    click.option(
        "--verbose", "-v", is_flag=True, expose_value=False, is_eager=True, callback=_set,
        help="Show notices of the server, and what may hold values of rows, too.",
    ),
)  # fmt: skip
