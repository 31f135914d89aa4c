"""The command that describes the schema: docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner import config, planning, reference, schema
from runner.cli import common, options, report

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.reference import Change

FOLDER = ("docs", "schema")
_PATH = "/".join(FOLDER)


@click.command("docs")
@options.scratch_option
@options.wait_option
@options.project_options
def docs_command(*, scratch: str | None, file: Path | None) -> None:
    """Write the schema reference, with diagrams.

    In docs/schema beside pyproject.toml, from scratch databases built from the files and dropped at the
    end. Changes only files whose content is not as it should be. Pictures need the extra `docs`; without
    it the pages are written, and the pictures stay as they are.
    """
    written: list[str] = []
    _tell(written=written)
    project = config.load(file)
    project.check_own()
    files = planning.read(project, project.series)
    book = []
    for target in common.targets(project, project.series, url=None):
        own = files[target.series.name]
        url, source = target.url, target.source
        live = schema.visited(url, source=source, files=own, is_steady=True)
        with schema.scratch_server(url, source=source, files=own, scratch=scratch, live=live) as server:
            book.append(reference.describe(target.series, own, server.url, source=server.source))
    try:
        change = reference.fill(book, project.root.joinpath(*FOLDER), written=written)
    finally:
        _tell(written=written)
    _tell(removed=change.removed, undrawn=change.undrawn)
    _show(change)


def _tell(**kinds: Iterable[str]) -> None:
    """Add to the document what was done, by the paths of the files."""
    common.tell(**{kind: [f"{_PATH}/{name}" for name in names] for kind, names in kinds.items()})


def _show(change: Change) -> None:
    for name in change.written:
        report.say(f"  written  {_PATH}/{name}", style="green")
    for name in change.removed:
        report.say(f"  removed  {_PATH}/{name}", style="yellow")
    if change.undrawn:
        report.warning(
            f"The extra `docs` is not installed, so the {len(change.undrawn)} pictures in {_PATH} are not "
            "drawn; those that are there stay as they are. Install socrates-migrate[docs] (in its checkout: "
            "`pip install '.[docs]'`), and run this again."
        )
    elif not (change.written or change.removed):
        report.say(f"{_PATH} is as it should be.", style="green")
