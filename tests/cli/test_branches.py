"""Merged branches and repaired ledgers: what is told, done as told, leads back to where all agrees."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner.files import template
from tests.project import ROOT, Project, make

if TYPE_CHECKING:
    from pathlib import Path


def _write(app: Project, label: str) -> None:
    """Write a file that makes a table and its rollback, as `new` lays it out."""
    version, _, name = label.partition("_")
    facts = {"series": "app", "version": version, "name": name, "folder": "app", "variable": "APP_URL"}
    undo = template.ROLLBACK.format_map(facts)
    unwritten = f"raise exception 'rollback/{label}.sql is not written yet'"
    app.write("app", {f"{label}.sql": f"create table if not exists public.{name} (id int);\n"})
    app.write("app/rollback", {f"{label}.sql": undo.replace(unwritten, f"drop table public.{name}")})


def _project(root: Path, *labels: str) -> Project:
    app = make(root, app={})
    (root / "app" / "rollback").mkdir()
    for label in labels:
        _write(app, label)
    return app


def _move(app: Project, old: str, new: str) -> None:
    """Give a file and its rollback another number, in their names alone."""
    for folder in (app.root / "app", app.root / "app" / "rollback"):
        (folder / f"{old}.sql").rename(folder / f"{new}.sql")


def _run(app: Project, url: str, *arguments: str) -> tuple[int, str]:
    done = app.run(CliRunner(), *arguments, APP_URL=url)
    return done.exit_code, " ".join(f"{done.stdout} {done.stderr}".split())


def _roll_back(app: Project, url: str, to: str) -> None:
    """Run the lines that `rollback` prints, in a shell."""
    printed = app.run(CliRunner(), "rollback", "app", "--to", to, APP_URL=url)
    assert (printed.exit_code, printed.stderr) == (0, "")
    environ = {"PATH": os.environ["PATH"], "APP_URL": url}
    subprocess.run(["sh", "-ec", printed.stdout], cwd=ROOT, env=environ, check=True)


def _recorded(url: str) -> list[str]:
    with psycopg.connect(url) as db:
        rows = db.execute("select version || '_' || name from public.schema_migrations order by version")
        return [label for (label,) in rows]


@pytest.mark.parametrize("has_run", [True, False], ids=["what it makes is there", "it never ran"])
@pytest.mark.parametrize("late", ["000_t0", "001_t1"])
def test_a_lost_row_is_brought_back_as_told(
    tmp_path: Path, each_url: str, late: str, *, has_run: bool
) -> None:
    """There is no free number to give the file: all is recorded anew, after a comparison."""
    app = _project(tmp_path, "000_t0", "001_t1", "002_t2")
    app.migrate(each_url)
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("delete from public.schema_migrations where version = %s", [late[:3]])
        if not has_run:
            db.execute(f"drop table public.{late[4:]}".encode())
        code, told = _run(app, each_url, "migrate")
        assert (code, f"error FILE_LATE: app/{late}.sql is pending" in told) == (4, True), told
        [forget] = re.findall(r"delete from [^;]*;", told)
        [_, *adopt] = re.findall(r"`(baseline [^`]*)`", told)[0].split()
        if not has_run:  # "run the file with psql"
            db.execute((app.root / "app" / f"{late}.sql").read_bytes())
        db.execute(forget.encode())
    assert _run(app, each_url, "baseline", *adopt)[0] == 0
    assert _recorded(each_url) == ["000_t0", "001_t1", "002_t2"]
    assert [_run(app, each_url, *one)[0] for one in (["migrate"], ["verify", "--drift"])] == [0, 0]


@pytest.mark.usefixtures("psql_on_path")
def test_a_branch_that_was_applied_gets_out_of_the_way_as_told(tmp_path: Path, url: str) -> None:
    """A merge gave its number away: it is rolled back with the files of then, and applied anew."""
    mine = _project(tmp_path / "mine", "000_base", "001_mine", "002_more")
    mine.migrate(url)
    merged = _project(tmp_path / "merged", "000_base", "001_theirs", "002_mine", "003_more")
    code, told = _run(merged, url, "migrate")
    assert (code, "Another file holds this number: 001_mine was applied" in told) == (4, True), told
    assert "`rollback app` down to the last number that both branches have, and what it prints" in told
    _roll_back(mine, url, "000")
    assert _run(merged, url, "migrate")[0] == 0
    assert _recorded(url) == ["000_base", "001_theirs", "002_mine", "003_more"]
    assert _run(merged, url, "verify", "--drift")[0] == 0


@pytest.mark.usefixtures("psql_on_path")
def test_two_files_of_one_number_are_renumbered_as_told(tmp_path: Path, url: str) -> None:
    """In their names and inside, and those behind it: each step is told, and in the end all can be undone."""
    app = _project(tmp_path, "000_base", "001_theirs", "001_mine", "002_more")
    code, told = _run(app, url, "plan")
    assert (code, "VERSION_DUPLICATE: 001_mine.sql and 001_theirs.sql carry the same number" in told) == (
        4,
        True,
    )
    assert "the next free number behind the other branch, and what follows it in its own branch" in told
    for old, new in (("002_more", "003_more"), ("001_mine", "002_mine")):
        _move(app, old, new)
    assert "has the number inside, too: this_version" in told
    code, told = _run(app, url, "plan")
    assert _run(app, url, "migrate")[0] == 0
    for label, was in (("002_mine", "001"), ("003_more", "002")):
        wrong = f"the rollback file of app/{label}.sql undoes nothing: in it this_version is '{was}', not"
        assert (code, f"warning: {wrong} '{label[:3]}'. Correct it." in told) == (0, True), told
        assert wrong in _run(app, url, "rollback", "app", "--to", "000")[1]
    assert "app/001_theirs.sql undoes" not in told
    for label in ("002_mine", "003_more"):
        _write(app, label)
    _roll_back(app, url, "000")
    assert _recorded(url) == ["000_base"]


def test_a_rollback_that_kept_its_old_name_is_told_what_else_to_change(tmp_path: Path, url: str) -> None:
    """The name of the file is not all: its number stands inside, too."""
    app = _project(tmp_path, "000_base", "001_theirs")
    _write(app, "001_mine")
    (tmp_path / "app" / "001_mine.sql").rename(tmp_path / "app" / "002_mine.sql")
    code, told = _run(app, url, "migrate")
    assert (code, "app/rollback/001_mine.sql undoes no file of app: number 001 is" in told) == (4, True), told
    assert "Give it the name of its forward file. What `new` wrote has the number inside, too" in told
