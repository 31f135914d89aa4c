"""Look at the password file before libpq does: of one that it ignores it tells stderr alone, or nobody."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any


def ignored(file: Path) -> str:
    """Return why libpq does not take a password file; nothing for one that it takes, or that is not there."""
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            return "" if file == Path() else "it is no plain file"
        if mode & (stat.S_IRWXG | stat.S_IRWXO) and sys.platform != "win32":
            return "others than its owner may use it"
        with file.open("rb"):
            return ""
    except PermissionError:
        return "this user may not read it"
    except OSError:
        return ""


def unheard(given: dict[str, Any]) -> dict[str, Any]:
    """Return options with which libpq does not write of a file that it ignores: behind a file nothing lies.

    Whoever needs it is told by the error of a login without a password.
    """
    if "service" in given or "PGSERVICE" in os.environ:  # it may name another one
        return given
    named = given.get("passfile") or os.environ.get("PGPASSFILE")
    try:
        file = Path(named) if named else Path.home() / ".pgpass"
    except RuntimeError:  # no home
        return given
    return given | {"passfile": f"{file}/"} if ignored(file) else given
