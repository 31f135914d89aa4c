"""Run a PostgreSQL server of the benchmark's own, with its default durability, and ask it for facts."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from runner import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_USER = "pgserver"  # the wheel's own choice, for root, whom PostgreSQL refuses
_COMMITS = 200
_numbers = itertools.count()  # of databases
_LEDGERS = [
    "schema_migrations", "floor", "alembic_version", "pgmigrations",
    "_yoyo_log", "_yoyo_migration", "_yoyo_version", "yoyo_lock",
]  # fmt: skip
_TABLES = """
    select count(*) from pg_catalog.pg_tables where schemaname = 'public' and tablename <> all (%s)
"""
_GONE = "select count(*) = 0 from pg_catalog.pg_stat_activity where datname = any (%s)"
_ACTIVE = "select sum(active_time) / 1000 from pg_catalog.pg_stat_database where datname = any (%s)"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server on a port of this machine, and the folder of its programs."""

    port: int
    programs: Path

    def url(self, database: str, *, port: int | None = None) -> str:
        """Return the URL of a database, through another port if there is a proxy."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}?sslmode=disable"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the superuser, in autocommit mode."""
        return psycopg.connect(self.url(database), autocommit=True)


@contextmanager
def running() -> Iterator[Server]:
    """Run a new server until the end of the block; its files are removed. No setting is made faster.

    Autovacuum is off: it would visit the databases of earlier runs, hundreds of them, while one is timed.
    """
    wheel = embedded.package().utils
    programs = Path(wheel.POSTGRES_VERSIONS[max(wheel.POSTGRES_VERSIONS)])
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    if os.geteuid() == 0:
        wheel.ensure_user_exists(_USER)
        wheel.ensure_prefix_permissions(programs)
        shutil.chown(folder, _USER)
    data, port = folder / "data", free_port()
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c autovacuum=off"
    _run(programs / "initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", str(data))
    _run(programs / "pg_ctl", "-w", "-D", str(data), "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield Server(port, programs)
    finally:
        _run(programs / "pg_ctl", "-w", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


def free_port() -> int:
    """Return a TCP port that nobody uses at the moment, below those that are given to whoever connects."""
    for port in random.sample(range(10000, 20000), 10000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("every port is taken")


def _run(program: Path, *arguments: str) -> None:
    as_user: dict[str, Any] = {"user": _USER} if os.geteuid() == 0 else {}
    # The server inherits what it is started with: pipes would keep subprocess.run waiting for its end.
    subprocess.run(
        [program, *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        **as_user,
    )


def create(server: Server, number: int) -> list[str]:
    """Create databases with nothing in them, whatever template1 holds; return their names. Writes.

    Ends with a checkpoint: what the run before has left to write is not the next one's work. Nobody drops
    them: for minutes after a file was deleted ext4 does not give its inode away again, and looks at each such
    one whenever a file is made. Behind a few dropped databases a migration took up to twice as long.
    """
    names = [f"bench_{next(_numbers)}" for _ in range(number)]
    with server.connect() as connection:
        for name in names:
            connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        connection.execute("checkpoint")
    return names


def count(server: Server, database: str, recorded: str | None) -> tuple[int, int | None]:
    """Return how many tables a database has without those of the tools, and how many files are recorded."""
    with server.connect(database) as connection:
        [(tables,)] = connection.execute(_TABLES, (_LEDGERS,)).fetchall()
        if recorded is None:
            return tables, None
        [(files,)] = connection.execute(recorded.encode()).fetchall()
        return tables, files


def busy_seconds(server: Server, names: Sequence[str]) -> float:
    """Return how long the server has worked on statements in these databases since they were created.

    A session reports its time when it ends, so this waits until nobody is connected.
    """
    with server.connect() as connection:
        while not connection.execute(_GONE, (list(names),)).fetchall()[0][0]:
            time.sleep(0.01)
        [(seconds,)] = connection.execute(_ACTIVE, (list(names),)).fetchall()
        return float(seconds)


def commit_seconds(server: Server) -> float:
    """Return the median time of a transaction that writes one row: what the disk asks for a commit."""
    with server.connect() as connection:
        connection.execute("create table public.commits (id bigint)")
        times = []
        for number in range(_COMMITS):
            start = time.perf_counter()
            connection.execute("insert into public.commits values (%s)", (number,))
            times.append(time.perf_counter() - start)
        connection.execute("drop table public.commits")
        return median(times)


def version(server: Server) -> str:
    """Return the server's version."""
    with server.connect() as connection:
        return str(connection.info.parameter_status("server_version"))
