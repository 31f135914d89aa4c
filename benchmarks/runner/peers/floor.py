"""The floor: a script of some sixty lines, one process for all databases, in three ways."""

from __future__ import annotations

import shutil
import sys
from functools import partial
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


NAME, AT_ONCE, GUARDED = "floor", "floor at once", "floor guarded"


def peer(_server: Server, _tools: Tools) -> Peer:
    """Return the script, with the Python and the driver that this runner has; a message per file."""
    return _peer(NAME, "each")


def at_once(_server: Server, _tools: Tools) -> Peer:
    """Return the script that sends all files of a database in one message."""
    return _peer(AT_ONCE, "once")


def guarded(_server: Server, _tools: Tools) -> Peer:
    """Return that script with a lock and two checks in each transaction."""
    return _peer(GUARDED, "guarded")


def _peer(name: str, how: str) -> Peer:
    commands = partial(_commands, how)
    return Peer(name, f"psycopg {psycopg.__version__}", write, commands, "select count(*) from floor")


def write(files: FileSet, folder: Path) -> None:
    """Put the files into the folder as they are."""
    for path in files.files:
        shutil.copy(path, folder)


def _commands(how: str, action: Action, targets: Sequence[Target], _work: Path) -> list[Command]:
    pairs = [text for target in targets for text in (str(target.folder), target.url)]
    return [Command(Path(sys.executable), (floor.__file__, action, how, *pairs), environ())]
