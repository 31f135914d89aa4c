"""Find PostgreSQL's psql and run files with it, as a DBA does."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from runner import database, embedded
from runner.errors import ProgramMissing

if TYPE_CHECKING:
    from pathlib import Path

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


def run_file(file: Path, url: str, *, source: str) -> str | None:
    """Run a file in one transaction; return the error that psql told, if it failed, else ``None``. Writes.

    The password, if there is one, goes through the environment. The embedded psql comes first here: that of
    Debian is a script that looks for the program, five times as slow.
    """
    environ, conninfo = database.environment(url, source=source)
    environ["PGOPTIONS"] = f"{environ.get('PGOPTIONS', '')} -c client_min_messages=error"
    program = _embedded() or psql_program()
    command = [program, *FLAGS, "-q", "-f", str(file), *([conninfo] if conninfo else [])]
    done = subprocess.run(  # noqa: S603 - psql, on a file of the project
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else done.stderr.strip()
