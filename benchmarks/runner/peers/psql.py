r"""Plain psql: one process and one script, which connects and includes each file in a transaction.

Nothing is recorded, so psql cannot tell what is pending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.runner.install import output
from benchmarks.runner.model import Command, Peer
from benchmarks.runner.peers.common import environ
from benchmarks.runner.peers.floor import write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.runner.install import Tools
    from benchmarks.runner.model import Action, Target
    from benchmarks.runner.server import Server


def peer(server: Server, _tools: Tools) -> Peer:
    """Return the server's own psql."""
    program = server.programs / "psql"

    def commands(action: Action, targets: Sequence[Target], work: Path) -> list[Command] | None:
        if action == "status":
            return None
        script = work / "migrate.sql"
        script.write_text("".join(_script(target) for target in targets))
        arguments = ("-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), targets[0].url)
        return [Command(program, arguments, environ())]

    return Peer("psql", output(program, "--version").split()[-1], write, commands, None)


def _script(target: Target) -> str:
    files = [target.folder / path.name for path in target.files.files]
    return f"\\connect {target.url}\n" + "".join(f"begin;\n\\i {path}\ncommit;\n" for path in files)
