"""A server that pg_upgrade has brought to the newest version holds what its files make."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import runner
from runner import config, database
from tests import servers
from tests.project import Project
from tests.schema import exotic
from tests.schema.test_restored import PROJECTS
from tests.servers import NEWEST, OLDEST, PROGRAMS, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

run = servers._run


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """Make the files of two servers that are not started, without checksums, as they are on the oldest."""
    found = (servers.new_folder(OLDEST), servers.new_folder(NEWEST))
    old, new = found
    servers.make(OLDEST, old)
    options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "-D", str(new / "data")]
    run(NEWEST, "initdb", *options, "--no-data-checksums")
    yield found
    for folder in found:
        shutil.rmtree(folder)


@contextmanager
def started(version: int, folder: Path) -> Iterator[Server]:
    """Run the server of a folder until the end of the block, and shut it down in order."""
    data, log = str(folder / "data"), str(folder / "log")
    run(version, "pg_ctl", "-w", "-D", data, "-l", log, "-o", f"-h '' -k {folder} -c fsync=off", "start")
    try:
        yield Server(version, str(folder))
    finally:
        run(version, "pg_ctl", "-w", "-D", data, "-m", "fast", "stop")


def upgrade(old: Path, new: Path) -> None:
    """Bring what one folder holds into another."""
    old_programs, new_programs = PROGRAMS[OLDEST], PROGRAMS[NEWEST]
    arguments = ["-b", old_programs, "-B", new_programs, "-d", old / "data", "-D", new / "data"]
    run(NEWEST, "pg_upgrade", *map(str, arguments), "-U", "postgres", "-s", str(new), folder=new)


@pytest.mark.skipif(
    not all((PROGRAMS[version] / "pg_upgrade").is_file() for version in (OLDEST, NEWEST)),
    reason="pg_upgrade is not installed",
)
def test_an_upgraded_server_holds_what_its_files_make(folders: tuple[Path, Path]) -> None:
    """It makes every object anew, from what the older version has printed."""
    old, new = folders
    with started(OLDEST, old) as server:
        for series, root in PROJECTS.items():
            with database.connect(server.url("postgres"), source="x") as connection:
                database.run(connection, f"create database {series}")
            runner.migrate(series, url=server.url(series), config=root / config.FILE)
    upgrade(old, new)
    with started(NEWEST, new) as server:
        found = {s: exotic.compared(server, s, Project(root), s) for s, root in PROJECTS.items()}
    assert found == {series: [] for series in PROJECTS}
