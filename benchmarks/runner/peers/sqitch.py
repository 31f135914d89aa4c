"""Sqitch, when it is installed: a plan and a deploy script per file, each with a transaction of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.runner.install import output, program
from benchmarks.runner.model import Command, Peer
from benchmarks.runner.peers.common import environ

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.runner.install import Tools
    from benchmarks.runner.model import Action, FileSet, Target
    from benchmarks.runner.server import Server

_PLAN = "%syntax-version=1.0.0\n%project=bench\n\n"
_CHANGE = "{name} 2026-01-01T00:00:00Z Bench <bench@example.org> # {name}\n"
_ACTIONS = {"migrate": "deploy", "status": "status"}


def peer(server: Server, _tools: Tools) -> Peer:
    """Return sqitch, with the server's own psql, which does its work."""
    sqitch, psql = program("sqitch"), server.programs / "psql"

    def commands(action: Action, targets: Sequence[Target], _work: Path) -> list[Command]:
        return [Command(sqitch, _arguments(action, target, psql), _environ()) for target in targets]

    version = output(sqitch, "--version").split()[-1]
    return Peer("sqitch", version, _write, commands, "select count(*) from sqitch.changes")


def _arguments(action: Action, target: Target, psql: Path) -> tuple[str, ...]:
    url = target.url.replace("postgresql:", "db:pg:")
    return ("--chdir", str(target.folder), _ACTIONS[action], "--client", str(psql), "--target", url)


def _environ() -> dict[str, str]:
    return environ(SQITCH_FULLNAME="Bench", SQITCH_EMAIL="bench@example.org")


def _write(files: FileSet, folder: Path) -> None:
    (folder / "deploy").mkdir()
    (folder / "sqitch.conf").write_text("[core]\n    engine = pg\n")
    with (folder / "sqitch.plan").open("w") as plan:
        plan.write(_PLAN)
        for number, path in enumerate(files.files):
            name = f"c{number:05}_{path.stem.partition('_')[2]}"
            plan.write(_CHANGE.format(name=name))
            (folder / "deploy" / f"{name}.sql").write_text(f"begin;\n{path.read_text()}\ncommit;\n")
