"""Dbmate, a Go program that npm installs: a file per migration, applied in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.runner.install import output
from benchmarks.runner.model import Failed, Peer
from benchmarks.runner.peers.common import each, there

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.runner.install import Tools
    from benchmarks.runner.model import Action, Command, FileSet, Target
    from benchmarks.runner.server import Server


def peer(_server: Server, tools: Tools) -> Peer:
    """Return dbmate itself, without the script in JavaScript that npm puts in front of it."""
    programs = sorted(there(tools.node).glob("@dbmate/*/bin/dbmate"))
    if not programs:
        raise Failed("npm has no dbmate for this machine")

    def commands(action: Action, targets: Sequence[Target], _work: Path) -> list[Command]:
        return each(programs[0], targets, "--no-dump-schema", "-d", "{folder}", action)

    version = output(programs[0], "--version").split()[-1]
    return Peer("dbmate", version, _write, commands, "select count(*) from schema_migrations")


def _write(files: FileSet, folder: Path) -> None:
    for number, path in enumerate(files.files):
        text = f"-- migrate:up\n{path.read_text()}\n-- migrate:down\n"
        (folder / f"{number:05}_{path.stem.partition('_')[2]}.sql").write_text(text)
