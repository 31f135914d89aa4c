"""The command that looks across databases: orphans."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from runner import config, door, schema
from runner.cli import common, document, options, report
from runner.cli.text import counted
from runner.errors import OrphansFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.database import Connection
    from runner.door import Database
    from runner.planning import Site
    from runner.schema import Orphans

_BEHIND = "{} was read on a standby, which may lag behind: look on its primary before you delete a row."


@click.command("orphans")
@options.some_series
@options.wait_option
@options.project_options
def orphans_command(*, series: Sequence[str], file: Path | None) -> None:
    """Find rows that refer to nothing elsewhere.

    No foreign key reaches from one database into another. Which columns refer to another one, their comments
    say, in the schemas that verify --drift compares. Writes nothing; the right to select from the tables is
    enough. Exits 4 when there are orphans.
    """
    chosen = {one.name for one in config.choose(config.load(file), series)}
    with common.sites(file, (), url=None) as sites:
        databases = {site.series: site.connection for site in sites}
        found = [_look(site, databases) for site in sites if site.series in chosen]
    if lost := [one for many in found for one in many]:
        rows, read = sum(one.rows for one in lost), {one.reference.to.series for one in lost}
        raise OrphansFound(
            f"{rows} row{'s point' if rows != 1 else ' points'} at nothing in another database, through "
            f"{', '.join(one.reference.label for one in lost)}.",
            remedy="Look at them: those that outlive it on purpose (a trail, a bill) stay, and those of "
            "others that only name it; delete what was its own, or restore what they point at.",
            notes=tuple(_BEHIND.format(s.series) for s in sites if s.facts.standby and s.series in read),
        )


def _look(site: Site, databases: Mapping[str, Connection]) -> list[Orphans]:
    """Show the orphans of one database and return them."""
    known = schema.references(site.connection, schemas=site.schemas)
    found = [one for one in schema.find_orphans(site.connection, known, databases) if one.rows]
    database = door.describe(site)
    common.add(database, references=len(known), orphans=[document.orphans(one) for one in found])
    _show(database, len(known), found)
    return found


def _show(database: Database, known: int, found: Sequence[Orphans]) -> None:
    report.heading(common.title(database))
    for one in found:
        at = f"{one.reference.label} -> {one.reference.to}"
        counts = f"{counted(one.rows, 'row')}, {counted(one.values, 'value')}"
        more = " …" if one.values > len(one.examples) else ""
        report.sentence(f"{at}: {counts}: {', '.join(map(_quoted, one.examples))}{more}")
    if not found:
        refer = {0: "no column refers", 1: "1 column refers"}.get(known, f"{known} columns refer")
        report.sentence(f"{refer} to another database{'; no row points at nothing' if known else ''}")


def _quoted(value: str) -> str:
    """Return a value in quotes where it could not be told from what stands around it, or is not seen."""
    return value if re.fullmatch(r"[^\s,'\"\\…]+", value) and value.isprintable() else repr(value)
