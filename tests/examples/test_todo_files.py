"""The files of examples/todo: their configuration, and a README that is true.

Their conventions are those of sql/, and tried with them in tests/sql/test_files.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import TYPE_CHECKING

import pytest

from tests.examples import CONTRACT, FILES, README, ROLLBACKS, TODO, blocks
from tests.project import ROOT
from tests.sql import contract
from tests.sql.psql import rollback
from tests.sql.test_contract import CREATED

if TYPE_CHECKING:
    from tests.servers import Server

# What the README tells the reader to write into the new rollback.
UNDO = "alter table public.tasks drop column due_on;"


def test_each_file_makes_what_its_group_lists_and_has_its_rollback() -> None:
    """The files are those of the contract, each with its tables, and undone by one of the same name."""
    groups = contract.load(CONTRACT)["groups"]
    tables = contract.load(CONTRACT)["tables"]
    made = {file.stem: set(CREATED.findall(file.read_text(encoding="utf-8"))) for file in FILES}
    assert made == {
        name: {table for table, facts in tables.items() if facts["group"] == group}
        for group, name in groups.items()
    }
    assert [rollback(file) for file in FILES] == ROLLBACKS


def test_the_configuration_is_all_such_a_project_needs() -> None:
    """Folder, database and variable of one series, and nothing else."""
    assert tomllib.loads(TODO.file.read_text(encoding="utf-8")) == {
        "tool": {"runner": {"databases": {"todo": {"sql": "sql", "database": "todo", "url": "DATABASE_URL"}}}}
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the example into a folder of its own, with the commands that an installation would give."""
    copytree(TODO.root, tmp_path / "examples" / "todo", ignore=ignore_patterns(".*"))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, call in (("python", '"$@"'), ("socrates-migrate", '-m runner "$@"')):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    return tmp_path


def shell(folder: Path, server: Server, url: str, *scripts: str) -> str:
    """Run commands of the README in a copy of the repository, as one shell would; return what they print."""
    path = f"{folder / 'bin'}:{Path(server.psql).parent}:{os.environ['PATH']}"
    script = "\n".join(scripts).replace("postgresql://me:secret@db.example.org/todo", f"'{url}'")
    done = subprocess.run(
        ["sh", "-euc", script],
        check=False,
        cwd=folder,
        env={"PATH": path, "PYTHONPATH": str(ROOT), "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_of_the_readme_work(checkout: Path, server: Server, url: str) -> None:
    """Typed one after the other they migrate, roll back, rebuild, and apply a file of one's own."""
    *first, last = blocks("sh")
    said = shell(checkout, server, url, *first)
    found = re.findall(r"(?:\d|nothing) applied, todo is at \w+", said)
    end = "todo is at 003_add_messages_table"
    assert found == [f"4 applied, {end}", f"nothing applied, {end}", f"1 applied, {end}"]
    [undo] = re.findall(r"^psql .*$", "".join(first), re.MULTILINE)
    assert undo in said.splitlines(), "rollback prints the line that the README shows"

    new = checkout / "examples" / "todo" / "sql" / "004_task_due_dates.sql"
    [change] = [block for block in blocks("sql") if block.startswith("alter")]
    new.write_text(new.read_text(encoding="utf-8") + change, encoding="utf-8")
    template = rollback(new).read_text(encoding="utf-8")
    written, times = re.subn(r"raise exception .* is not written yet';", UNDO, template)
    assert times == 1
    rollback(new).write_text(written, encoding="utf-8")
    said = shell(checkout, server, url, "cd examples/todo", last)
    assert "pending" in said
    assert "1 applied, todo is at 004_task_due_dates." in said
    assert not (new.parent.parent / ".postgres").exists()

    undo = undo.replace("003_add_messages_table", new.stem)
    shell(checkout, server, url, "cd examples/todo", undo, "socrates-migrate migrate --expect 1")


def test_the_readme_is_one_page_and_names_what_is_there() -> None:
    """It fits on a page, and its files, undo and queries are those of the example."""
    assert len(README.splitlines()) < 100
    named = set(re.findall(r"`(sql/\d\w+\.sql)`", README)) - {"sql/004_task_due_dates.sql"}
    assert named == {f"sql/{file.name}" for file in FILES}
    assert UNDO in README
