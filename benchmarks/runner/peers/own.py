"""The runner itself: one process for all databases, each a series of a pyproject.toml."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runner.model import Command, Peer
from benchmarks.runner.peers.common import environ
from runner import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.runner.install import Tools
    from benchmarks.runner.model import Action, FileSet, Target
    from benchmarks.runner.server import Server

NAME = "runner"
_ROOT = str(Path(__file__).parents[3])


def peer(_server: Server, _tools: Tools) -> Peer:
    """Return the runner of this checkout, installed or not."""
    return Peer(NAME, __version__, _write, _commands, "select count(*) from public.schema_migrations")


def _write(files: FileSet, folder: Path) -> None:
    (folder / "rollback").mkdir()
    for path in files.files:
        shutil.copy(path, folder)
        (folder / "rollback" / path.name).write_text(f"-- {path.name}: nobody rolls back here\nselect 1;\n")


def _commands(action: Action, targets: Sequence[Target], work: Path) -> list[Command]:
    config, variables = work / "pyproject.toml", {}
    with config.open("w") as file:
        for number, target in enumerate(targets):
            name = f"{target.files.name}_{number}"
            variables[f"URL_{number}"] = target.url
            file.write(f"[tool.runner.databases.{name}]\nsql = '{target.folder}'\n")
            file.write(f"database = '{name}'\nurl = 'URL_{number}'\n")
    arguments = ("-m", "runner", action, "--config", str(config))
    return [Command(Path(sys.executable), arguments, environ(PYTHONPATH=_ROOT, **variables))]
