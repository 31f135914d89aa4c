"""Look at databases: status, plan, verify. Nothing here writes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runner import database, planning, schema
from runner import locks as locking
from runner.config import load
from runner.door.database import seen, standing
from runner.door.where import check_alone, scratch_url, sites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from runner.door.database import Database
    from runner.errors import RunnerError
    from runner.model import Migration
    from runner.planning import Site
    from runner.schema import Comparison


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
    called before the embedded server stands in, and may raise. ``at_work`` says who is at work there. Needs
    no more than the right to select from the ledger. Raises ``RunnerError`` when a folder, a ledger or a
    database cannot be read.
    """
    with sites(load(config), series, url=url, wait=wait, on_embedded=on_embedded) as found:
        return tuple(standing(site)._replace(problems=strange(site)) for site in found)


def strange(site: Site) -> tuple[RunnerError, ...]:
    """Return why no file could be applied to a database that was never adopted."""
    return tuple(filter(None, [planning.unadopted(site)]))


def plan(  # noqa: PLR0913 - options, keyword-only
    series: str | Sequence[str] = (),
    *,
    url: str | None = None,
    config: Path | str | None = None,
    to: int | None = None,
    strict: bool = False,
    allow_empty: bool = False,
    locks: bool = False,
    scratch: str | None = None,
    wait: float = 0,
    on_embedded: Callable[[], None] | None = None,
) -> tuple[Database, ...]:
    """Return what ``migrate`` would apply to each database: its ``pending`` and ``skipped`` steps.

    What is pending behind ``to`` stands there as well. ``allow_empty`` takes a series without a file; other
    parameters as of ``migrate``. Raises the ``RunnerError`` for which that would refuse; whether the role may
    write is not asked.

    With ``locks`` each pending file is run in a scratch database, statement by statement, over rows; what it
    locks, rewrites, reads and destroys stands in ``locks``, with the sizes that the live catalogs know.
    The scratch database is on the server of the URL ``scratch`` or RUNNER_SCRATCH_URL, else on a private
    one, gone at the end.
    """
    project = load(config)
    with sites(project, series, url=url, wait=wait, on_embedded=on_embedded) as found:
        if to is not None:
            check_alone(found, "--to")
        planning.check(found, to=to, strict=strict, allow_empty=allow_empty)
        if not locks:
            return tuple(seen(site) for site in found)
        own = project.root / "tests" / "rows"
        return tuple(_traced(site, scratch_url(scratch), own) for site in found)


def _traced(site: Site, scratch: str | None, own: Path) -> Database:
    pending = [step.file for step in planning.pending(site.steps)]
    return seen(site)._replace(locks=locking.trace(site, pending, scratch_url=scratch, own=own))


def bundle(  # noqa: PLR0913 - options, keyword-only
    series: str | Sequence[str] = (),
    *,
    url: str | None = None,
    config: Path | str | None = None,
    strict: bool = False,
    allow_empty: bool = False,
    locks: Mapping[str, str] | None = None,
) -> str:
    """Return what is pending in one database as SQL that psql runs, with the effect of ``migrate``.

    ``locks`` are words for its table of contents, by version, where they are known. Other parameters and
    errors as of ``plan``; raises ``UsageError`` for more than one series.
    """
    with sites(load(config), series, url=url) as found:
        planning.check(found, strict=strict, allow_empty=allow_empty)
        check_alone(found, "A bundle")
        return planning.write_bundle(found[0], locks=locks)


def verify(  # noqa: PLR0913 - options, keyword-only
    series: str | Sequence[str] = (),
    *,
    url: str | None = None,
    config: Path | str | None = None,
    drift: bool = False,
    scratch: str | None = None,
    strict: bool = False,
    wait: float = 0,
    on_embedded: Callable[[], None] | None = None,
) -> tuple[Database, ...]:
    """Return each database with its ``problems``: edited and missing files, what is invalid or unvalidated.

    With ``drift`` the live schema is compared with one that the applied files make in a scratch database,
    on the server of the URL ``scratch`` or RUNNER_SCRATCH_URL, else on a private one that is gone at the
    end; ``comparison`` tells where, and what the configuration ignores. What is ahead of the files is a
    problem where it is ``strict`` or where ``drift`` is asked for, because these files do not make it. Other
    parameters and errors as of ``status``; what is found raises nothing.
    """
    compare = partial(schema.differences, scratch_url=scratch_url(scratch)) if drift else None
    with sites(load(config), series, url=url, wait=wait, on_embedded=on_embedded) as found:
        return tuple(verified(site, strict=strict, compare=compare) for site in found)


def verified(
    site: Site, *, strict: bool, compare: Callable[[Site, Sequence[Migration]], Comparison] | None
) -> Database:
    """Return one database with all that is wrong with it; ``compare`` it with its files for the drift.

    Raises ``LedgerChanged`` when what differs may be the work of a runner meanwhile.
    """
    with database.heeding(database.silence(site.target.source)):
        planning.explain(site)
        steps = planning.not_ahead(site.steps) if strict or compare else site.steps
        problems: list[RunnerError] = [step.problem for step in steps if step.problem]
        problems += strange(site)
        problems += schema.unsound(site)
    compared = None
    if compare and not planning.ahead(site.steps):
        compared = compare(site, planning.applied(site.steps))
        if compared.found:
            planning.check_still(site)
            problems.append(schema.drifted(site, compared.found))
    return seen(site)._replace(problems=tuple(problems), comparison=compared)
