"""Look at databases: status, plan, verify. Nothing here writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import planning, schema
from runner.door.database import describe
from runner.door.where import load, sites

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.door.database import Database
    from runner.errors import RunnerError
    from runner.planning import Site


def status(
    series: str | Sequence[str] = (),
    *,
    url: str | None = None,
    config: Path | str | None = None,
    wait: float = 0,
    on_embedded: Callable[[], None] | None = None,
) -> tuple[Database, ...]:
    """Return what is applied, pending or wrong in each database: a step with a problem raises nothing.

    ``series`` names one or several, none means all; ``url`` is for one. ``config`` is a pyproject.toml, by
    default the nearest. ``wait`` seconds are given to a server that is still starting. ``on_embedded`` is
    called before the embedded server stands in, and may raise. Needs no more than the right to select from
    the ledger. Raises ``RunnerError`` when a folder, a ledger or a database cannot be read.
    """
    with sites(load(config), series, url=url, wait=wait, on_embedded=on_embedded) as found:
        return tuple(describe(site) for site in found)


def plan(  # noqa: PLR0913 - options, keyword-only
    series: str | Sequence[str] = (),
    *,
    url: str | None = None,
    config: Path | str | None = None,
    allow_empty: bool = False,
    wait: float = 0,
    on_embedded: Callable[[], None] | None = None,
) -> tuple[Database, ...]:
    """Return what ``migrate`` would apply to each database: its ``pending`` and ``skipped`` steps.

    ``allow_empty`` takes a series without a file. Other parameters as of ``status``. Raises the
    ``RunnerError`` for which ``migrate`` would refuse; whether the role may write is not asked.
    """
    with sites(load(config), series, url=url, wait=wait, on_embedded=on_embedded) as found:
        planning.check(found, allow_empty=allow_empty)
        return tuple(describe(site) for site in found)


def verify(  # noqa: PLR0913 - options, keyword-only
    series: str | Sequence[str] = (),
    *,
    url: str | None = None,
    config: Path | str | None = None,
    drift: bool = False,
    wait: float = 0,
    on_embedded: Callable[[], None] | None = None,
) -> tuple[Database, ...]:
    """Return each database with its ``problems``: edited and missing files, what is invalid or unvalidated.

    With ``drift`` the live schema is compared with one that the applied files make in a scratch database,
    which is dropped at the end. Other parameters and errors as of ``status``; what is found raises nothing.
    """
    project = load(config)
    with sites(project, series, url=url, wait=wait, on_embedded=on_embedded) as found:
        return tuple(
            describe(site, problems=_problems(site, home=project.home if drift else None)) for site in found
        )


def _problems(site: Site, *, home: Path | None) -> tuple[RunnerError, ...]:
    """Return all that is wrong with one database; ``home`` asks for drift, too."""
    planning.explain(site)
    problems: list[RunnerError] = [step.problem for step in site.steps if step.problem]
    problems += schema.unsound(site)
    if home:
        files = [step.migration for step in site.steps if step.applied and step.migration]
        if found := schema.differences(site, files, home=home):
            problems.append(schema.drifted(site, found))
    return tuple(problems)
