"""What the commands share: options, the databases they work on, and how they end."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from runner import config, database, embedded, plan
from runner.cli import document, report
from runner.errors import RunnerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from click.shell_completion import CompletionItem

    from runner.config import Project, Series, Target
    from runner.plan import Site
    from runner.schema import Comparison

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


def one_series(command: Command) -> Command:
    """Add the argument SERIES."""
    return click.argument("series", shell_complete=_complete)(command)


def some_series(command: Command) -> Command:
    """Add the argument SERIES…: none means all."""
    return click.argument("series", nargs=-1, metavar="[SERIES]...", shell_complete=_complete)(command)


# ------------------------------------------------------------------ databases


def targets(project: Project, chosen: Sequence[Series], *, url: str | None) -> tuple[Target, ...]:
    """Return where the chosen series live. With no variable set at all, start the embedded server."""
    found = config.targets(project, chosen, url=url, environ=os.environ)
    return _embedded(project, chosen) if found is None else found


def _embedded(project: Project, chosen: Sequence[Series]) -> tuple[Target, ...]:
    server = embedded.start(project.home)
    report.say(
        "No database variable is set: using the embedded PostgreSQL in .postgres/", style="cyan", err=True
    )
    with database.connect(server.url("postgres"), source="the embedded server") as connection:
        database.create_missing(connection, [series.database for series in chosen])
    return tuple(
        config.Target(series, server.url(series.database), "the embedded server") for series in chosen
    )


@contextmanager
def sites(
    file: Path | None, names: Sequence[str], *, url: str | None, wait: float = 0
) -> Iterator[tuple[Site, ...]]:
    """Connect to the databases of the named series and look at them."""
    project = config.load(file)
    chosen = config.choose(project, names)
    files = plan.read(project, chosen)
    with plan.look(files, targets(project, chosen, url=url), wait=wait) as found:
        yield found


def only(sites: Sequence[Site], option: str) -> Site:
    """Return the one site an option is for. Raises ``UsageError`` when there are several."""
    if len(sites) != 1:
        raise UsageError(f"{option} is for one series.", remedy="Name the series.")
    return sites[0]


def title(site: Site) -> str:
    """Return the heading of one database."""
    return f"{site.series}: {site.facts.name} (PostgreSQL {site.facts.version // 10000})"


# ------------------------------------------------------------------ endings


def wants_document() -> bool:
    """Tell whether --json was given."""
    return _DOCUMENT in click.get_current_context().meta


def add(site: Site, **facts: object) -> None:
    """Add what is known of one database to the document, if one is wanted."""
    add_entry(site.series, site.facts.name, **facts)


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
