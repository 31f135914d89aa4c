"""What the commands share: the databases they work on, and how they end."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from runner import config, door, files
from runner.cli import ending, report
from runner.cli.text import counted, inline
from runner.errors import LockHeld, LockTimeout, UrlMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runner.config import Project, Series, Target
    from runner.door import Database
    from runner.errors import RunnerError
    from runner.model import Migration
    from runner.planning import Site, Step
    from runner.schema import Comparison

_SHOWN = 8  # errors with one remedy

# ------------------------------------------------------------------ databases


def waiting() -> float:
    """Return the seconds of --wait."""
    return float(click.get_current_context().meta.get("runner.wait", 0))


def allow_embedded() -> None:
    """Raise ``UrlMissing`` when --no-embedded forbids that the embedded server stands in."""
    if click.get_current_context().meta.get("runner.no_embedded"):
        raise UrlMissing(
            "No database variable is set, and --no-embedded was given.",
            remedy="Set the variables that pyproject.toml names, in the environment or in .env.",
        )


def say_embedded() -> None:
    """Say once, when it is started, that no variable is set, so that the embedded server stands in.

    Raises what ``allow_embedded`` raises.
    """
    allow_embedded()
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    from runner import embedded  # noqa: PLC0415 - start-up time

    project = config.load(click.get_current_context().params.get("file"))
    if embedded.is_running(project.home) and not in_ci:
        return  # it was said when the server was started; the heading of each database says where it is
    if not embedded.programs():
        return  # it is not installed, which the start will say
    found = "CI is set, but no database variable" if in_ci else "No database variable is set"
    report.say(f"{found}: using the embedded PostgreSQL in .postgres/", style="cyan", err=True)


def reached(url: str | None, file: Path | None) -> dict[str, Any]:
    """Return how the databases are reached, in the words of ``runner.door``."""
    return {"url": url, "config": file, "wait": waiting(), "on_embedded": say_embedded}


def sites(
    file: Path | None, names: Sequence[str], *, url: str | None
) -> AbstractContextManager[tuple[Site, ...]]:
    """Connect to the databases of the named series and look at them."""
    return door.sites(config.load(file), names, url=url, wait=waiting(), on_embedded=say_embedded)


def targets(
    project: Project, chosen: Sequence[Series], *, url: str | None, is_silent: bool = False
) -> tuple[Target, ...]:
    """Return where the chosen series live; a command that hands over to another program is silent."""
    told = allow_embedded if is_silent else say_embedded
    return door.targets(project, chosen, url=url, wait=waiting(), on_embedded=told)


def warn_empty(one: Database) -> None:
    """Say that a series has no file at all: mostly its folder is the wrong one."""
    if not one.steps:
        report.warning(f"the folder of {one.series} holds no migration.")


def warn_of_leavings(file: Path | None, names: Sequence[str]) -> None:
    """Say what lies among the files that is none: what an editor left, a README."""
    project = config.load(file)
    for series in config.choose(project, names):
        if found := files.leavings(series.folder, root=project.root):
            rest = f" and {len(found) - 1} more" if len(found) > 1 else ""
            report.warning(f"{inline(found[0])}{rest}: not named like a migration, left out.")


def title(one: Database) -> str:
    """Return the heading of one database."""
    kind = "embedded PostgreSQL" if one.source == door.EMBEDDED else "PostgreSQL"
    return f"{one.series}: {one.name} ({kind} {one.version})"


def warn_of_misnamed(migration: Migration) -> None:
    """Warn of a rollback that was not renumbered within when its file was."""
    if wrong := files.misnamed(migration):
        report.warning(f"the rollback file of {migration.path} undoes nothing: in it {wrong}. Correct it.")


def ahead(one: Database) -> str:
    """Return the words for a database that a newer release has migrated; none where it is not so."""
    running = {s.label: f" ({begun(s, one)})" for s in one.ahead if s.applied and s.applied.running}
    labels = [f"{s.label}{running.get(s.label, '')}" for s in one.ahead]
    return f"ahead of these files: {', '.join(labels[:3])}{' …' * (len(labels) > 3)}" if labels else ""  # noqa: PLR2004 - a line has room for three


def begun(step: Step, one: Database | None) -> str:
    """Return what is true of a file outside any transaction that was begun and is not finished."""
    if one and one.is_standby:
        return "at work or interrupted"
    return "at work" if one and one.is_at_work(step) else "interrupted"


# ------------------------------------------------------------------ endings


def first_few(problems: Sequence[RunnerError]) -> Iterator[RunnerError]:
    """Yield of those with one name and one remedy the first few, the last with how many are left out.

    One cause may be behind thousands: an older checkout, a folder that is not there.
    """
    from copy import copy  # noqa: PLC0415 - start-up time

    left = Counter((one.name, one.remedy) for one in problems)
    shown: Counter[tuple[str, str | None]] = Counter()
    for one in problems:
        alike = (one.name, one.remedy)
        shown[alike] += 1
        left[alike] -= 1
        if shown[alike] == _SHOWN and left[alike]:
            last = copy(one)
            last.notes += (f"… and {left[alike]} more (--json has all)",)
            yield last
        elif shown[alike] <= _SHOWN:
            yield one


def has_waited(error: BaseException | None) -> bool:
    """Tell whether a run ended behind another runner, so that its file was not tried."""
    return isinstance(error, LockHeld) and not isinstance(error, LockTimeout)


def wants_document() -> bool:
    """Tell whether --json was given."""
    return ending.current().wants_document


def add(one: Database, **facts: object) -> None:
    """Add what is known of one database to the document."""
    add_entry(one.series, one.name, **facts)


def show_comparison(comparison: Comparison, name: str) -> None:
    """Say of database ``name`` where its files were run, and what each entry of the configuration hides."""
    report.note(f"  database {inline(name)} compared with what the files make on {comparison.where}")
    for pattern, hidden in comparison.ignored.items():
        report.sentence(f"ignored: {pattern} ({counted(hidden, 'difference')})")


def add_entry(series: str, database: str | None, **facts: object) -> None:
    """Add an entry to the document."""
    entry = {"series": series, "database": database, **facts}
    ending.current().document["databases"].append(entry)


def tell(**facts: object) -> None:
    """Add to the document what is of no one database."""
    ending.current().document.update(facts)
