"""The floor: a script of some thirty lines, one process for all databases."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from benchmarks.runner import floor
from benchmarks.runner.model import Command, Peer
from benchmarks.runner.peers.common import environ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.runner.install import Tools
    from benchmarks.runner.model import Action, FileSet, Target
    from benchmarks.runner.server import Server


def peer(_server: Server, _tools: Tools) -> Peer:
    """Return the script, with the Python and the driver that this runner has."""
    return Peer("floor", f"psycopg {psycopg.__version__}", write, _commands, "select count(*) from floor")


def write(files: FileSet, folder: Path) -> None:
    """Put the files into the folder as they are."""
    for path in files.files:
        shutil.copy(path, folder)


def _commands(action: Action, targets: Sequence[Target], _work: Path) -> list[Command]:
    pairs = [text for target in targets for text in (str(target.folder), target.url)]
    return [Command(Path(sys.executable), (floor.__file__, action, *pairs), environ())]
