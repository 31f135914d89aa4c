"""Look at every chosen database before anything is changed in any of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runner import database, files, ledger
from runner.errors import ConfigError, DatabaseNotEmpty, FileRefused, WrongDatabase
from runner.planning import compare, content, facts, problem
from runner.planning.site import objects_in
from runner.planning.step import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.planning.extension import Given
    from runner.planning.site import Site
    from runner.planning.step import Step

_NAMED = 3  # tables, views and routines; facts asks for one more
_REPLACED = " A file would replace the routine: if it is another's, give one of the two another name."
_RESTORED = "If it was restored without its data, restore that, too: the ledger is part of it. "


def check(
    sites: Sequence[Site], *, to: int | None = None, strict: bool = False, allow_empty: bool = False
) -> None:
    """Raise the first reason why ``migrate`` must not go on: in the files, the ledgers or what is there.

    A database that is ahead is one only where something is pending, or where it is ``strict``. A folder
    without a file is one, unless ``allow_empty``: mostly it is the wrong folder.
    """
    _check_ledgers(sites, to=to, strict=strict, allow_empty=allow_empty)
    check_content(sites, to=to)


def check_and_ask(
    sites: Sequence[Site],
    *,
    to: int | None = None,
    strict: bool = False,
    allow_empty: bool = False,
    given: set[Given] | None = None,
) -> tuple[Site, ...]:
    """Do ``check``, then ``ask``; the servers create extensions while the files are read."""
    _check_ledgers(sites, to=to, strict=strict, allow_empty=allow_empty)
    if not any(_unknown(site) for site in sites):
        check_content(sites, to=to)
        return tuple(sites)
    content = partial(check_content, sites, to=to)
    works: list[Callable[[], tuple[Site, ...] | None]] = [content, partial(ask, sites, given=given)]
    return database.together(lambda work: work(), works)[-1] or ()


def _check_ledgers(sites: Sequence[Site], *, to: int | None, strict: bool, allow_empty: bool) -> None:
    seen: dict[str, Site] = {}
    for site in sites:
        if not (site.steps or allow_empty):
            raise _nothing(site)
        _check_distinct(site, seen.setdefault(site.facts.identity, site))
        explain(site)
    compare.check([step for site in sites for step in _counting(site, to=to, strict=strict)])
    for site in sites:
        compare.check_target(site.steps, to=to)
        if not any(step.applied for step in site.steps):
            facts.check_public(site.facts)
            _check_name(site)
        if stranger := unadopted(site):
            raise stranger


def check_content(sites: Sequence[Site], *, to: int | None) -> None:
    """Raise the first reason why a pending file must not be sent, in the order of the files."""
    refused: list[FileRefused] = []
    for site in sites:
        refused += content.refused(compare.pending(site.steps, to=to), site.steps)
    content.check(refused)


def _counting(site: Site, *, to: int | None, strict: bool) -> tuple[Step, ...]:
    """Return the steps with what is ahead as missing, where that is a problem."""
    return compare.not_ahead(site.steps) if strict or compare.pending(site.steps, to=to) else site.steps


def ask(sites: Sequence[Site], *, given: set[Given] | None = None) -> tuple[Site, ...]:
    """Look anew which files are skipped: by asking the servers, where a file requires what is not installed.

    Creates extensions, and rolls that back: for a command that is going to write. Takes long for a large one;
    whoever asks many databases keeps in ``given`` what a server is known to create in any of its databases
    that is alike. Raises what ``check`` raises for the content of a file that is pending only now.
    """
    return tuple(_asked(site, set() if given is None else given) for site in sites)


def _asked(site: Site, given: set[Given]) -> Site:
    lacking = _refused(site, _unknown(site), given) | site.facts.closed
    asked = site._replace(steps=tuple(compare.without(step, lacking) for step in site.steps))
    skipped = {step.version for step in site.steps if step.state is State.SKIPPED}
    now = [step for step in compare.pending(asked.steps) if step.version in skipped]
    content.check([*content.refused(now, asked.steps)])
    return asked


def _unknown(site: Site) -> set[str]:
    """Return the extensions that are required by a file that is not applied, and may be refused.

    Neither one that is installed, nor one that is offered to a superuser: no provider forbids that.
    """
    open_ = (step.file for step in site.steps if step.state in (State.PENDING, State.SKIPPED))
    wanted = {name for file in open_ for name in file.requires} & site.facts.absent.keys()
    return {name for name in wanted if site.facts.absent[name] or not site.facts.is_free}


def _refused(site: Site, names: Iterable[str], given: set[Given]) -> dict[str, str]:
    """Return which extensions the server refuses; ``given`` takes those that it does not."""
    from runner.planning import extension  # noqa: PLC0415 - start-up time

    kin = site.facts.kin
    lacking = extension.refused(site.connection, [name for name in names if (kin, name) not in given])
    given |= {(kin, name) for name in names if kin and name not in lacking}
    return lacking


def unvalidated(steps: Sequence[Step]) -> files.Unvalidated:
    """Return which constraints the applied files leave ``not valid``."""
    done = (step for step in steps if step.applied and not step.applied.running)
    return files.Unvalidated(step.file.sql for step in done if step.migration)


def check_writable(sites: Sequence[Site]) -> None:
    """Raise the first reason why this role must not change one of these databases."""
    for site in sites:
        facts.check_writable(site.facts, source=site.target.source, connection=site.connection)
        if site.shape:
            ledger.check_owner(site.shape)
        facts.check_public(site.facts, makes=bool(todo := compare.pending(site.steps)) and not site.shape)
        if todo and not site.access.is_direct:
            from runner.planning import pooler  # noqa: PLC0415 - start-up time

            alone = not all(step.file.in_transaction for step in todo)
            pooler.check(site.access, name=site.facts.name, source=site.target.source, alone=alone)


def explain(site: Site) -> None:
    """Add to the problem of each edited file how it differs from what was applied."""
    for step in site.steps:
        if step.state is State.EDITED and step.problem and step.migration and step.applied:
            applied = ledger.text(site.connection, step.applied)
            lines = files.explain(applied, step.migration.sql)
            step.problem.notes += lines
            accept = f"`accept {site.series} {step.version}`{site.target.way}"
            if not lines:
                problem.tell_unedited(step.problem, step.migration, accept)
            if lines == (files.COMMENTS_DIFFER,):
                step.problem.remedy = f"Record it as it is now with {accept}, or restore it as it was."


def _nothing(site: Site) -> ConfigError:
    return ConfigError(
        f"The folder of {site.series}, {site.target.series.folder}, holds no migration, and database "
        f"{site.facts.name} records none.",
        remedy=f"Correct `sql` in the configuration, write the first file with `new {site.series} NAME`, or "
        "say --allow-empty.",
    )


def _check_distinct(site: Site, twin: Site) -> None:
    if twin is not site:
        raise WrongDatabase(
            f"{twin.target.source} and {site.target.source} lead to one database, {site.facts.name}.",
            remedy="Each series needs a database of its own.",
        )


def _check_name(site: Site) -> None:
    """Refuse a database without a ledger to tell whose it is, where its name says that it is another's."""
    if site.facts.name in site.target.series.foreign:
        raise WrongDatabase(
            f"{site.target.source} leads to {site.facts.name}, which is the database of another series.",
            remedy=f"Point it at the database of {site.series}. If that is this one, give the other series "
            "another `database` in pyproject.toml.",
        )


def unadopted(site: Site) -> DatabaseNotEmpty | None:
    """Return the problem of a database that holds something and records nothing. Does not write."""
    if any(step.applied for step in site.steps):
        return None
    found = objects_in(site.connection, site.schemas, adopted=True) if site.shape else site.objects
    if not found:
        return None
    lacks, first = ("a ledger without a row", _RESTORED) if site.shape else ("no ledger", "")
    return DatabaseNotEmpty(
        f"Database {site.facts.name} has {lacks} but is not empty: it holds "
        f"{', '.join(found[:_NAMED])}{' …' if len(found) > _NAMED else ''}.",
        remedy=f"{first}Point the URL at an empty database, or adopt this one with `baseline`"
        f"{site.target.way}. Schemas that are not yours to migrate are left out by `schemas` in "
        f"pyproject.toml.{_REPLACED if any(one.endswith('()') for one in found) else ''}",
    )
