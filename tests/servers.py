"""Start real PostgreSQL servers for the tests: 16 and 18 from the embedded wheel, 15 from an older one.

PostgreSQL refuses to run as root, so root runs it as another user, as the wheel itself does.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from runner import embedded
from tests import clusters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

wheel = embedded.package().utils
SYSTEM_15 = Path("/usr/lib/postgresql/15/bin")  # Debian's, which speaks other languages, too
_WHEEL_15 = Path(sys.prefix, "postgresql-15", "pgserver", "pginstall", "bin")  # by the Makefile
PROGRAMS: dict[int, Path] = {
    15: _WHEEL_15 if _WHEEL_15.is_dir() else SYSTEM_15,
    **wheel.POSTGRES_VERSIONS,
}
VERSIONS = sorted(PROGRAMS)
OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]
_USER = "pgserver"  # the wheel's own choice

# The wheel of 15 has no extension at all, so the tests give it two. Debian's has PostgreSQL's own.
_MADE = {"untrusted": "superuser = true", "dependent": "requires = 'untrusted'"}
_UNTRUSTED, _DEPENDENT = _MADE if PROGRAMS[15] == _WHEEL_15 else ("pageinspect", "earthdistance")
_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps files in memory
_PORTS = range(20000, 32768)
_ROOM = 4 * 2**30  # bytes that must be free there for the servers of all workers


@dataclass(frozen=True)
class Server:
    """A running server, with the attributes pytest-postgresql reads from a process fixture."""

    version: int
    host: str  # folder of its Unix socket
    port: int = 5432
    user: str = "postgres"
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str | None = None

    def url(self, database: str) -> str:
        """Return the URL of a database on this server."""
        return f"postgresql://postgres@/{database}?host={self.host}"

    @property
    def untrusted(self) -> str:
        """Return the name of an extension that only a superuser may create here."""
        return "vector" if self.version > OLDEST else _UNTRUSTED

    @property
    def dependent(self) -> str:
        """Return the name of one that needs another one, on the oldest server."""
        return _DEPENDENT

    @property
    def psql(self) -> str:
        """Return the path of the server's own psql."""
        return str(PROGRAMS[self.version] / "psql")


@contextmanager
def free_port() -> Iterator[int]:
    """Yield a TCP port that is nobody's until the end of the block, whatever else runs on this machine.

    Ports from 32768 on are given to whoever connects anywhere. That of UDP with the same number, which nobody
    else wants, is held meanwhile: another suite asks for it, too, and goes on to the next.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket(type=socket.SOCK_DGRAM) as mark, socket.socket() as found:
            try:
                mark.bind(("127.0.0.1", port))
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.close()
            yield port
            return
    raise OSError("every port is taken")


def is_installed(version: int) -> bool:
    """Tell whether this machine has the programs of a version."""
    return bool((PROGRAMS[version] / "initdb").is_file())


@contextmanager
def running(version: int, *, wal_level: str = "replica") -> Iterator[Server]:
    """Run a new, empty server until the end of the block; its files are removed.

    Durability is off: a test server that crashes is thrown away.
    """
    folder = new_folder(version)
    data = folder / "data"
    options = f"-h '' -k {folder} -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    options += f" -c max_wal_size=128MB -c shared_buffers=32MB -c wal_level={wal_level}"
    options += " -c dynamic_shared_memory_type=mmap"  # in the data folder: nothing stays of a killed server
    make(version, folder)
    if PROGRAMS[version] == _WHEEL_15:
        _make_extensions()
    _run(version, "pg_ctl", "-w", "-D", str(data), "-l", str(folder / "log"), "-o", options, "start")
    try:
        server = Server(version, str(folder))
        _warm(server)
        yield server
    finally:
        _run(version, "pg_ctl", "-w", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


def make(version: int, folder: Path) -> None:
    """Make the files of a server in a folder of ``new_folder``, as its ``data``."""
    user = _USER if os.geteuid() == 0 else None
    clusters.place(folder, partial(_initdb, version), programs=PROGRAMS[version], kind="open", user=user)


def _initdb(version: int, folder: Path) -> None:
    options = ("-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "-D", str(folder / "data"))
    _run(version, "initdb", *options)


def _warm(server: Server) -> None:
    """Let the template have its cache of the catalog: who connects to a copy need not make it first."""
    psycopg.connect(server.url("template1")).close()


def _make_extensions() -> None:
    folder = _WHEEL_15.parent / "share" / "postgresql" / "extension"
    for name, control in _MADE.items():
        (folder / f"{name}--1.sql").write_text(f"create function {name}() returns integer return 1;\n")
        (folder / f"{name}.control").write_text(f"default_version = '1'\nrelocatable = true\n{control}\n")


def memory() -> Path | None:
    """Return the folder whose files are kept in memory, if there is one with room."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if has_room else None


def new_folder(version: int) -> Path:
    """Make a folder that a server of this version may write to, in memory where there is room.

    Most tests make a database of their own, which takes a third of the time there.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"pg{version}-", dir=memory()))
    if os.geteuid() == 0:
        wheel.ensure_user_exists(_USER)
        wheel.ensure_prefix_permissions(PROGRAMS[version])
        shutil.chown(folder, _USER)
    return folder


def _run(
    version: int,
    program: str,
    *arguments: str,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    as_user: dict[str, Any] = {"user": _USER} if os.geteuid() == 0 else {}
    # A server inherits what it is started with: pipes would keep subprocess.run waiting for its end.
    subprocess.run(
        [PROGRAMS[version] / program, *arguments],
        check=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(environ or {})},
        **as_user,
    )
