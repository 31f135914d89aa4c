"""The command that describes the schema: docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner import config, planning, reference, schema
from runner.cli import common, options, report
from runner.errors import SqlFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from runner.config import Target
    from runner.model import Migration
    from runner.reference import Change, Schema

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
    targets = common.targets(project, project.series, url=None)
    book = [_described(target, files[target.series.name], scratch) for target in targets]
    try:
        change = reference.fill(book, project.root.joinpath(*FOLDER), written=written)
    finally:
        _tell(written=written)
    _tell(removed=change.removed, undrawn=change.undrawn)
    _show(change)


def _described(target: Target, files: Sequence[Migration], scratch: str | None) -> Schema:
    """Return what files make, however dates are read here; or as here, where they need what the URL says."""
    try:
        return _made(target, files, scratch, is_steady=True)
    except SqlFailed:
        return _made(target, files, scratch, is_steady=False)


def _made(target: Target, files: Sequence[Migration], scratch: str | None, *, is_steady: bool) -> Schema:
    url, source = target.url, target.source
    live = schema.visited(url, source=source, files=files, is_steady=is_steady)
    with schema.scratch_server(url, source=source, files=files, scratch=scratch, live=live) as server:
        return reference.describe(target.series, files, server.url, source=server.source)


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
