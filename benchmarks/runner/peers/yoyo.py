"""Yoyo: the SQL files as they are, numbered so that their names are in order; yoyo splits them itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks.runner.install import output
from benchmarks.runner.model import Command, Peer
from benchmarks.runner.peers.common import environ, there

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.runner.install import Tools
    from benchmarks.runner.model import Action, FileSet, Target
    from benchmarks.runner.server import Server

_ACTIONS = {"migrate": "apply", "status": "list"}


def peer(_server: Server, tools: Tools) -> Peer:
    """Return yoyo with the driver that this runner has."""
    program = there(tools.python) / "bin" / "yoyo"

    def commands(action: Action, targets: Sequence[Target], _work: Path) -> list[Command]:
        return [Command(program, _arguments(action, target), environ()) for target in targets]

    version = "from importlib.metadata import version; print(version('yoyo-migrations'))"
    found = output(program.with_name("python"), "-c", version)
    return Peer("yoyo", found, _write, commands, "select count(*) from _yoyo_migration")


def _arguments(action: Action, target: Target) -> tuple[str, ...]:
    url = target.url.replace("postgresql:", "postgresql+psycopg:")
    return (_ACTIONS[action], "--batch", "--no-config-file", "--database", url, str(target.folder))


def _write(files: FileSet, folder: Path) -> None:
    for number, path in enumerate(files.files):
        shutil.copy(path, folder / f"{number:05}_{path.stem.partition('_')[2]}.sql")
