"""node-pg-migrate, from npm: SQL files with a marker, a transaction and a record per file.

It has no command that shows what is applied.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.runner.install import program
from benchmarks.runner.model import Peer
from benchmarks.runner.peers.common import each, there

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.runner.install import Tools
    from benchmarks.runner.model import Action, Command, FileSet, Target
    from benchmarks.runner.server import Server

_FIRST = 1_700_000_000_000  # its numbers are milliseconds since 1970
_OPTIONS = ("--no-single-transaction", "--no-verbose")


def peer(_server: Server, tools: Tools) -> Peer:
    """Return node-pg-migrate, run by the node that is installed."""
    package, node = there(tools.node) / "node-pg-migrate", program("node")
    script = str(package / "bin" / "node-pg-migrate.js")

    def commands(action: Action, targets: Sequence[Target], _work: Path) -> list[Command] | None:
        if action == "status":
            return None
        return each(node, targets, script, "up", *_OPTIONS, "-m", "{folder}")

    version = json.loads((package / "package.json").read_text())["version"]
    return Peer("node-pg-migrate", version, _write, commands, "select count(*) from pgmigrations")


def _write(files: FileSet, folder: Path) -> None:
    for number, path in enumerate(files.files):
        text = f"-- Up Migration\n{path.read_text()}\n-- Down Migration\n"
        (folder / f"{_FIRST + number}_{path.stem.partition('_')[2]}.sql").write_text(text)
