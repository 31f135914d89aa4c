"""What the commands share: options, the databases they work on, and how they end."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from runner import config, door
from runner.cli import document, report
from runner.errors import RunnerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from click.shell_completion import CompletionItem

    from runner.config import Project, Series, Target
    from runner.door import Database
    from runner.planning import Site

Command = TypeVar("Command", bound="Callable[..., Any]")
_DOCUMENT = "runner.document"


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


def config_option(command: Command) -> Command:
    """Add --config."""
    return click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Another pyproject.toml; its folders are relative to it.",
    )(command)


def json_option(command: Command) -> Command:
    """Add --json."""
    return click.option(
        "--json", is_flag=True, expose_value=False, callback=_begin_document, is_eager=True,
        help="Print one JSON document instead.",
    )(command)  # fmt: skip


def url_option(command: Command) -> Command:
    """Add --url."""
    return click.option(
        "--url",
        metavar="URL",
        help="Database of the one series named. Other users can see arguments: better set the variable.",
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


def say_embedded() -> None:
    """Say that no variable is set, so that the embedded server stands in."""
    report.say(
        "No database variable is set: using the embedded PostgreSQL in .postgres/", style="cyan", err=True
    )


@contextmanager
def sites(file: Path | None, names: Sequence[str], *, url: str | None) -> Iterator[tuple[Site, ...]]:
    """Connect to the databases of the named series and look at them."""
    with door.sites(config.load(file), names, url=url, on_embedded=say_embedded) as found:
        yield found


def targets(project: Project, chosen: Sequence[Series], *, url: str | None) -> tuple[Target, ...]:
    """Return where the chosen series live."""
    return door.targets(project, chosen, url=url, on_embedded=say_embedded)


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


# ------------------------------------------------------------------ endings


def wants_document() -> bool:
    """Tell whether --json was given."""
    return _DOCUMENT in click.get_current_context().meta


def add(one: Database, **facts: object) -> None:
    """Add what is known of one database to the document, if one is wanted."""
    add_entry(one.series, one.name, **facts)


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
