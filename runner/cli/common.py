"""What the commands share: options, the databases they work on, and how they end."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from runner import config, door, environment
from runner.cli import document, report
from runner.errors import RunnerError, UrlMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from click.shell_completion import CompletionItem

    from runner.config import Project, Series, Target
    from runner.door import Database
    from runner.planning import Site
    from runner.schema import Comparison

Command = TypeVar("Command", bound="Callable[..., Any]")
_DOCUMENT = "runner.document"
_WAIT = "runner.wait"
_NO_EMBEDDED = "runner.no_embedded"


# ------------------------------------------------------------------ options


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str | CompletionItem]:  # noqa: ARG001 - click's signature
    try:
        names = [series.name for series in config.load(ctx.params.get("file")).series]
    except RunnerError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def _begin_document(ctx: click.Context, param: click.Parameter, value: bool) -> bool:  # noqa: ARG001 - click's
    if value:
        ctx.meta[_DOCUMENT] = {"command": ctx.info_name, "databases": [], "error": None}
    return value


def _read_variables(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:  # noqa: ARG001 - click's
    """Let .env set the options that have a variable; the environment, which click reads, wins."""
    names = {one.envvar: str(one.name) for one in ctx.command.params if isinstance(one.envvar, str)}
    if names.keys() - os.environ.keys():
        with suppress(RunnerError):  # the command finds it, too
            found = environment.read(config.load(value).home, {})
            ctx.default_map = {
                names[name]: found[name] for name in names.keys() & found.keys() - os.environ.keys()
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
    ctx.meta[_NO_EMBEDDED] = value


def embedded_option(command: Command) -> Command:
    """Add --no-embedded."""
    return click.option(
        "--no-embedded", is_flag=True, expose_value=False, callback=_note_embedded,
        help="Never use the embedded PostgreSQL in place of a server, as with RUNNER_EMBEDDED=off.",
    )(command)  # fmt: skip


def json_option(command: Command) -> Command:
    """Add --json."""
    return click.option(
        "--json", is_flag=True, expose_value=False, callback=_begin_document, is_eager=True,
        help="Print one JSON document instead.",
    )(command)  # fmt: skip


def _keep_wait(ctx: click.Context, param: click.Parameter, value: float) -> None:  # noqa: ARG001 - click's
    ctx.meta[_WAIT] = value


def wait_option(command: Command) -> Command:
    """Add --wait, which ``waiting`` returns."""
    return click.option(
        "--wait", type=click.FloatRange(0), default=0, show_default=True, show_envvar=True,
        envvar="RUNNER_WAIT", metavar="SECONDS", expose_value=False, callback=_keep_wait,
        help="How long to wait for a server that is still starting, or its role or database.",
    )(command)  # fmt: skip


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
    return click.argument("series", shell_complete=_complete)(command)


def some_series(command: Command) -> Command:
    """Add the argument SERIES…: none means all."""
    return click.argument("series", nargs=-1, metavar="[SERIES]...", shell_complete=_complete)(command)


# ------------------------------------------------------------------ databases


def waiting() -> float:
    """Return the seconds of --wait."""
    return float(click.get_current_context().meta.get(_WAIT, 0))


def say_embedded() -> None:
    """Say that no variable is set, so that the embedded server stands in.

    Raises ``UrlMissing`` when --no-embedded forbids it.
    """
    if click.get_current_context().meta.get(_NO_EMBEDDED):
        raise UrlMissing(
            "No database variable is set, and --no-embedded was given.",
            remedy="Set the variables that pyproject.toml names, in the environment or in .env.",
        )
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    found = "CI is set, but no database variable" if in_ci else "No database variable is set"
    report.say(f"{found}: using the embedded PostgreSQL in .postgres/", style="cyan", err=True)


@contextmanager
def sites(file: Path | None, names: Sequence[str], *, url: str | None) -> Iterator[tuple[Site, ...]]:
    """Connect to the databases of the named series and look at them."""
    project, wait = config.load(file), waiting()
    with door.sites(project, names, url=url, wait=wait, on_embedded=say_embedded) as found:
        yield found


def targets(project: Project, chosen: Sequence[Series], *, url: str | None) -> tuple[Target, ...]:
    """Return where the chosen series live."""
    return door.targets(project, chosen, url=url, wait=waiting(), on_embedded=say_embedded)


def only(found: Sequence[Database], option: str) -> Database:
    """Return the one database an option is for. Raises ``UsageError`` when there are several."""
    if len(found) != 1:
        raise UsageError(f"{option} is for one series.", remedy="Name the series.")
    return found[0]


def warn_empty(one: Database) -> None:
    """Say that a series has no file at all: mostly its folder is the wrong one."""
    if not one.steps:
        report.warning(f"the folder of {one.series} holds no migration.")


def title(one: Database) -> str:
    """Return the heading of one database."""
    return f"{one.series}: {one.name} (PostgreSQL {one.version})"


def ahead(one: Database) -> str:
    """Return the words for a database that a newer release has migrated; none where it is not so."""
    labels = [step.label for step in one.ahead]
    return f"ahead of these files: {', '.join(labels[:3])}{' …' * (len(labels) > 3)}" if labels else ""  # noqa: PLR2004


# ------------------------------------------------------------------ endings


def wants_document() -> bool:
    """Tell whether --json was given."""
    return _DOCUMENT in click.get_current_context().meta


def add(one: Database, **facts: object) -> None:
    """Add what is known of one database to the document, if one is wanted."""
    add_entry(one.series, one.name, **facts)


def compared(comparison: Comparison | None) -> dict[str, object]:
    """Return what the document says of a comparison, besides what it found."""
    return {"scratch": comparison.where, "ignored": comparison.ignored} if comparison else {}


def show_comparison(comparison: Comparison) -> None:
    """Say where the files were run, and what each entry of the configuration hides, be it nothing."""
    report.say(f"  compared with what the files make on {comparison.where}", err=True)
    for pattern, hidden in comparison.ignored.items():
        report.say(f"  ignored: {pattern} ({hidden} difference{'s' * (hidden != 1)})")


def add_entry(series: str, database: str, **facts: object) -> None:
    """Add an entry to the document, if one is wanted."""
    if wants_document():
        entry = {"series": series, "database": database, **facts}
        click.get_current_context().meta[_DOCUMENT]["databases"].append(entry)


def finish(ctx: click.Context) -> None:
    """Print the document, if one is wanted."""
    if content := ctx.meta.pop(_DOCUMENT, None):
        report.dump(content)


def fail(ctx: click.Context, problem: RunnerError) -> NoReturn:
    """Show an error and exit with its code."""
    if content := ctx.meta.get(_DOCUMENT):
        content["error"] = document.error(problem)
    report.error(problem)
    exit_with(ctx, problem.exit_code)


def is_of_the_server(error: Exception) -> bool:
    """Tell whether an error is the driver's, without importing the driver for that."""
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(error, driver.Error)


def exit_with(ctx: click.Context, code: int) -> NoReturn:
    """Print the document, if one is wanted, and exit."""
    finish(ctx)
    sys.exit(code)
