"""A database that was dumped and restored, upgraded or copied is the same, however it is printed now."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import runner
from runner import config, database
from tests.project import ROOT, Project, make
from tests.schema import exotic
from tests.servers import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

WAYS = ("plain", "custom", "schema and data", "template")

# What no dump holds: pg_dump writes a language without its handler when that is the server's own, and the
# data of a materialized view only together with its schema.
LOST = {"language plmine is missing", "materialized view app.mv2 has data missing, files say there"}


def program(server: Server, name: str, *arguments: str, text: bytes | None = None) -> bytes:
    """Run one of a server's programs; a restore goes on after an error, as pg_restore does by itself."""
    command = [str(PROGRAMS[server.version] / name), *arguments]
    return subprocess.run(command, input=text, capture_output=True, check=False).stdout


def restore(way: str, source: Server, name: str, target: Server) -> None:
    """Copy a database to a new one called ``copy``."""
    url, copy = source.url(name), target.url("copy")
    with database.connect(target.url("postgres"), source="x") as connection:
        template = f"{name} strategy file_copy" if way == "template" else "template0"
        database.run(connection, f"create database copy template {template}")
    match way:
        case "plain":
            program(target, "psql", "-X", copy, text=program(target, "pg_dump", url))
        case "custom":
            program(target, "pg_restore", "-d", copy, text=program(target, "pg_dump", "-Fc", url))
        case "schema and data":
            for part in ("--schema-only", "--data-only"):
                program(target, "psql", "-X", copy, text=program(target, "pg_dump", part, url))


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Return the newest server; the copy there is dropped at the end."""
    server: Server = request.getfixturevalue("server")
    yield server
    with database.connect(server.url("postgres"), source="x") as connection:
        database.run(connection, "drop database if exists copy with (force)")


@pytest.fixture(scope="module")
def made() -> Iterator[exotic.Made]:
    """Keep what files make: the copies are alike."""
    with ExitStack() as stack:
        yield exotic.Made(stack)


@pytest.fixture(scope="module")
def live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, str, Project]]:
    """Return a server, oldest or newest, its database with one object of every kind, and the files."""
    server = request.getfixturevalue(f"server_{request.param}")
    folders = ("common", "pg18") if request.param == 18 else ("common",)
    root: Path = tmp_path_factory.mktemp("exotic")
    name = f"from_{request.param}"
    with exotic.migrated(server, name, root, *folders) as project:
        yield server, name, project


@pytest.mark.parametrize(
    ("live", "way"),
    [(version, way) for version in (15, 18) for way in WAYS if (version, way) != (15, "template")],
    indirect=["live"],
)
def test_one_object_of_every_kind_survives_a_copy(
    live: tuple[Server, str, Project], target: Server, made: exotic.Made, way: str
) -> None:
    """From 18 to 18 and from 15 to 18, which words every view and many expressions in its own way."""
    server, name, project = live
    exotic.prepare(target)
    restore(way, server, name, target)
    assert set(exotic.compared(target, "copy", project, made=made)) <= LOST


PROJECTS = {"auth": ROOT, "specs": ROOT, "todo": ROOT / "examples" / "todo"}


@contextmanager
def migrated(server: Server, series: str) -> Iterator[str]:
    """Make a database of a real series; it is called as the series is, and dropped at the end."""
    with database.connect(server.url("postgres"), source="x") as connection:
        database.run(connection, f"create database {series}")
    try:
        runner.migrate(series, url=server.url(series), config=PROJECTS[series] / config.FILE)
        yield series
    finally:
        with database.connect(server.url("postgres"), source="x") as connection:
            database.run(connection, f"drop database {series} with (force)")


@pytest.mark.parametrize("series", PROJECTS)
@pytest.mark.parametrize("way", ["custom", "schema and data"])
def test_a_real_schema_survives_a_move_to_a_newer_server(
    target: Server, server_15: Server, made: exotic.Made, series: str, way: str
) -> None:
    """Its checks are lists of words, which a restore words otherwise."""
    with migrated(server_15, series) as name:
        restore(way, server_15, name, target)
    assert exotic.compared(target, "copy", Project(PROJECTS[series]), series, made=made) == []


INHERITED = """
create table public.p (a int not null);
create table public.c (a int not null);
alter table public.c inherit public.p;
create table public.d () inherits (public.p);
alter table public.p rename a to b;
"""


def test_a_not_null_named_by_its_parent_is_the_same(
    tmp_path: Path, server_15: Server, target: Server
) -> None:
    """A dump of an older server makes them by another way, and so by other names."""
    app = make(tmp_path, app={"000_p.sql": INHERITED})
    with database.connect(server_15.url("postgres"), source="x") as connection:
        database.run(connection, "create database inherited template template0")
        try:
            app.migrate(server_15.url("inherited"))
            restore("plain", server_15, "inherited", target)
        finally:
            database.run(connection, "drop database inherited with (force)")
    said = app.run(CliRunner(), "verify", "--drift", APP_URL=target.url("copy"))
    assert said.exit_code == 0, said.output
