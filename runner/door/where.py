"""Find the databases of the chosen series, and look at them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner import config as configuration
from runner import database, planning
from runner.config import Target
from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from runner.config import Project, Series
    from runner.model import Migration
    from runner.planning import Site

EMBEDDED = "the embedded server"


def targets(
    project: Project,
    chosen: Sequence[Series],
    *,
    url: str | None = None,
    wait: float = 0,
    on_embedded: Callable[[], None] | None = None,
) -> tuple[Target, ...]:
    """Return where the chosen series live. With no variable set at all, start the embedded server.

    Others are given ``wait`` seconds to be there, with role and database.
    ``on_embedded`` is called before that, for whoever wants to say so. Writes: the embedded server's files
    and databases.
    """
    found = configuration.targets(project, chosen, url=url, environ=os.environ)
    if found is not None:
        for target in found:
            database.check_database(target.url, source=target.source)
        for target in found if wait else ():
            database.connect(target.url, source=target.source, wait=wait).close()
        return found
    if on_embedded:
        on_embedded()
    return embedded(project, chosen)


def embedded(project: Project, chosen: Sequence[Series]) -> tuple[Target, ...]:
    """Start the embedded server, and return where the chosen series live on it. Writes, as ``targets``."""
    from runner.embedded import start  # noqa: PLC0415 - start-up time

    server = start(project.home)
    with database.connect(server.url("postgres"), source=EMBEDDED) as connection:
        database.create_missing(connection, [series.database for series in chosen])
    return tuple(Target(series, server.url(series.database), EMBEDDED) for series in chosen)


def files(series: str, config: Path | str | None = None) -> tuple[Migration, ...]:
    """Return the migrations of one series, in order, without asking a server."""
    project = configuration.load(config)
    return planning.read(project, configuration.choose(project, series))[series]


@contextmanager
def sites(
    project: Project,
    series: str | Sequence[str],
    *,
    url: str | None = None,
    wait: float = 0,
    on_embedded: Callable[[], None] | None = None,
) -> Iterator[tuple[Site, ...]]:
    """Connect to the databases of the named series, all for none, and look at them; the connections close.

    A server that does not answer is given ``wait`` seconds to start.
    """
    chosen = configuration.choose(project, series)
    migrations = planning.read(project, chosen)
    found = targets(project, chosen, url=url, wait=wait, on_embedded=on_embedded)
    try:
        with planning.look(migrations, found) as looked_at:
            yield looked_at
    except database.Error as error:
        raise database.refused(error) from error


def scratch_url(given: str | None) -> str | None:
    """Return the URL of the server for scratch databases: what is given, else the variable's, if any."""
    return given or os.environ.get("RUNNER_SCRATCH_URL") or None


def check_alone(found: Sequence[object], what: str) -> None:
    """Raise ``UsageError`` where there are several series, for ``what`` is of one, such as --to."""
    if len(found) != 1:
        raise UsageError(f"{what} is for one series.", remedy="Name the series.")
