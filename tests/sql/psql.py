"""Run files as a DBA does: with the server's own psql, each in one transaction."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server


def forward(series: str) -> list[Path]:
    """Return the files of a series in order."""
    return sorted((ROOT / "sql" / series).glob("*.sql"))


def rollback(file: Path) -> Path:
    """Return the file that undoes another one."""
    return file.parent / "rollback" / file.name


def psql(server: Server, url: str, *files: Path) -> subprocess.CompletedProcess[str]:
    """Run files with one psql, in one transaction; return what became of it."""
    command = [server.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1"]
    for file in files:
        command += ["-f", str(file)]
    return subprocess.run([*command, url], check=False, capture_output=True, text=True, timeout=60)


def run(server: Server, url: str, *files: Path) -> str:
    """Run files that must succeed; return the notices and warnings."""
    done = psql(server, url, *files)
    assert done.returncode == 0, done.stderr
    return done.stderr
