"""Run files the way a person would, look at the database from outside, and start odd servers.

By convention file NNN of these tests makes table public.tNNN, so that ledger and objects can be compared
at a glance: a table without its row, or a row without its table, is the fault all of them look for.
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from click.testing import CliRunner
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests import servers
from tests.project import make
from tests.servers import NEWEST, Server
from tests.sql import psql as dba

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from tests.project import Project

FIRST = {"000_first.sql": "create table public.t000 (id int);\n"}
psql = dba.psql
_numbers = count(1)


def project(root: Path, *texts: str | bytes) -> Project:
    """Write a project whose first file is sound and whose further files are ``texts``."""
    app = make(root, app=FIRST)
    for number, text in enumerate(texts, start=1):
        content = text.encode() if isinstance(text, str) else text
        (app.root / "app" / f"{number:03}_next.sql").write_bytes(content)
    return app


def run(app: Project, command: str, url: str, *options: str, **environ: str) -> Result:
    """Run a command of the real command line on the only series."""
    return app.run(CliRunner(), command, *options, **{"APP_URL": url, **environ})


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, seen by a session of its own."""
    with psycopg.connect(url, autocommit=True, client_encoding="utf8") as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def name(url: str) -> str:
    """Return the name of the database."""
    return str(conninfo_to_dict(url)["dbname"])


def tables(url: str) -> list[str]:
    """Return the tables of schema public, without their first letter, and without the ledger."""
    rows = query(
        url,
        "select substring(relname, 2) from pg_class where relkind = 'r' and relname <> 'schema_migrations'"
        " and relnamespace = 'public'::regnamespace and relpersistence = 'p'",
    )
    return sorted(str(name) for (name,) in rows)


def recorded(url: str) -> list[str]:
    """Return the recorded versions; none if there is no ledger."""
    if query(url, "select to_regclass('public.schema_migrations') is null") == [(True,)]:
        return []
    return [
        str(version) for (version,) in query(url, "select version from public.schema_migrations order by 1")
    ]


def check(url: str, *versions: str) -> None:
    """Assert that exactly these files have their table, and their row."""
    assert (tables(url), recorded(url)) == (list(versions), list(versions))


def text(url: str, version: str = "001") -> str:
    """Return the SQL text the ledger holds of a version."""
    found = dict(query(url, "select version, sql from public.schema_migrations"))
    return str(found[version])


def wait(url: str, condition: str) -> None:
    """Wait until a runner's session is in the state described, at most twenty seconds."""
    look = "select 1 from pg_stat_activity where application_name like 'runner:%' and " + condition  # noqa: S608 - written in a test
    deadline = time.monotonic() + 20
    while not query(url, look):
        assert time.monotonic() < deadline, f"no runner came to {condition}"
        time.sleep(0.02)


def emptied(url: str) -> str:
    """Empty a database: many tests in one take a tenth of the time that a database for each of them takes."""
    query(
        f"{url}&options=-cdefault_transaction_read_only%3Doff",
        "drop schema public cascade; create schema public authorization pg_database_owner;"
        "grant usage on schema public to public;"
        f" alter database {name(url)} reset all",
    )
    return url


@contextmanager
def database(server: Server, options: str = "") -> Iterator[str]:
    """Create an empty database, with ``options`` of `create database`, for the length of the block."""
    database = f"faults_{next(_numbers)}"
    admin, quoted = server.url("postgres"), sql.Identifier(database).as_string()
    query(admin, f"create database {quoted} template template0 {options}")
    try:
        yield server.url(database)
    finally:
        query(admin, f"drop database {quoted} with (force)")


@contextmanager
def started(
    version: int = NEWEST,
    *options: str,
    copy_of: Server | None = None,
    restored: bool = False,
    **environ: str,
) -> Iterator[Server]:
    """Run a server with these settings, new or a hot standby of ``copy_of``, until the end of the block.

    ``restored`` says that the copy is no standby, but restored from its backup.
    """
    folder = servers.new_folder(version)
    data = str(folder / "data")
    if copy_of:
        source = ("-h", copy_of.host, "-U", copy_of.user)
        servers._run(version, "pg_basebackup", "-R", "-c", "fast", "--no-sync", *source, "-D", data)
        if restored:
            (folder / "data" / "standby.signal").rename(folder / "data" / "recovery.signal")
    else:
        servers.make(version, folder)
    settings = " ".join(f"-c {option}" for option in ("fsync=off", *options))
    control = ("pg_ctl", "-w", "-D", data)
    start = ("-l", str(folder / "log"), "-o", f"-h '' -k {folder} {settings}", "start")
    servers._run(version, *control, *start, environ=environ)
    try:
        yield Server(version, str(folder))
    finally:
        servers._run(version, *control, "-m", "immediate", "stop")
        shutil.rmtree(folder)
