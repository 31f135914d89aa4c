"""Find PostgreSQL's psql and run files with it, as a DBA does; or tell that a session would do the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from runner import database, embedded, files
from runner.errors import FileRefused, ProgramMissing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What psql itself understands: a backslash, and a colon before a name, by itself or in quotes or braces.
_OWN = re.compile(r"""\\|(?<!:):["'{\w]""")

FLAGS = ("-X", "-v", "ON_ERROR_STOP=1", "-1")


def psql_program() -> str:
    """Return the path of psql: on PATH, else the embedded one. Raises ``ProgramMissing``."""
    if found := shutil.which("psql") or _embedded():
        return found
    raise ProgramMissing(
        "psql is not installed.", remedy="Install PostgreSQL's client programs, or the extra `embedded`."
    )


def _embedded() -> str | None:
    try:
        wheel = embedded.package()
    except ImportError:
        return None
    return str(wheel.utils.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION] / "psql")


def psql_call(program: str, arguments: Sequence[str], conninfo: str) -> list[str]:
    """Return psql and what it is called with: too old for a demand of the URL, it gets that alone to refuse.

    A newer one finds it in a variable, too, and would take a conninfo behind another database for a role.
    """
    demanded, rest = database.demands(conninfo)
    if demanded and not _knows(program, demanded):
        return [program, conninfo]
    return [program, *arguments, *([rest] if rest else [])]


def _knows(program: str, demanded: str) -> bool:
    """Ask psql itself: it may have a newer libpq than its own number says."""
    environ = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(  # noqa: S603 - psql, which connects nowhere
        [program, "-X", demanded],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return "invalid connection option" not in done.stderr


def run_file(file: Path, url: str, *, source: str) -> str | None:
    """Run a file in one transaction; return what psql told, if it failed, without passwords. Writes.

    The password, if there is one, goes through the environment. The embedded psql comes first here: that of
    Debian is a script that looks for the program, five times as slow.
    """
    environ, conninfo = database.environment(url, source=source)
    environ["PGOPTIONS"] = f"{environ.get('PGOPTIONS', '')} -c client_min_messages=error"
    program = _embedded() or psql_program()
    command = [program, *FLAGS, "-q", "-f", str(file), *([conninfo] if conninfo else [])]
    done = subprocess.run(  # noqa: S603 - psql, on a file of the project
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else files.masked(done.stderr.strip())


def plain(file: Path) -> str | None:
    """Return the text of a file that psql would send to the server as it is, in one transaction."""
    try:
        text = file.read_text(encoding="utf-8")
        files.check(text, path=file.name)
    except (UnicodeDecodeError, FileRefused):
        return None
    return None if _OWN.search(text) else text


def told(error: database.Error, text: str, file: Path) -> str:
    """Return an error as psql tells it: where, what, and what else the server said."""
    at = error.diag.statement_position
    line = f":{text.count(chr(10), 0, int(at) - 1) + 1}" if at else ""
    more = (("DETAIL", error.diag.message_detail), ("HINT", error.diag.message_hint))
    rest = "".join(f"\n{name}:  {said}" for name, said in more if said)
    return f"{file}{line}: ERROR:  {error.diag.message_primary}{files.masked(rest)}"


def lacks_right(said: str) -> bool:
    """Tell whether psql says that the role may not do what a file does; a scratch server speaks English."""
    return re.search(r"ERROR:  (?:permission denied|must be) ", said) is not None


def settings(server: Mapping[str, str]) -> dict[str, str]:
    """Return those facts of a server that decide how a new session begins."""
    return {name: value for name, value in server.items() if name.startswith("settings of ")}
