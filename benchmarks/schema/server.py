"""Run a PostgreSQL 18 of the benchmark's own, in a temporary folder, with everyday settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VERSION = 18
_USER = "pgserver"  # the wheel's own choice; PostgreSQL refuses to run as root
# Memory as on a small server, so that all is read from memory; durability and planner as they come.
SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "4GB", "autovacuum": "off"}


@contextmanager
def running(settings: Mapping[str, str] = SETTINGS) -> Iterator[str]:
    """Start a new, empty server; yield the URL of its database ``postgres``; stop and remove it at the end.

    Autovacuum is off, so that it does not run into a measurement; the benchmark vacuums by itself.
    """
    wheel = embedded.package().utils
    programs = wheel.POSTGRES_VERSIONS[VERSION]
    folder = Path(tempfile.mkdtemp(prefix="bench-schema-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        wheel.ensure_user_exists(_USER)
        wheel.ensure_prefix_permissions(programs)
        shutil.chown(folder, _USER)
        as_user["user"] = _USER
    options = " ".join([f"-h '' -k {folder}", *(f"-c {name}={value}" for name, value in settings.items())])
    data = str(folder / "data")
    try:
        _run([programs / "initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", data], as_user)
        log = str(folder / "log")
        _run([programs / "pg_ctl", "-w", "-D", data, "-l", log, "-o", options, "start"], as_user)
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _run([programs / "pg_ctl", "-w", "-D", data, "-m", "immediate", "stop"], as_user)
    finally:
        shutil.rmtree(folder)


def _run(command: list[object], as_user: dict[str, Any]) -> None:
    # A server inherits what it is started with: pipes would keep subprocess.run waiting for its end.
    subprocess.run(
        [str(word) for word in command],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        **as_user,
    )
