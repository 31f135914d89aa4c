"""What the screens look like at 60, 80 and 140 columns, held letter by letter to the files in screens/.

SCREENS=write writes the files anew, for somebody to look at the difference.
"""

from __future__ import annotations

import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest

from runner.apply.event import Notice, Noticed, Outcome, Retrying, Started, Waiting
from runner.cli import cli, databases, report, screen, table, verdict
from runner.cli.text import columns
from runner.door import Checked, Database
from runner.errors import ChecksumMismatch, FileMissing, LockTimeout, SqlFailed
from runner.files import explain, locate
from runner.model import Applied, Migration
from runner.planning import State, Step
from runner.schema import Finding, Proof
from tests.cli import Terminal, beside, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCREENS = Path(__file__).parent / "screens"
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
LONG = "add_the_project_tags_columns"  # 28 letters
LONGER = "record_who_invited_whom_into_which_team_and_when_that_expires"  # 61
SQL = f"""-- About tags.

create table public.tags (id int);
alter table public.tags add column {LONG} text not null default 'x', add column nope nosuchtype, \
add constraint ck_tags_length check (length(tag) between 1 and 100);
select 1;
"""
BLOCKED = (
    "blocked by pid 4711: user app, application web, client 10.0.0.7, active for 00:03:12, query: update "
    "tags set tag = 1 -- to end it: select pg_terminate_backend(4711);"
)


def _file(series: str, version: str, name: str, sql: str = SQL) -> Migration:
    return Migration(
        series, version, name, f"sql/{series}/{version}_{name}.sql", sql, "sha256:0", rollback="x"
    )


def _step(series: str, version: str, name: str, state: State, ms: int | None = None, **facts: object) -> Step:
    row = None if ms is None else Applied(series, version, name, "sha256:0", WHEN, "deploy_of_app", ms)
    return Step(series, version, name, state, _file(series, version, name), row, **facts)  # type: ignore[arg-type] # a test's


EDITED = ChecksumMismatch(
    "sql/auth/002_x.sql was edited after it was applied on 2026-01-02.",
    remedy="Restore the file as it was, and put the change into a new one.",
)
GONE = FileMissing(
    "auth 004_gone is recorded as applied, but its file is not in the folder.",
    remedy="Restore the file; if this checkout is older than the database, use a newer one.",
)


def _database(series: str, *steps: Step) -> Database:
    return Database(series, f"socrates_{series}", 18, "X", "X", True, steps)


AUTH = _database(
    "auth",
    _step("auth", "000", "users", State.APPLIED, 12),
    _step("auth", "001", LONG, State.APPLIED, 734_500),
    _step("auth", "002", "x", State.EDITED, 0, problem=EDITED),
    _step("auth", "003", LONG, State.PENDING),
    _step("auth", "004", "gone", State.MISSING, 3, problem=GONE),
)
SPECS = _database(
    "specs",
    _step("specs", "000", "core", State.APPLIED, 1),
    _step("specs", "001", LONGER, State.APPLIED, 12_000),
    _step("specs", "002", "vector", State.SKIPPED, needs=("vector",), why="this server does not offer it"),
    _step("specs", "003", LONGER, State.PENDING),
)
FRESH = _database(
    "auth",
    _step("auth", "000", "users", State.PENDING),
    _step("auth", "001", LONG, State.PENDING),
    _step("auth", "002", "roles", State.PENDING),
    _step("auth", "003", LONGER, State.PENDING),
)


def status() -> None:
    """Show two series: long names, every column, what is wrong, and the sums."""
    table.show_all([AUTH, SPECS])


def plan() -> None:
    """Show what would be applied."""
    databases.show_plan([FRESH, SPECS._replace(steps=SPECS.steps[:2])])


def failure() -> None:
    """Show a run of two series whose third file fails."""
    files = [step.file for step in FRESH.steps]
    drawn = screen.Screen(None, None)
    drawn.show(Checked((FRESH, SPECS)))
    for event in (
        *(Started(files[0]), Outcome(files[0], 12), Started(files[1]), Outcome(files[1], 734_500)),
        *(Started(files[2]), Outcome(files[2], None), Started(files[3])),
    ):
        drawn.show(event)
    place = locate(SQL, SQL.index("nosuchtype"), path=files[3].path)
    problem = SqlFailed(
        f'{files[3].path} failed: type "nosuchtype" does not exist (SQLSTATE 42704)',
        sqlstate="42704",
        place=place,
        remedy="It was rolled back, nothing of it remains. Correct the cause and run again.",
        notes=("HINT: Perhaps you meant another one.",),
    )
    drawn.fail(problem)
    drawn.leave_all()
    report.error(problem)


def waiting() -> None:
    """Show a run that waits, is told something, and tries again, and goes through."""
    file = FRESH.steps[0].file
    reason = LockTimeout(f"{file.path} waited too long for a lock. It was rolled back.", notes=(BLOCKED,))
    drawn = screen.Screen(None, None)
    drawn.show(Checked((_database("auth", *FRESH.steps[:1]),)))
    for event in (
        Started(file),
        Waiting(file, ("pid 12, application runner:auth, since 3 s",)),
        Retrying(file, reason, 4.0),
        Noticed(file, (Notice("WARNING", "nobody reads this", place=locate(SQL, 20, path=file.path)),)),
        Outcome(file, 9_999),
    ):
        drawn.show(event)
    drawn.leave_all()


def edited() -> None:
    """Show the difference of an edited file, and a second problem with its remedy."""
    problem = ChecksumMismatch(EDITED.message, remedy=EDITED.remedy)
    problem.notes = explain(SQL, SQL.replace("nosuchtype", "text").replace("-- About", "-- Of"))
    problem.notes += (f"FILE_MISSING: {GONE.message} {GONE.remedy}",)
    report.error(problem)


def verified() -> None:
    """Show a database with which nothing is wrong."""
    databases._show_problems(SPECS)


def proven() -> None:
    """Show what a proof found of one file."""
    text = f"column public.tags.{LONG} has another default, 'y'::text, than before"
    finding = Finding("rollback", "x", text, ("-default 'x'::text", f"+default '{LONG}'::text"))
    verdict.show(Proof(FRESH.steps[3].file, findings=(finding,), notes=("2 rows of public.tags changed",)))
    verdict.summarize("auth", [Proof(FRESH.steps[0].file)])


SCENES: dict[str, Callable[[], None]] = {
    scene.__name__: scene for scene in (status, plan, failure, waiting, edited, verified, proven)
}


class Shape(NamedTuple):
    """A terminal's columns, and whether it has colours."""

    columns: int
    is_coloured: bool = False


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Show times as they are in Greenwich; a process asks but once where it is, unless it is told to."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


SHAPES = (Shape(60), Shape(80), Shape(140), Shape(80, is_coloured=True))


def _drawn(scene: str, shape: Shape, monkeypatch: pytest.MonkeyPatch) -> str:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", beside(stream))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(shape.columns))
    with click.Context(cli).scope():
        SCENES[scene]()
    text = settled(stream.getvalue())
    return text.replace("\x1b", "\\e") if shape.is_coloured else re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.columns}{'c' * shape.is_coloured}")
@pytest.mark.parametrize("scene", SCENES)
def test_a_screen_looks_as_it_did(scene: str, shape: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes a screen sees the change in the file beside the code's."""
    drawn = _drawn(scene, shape, monkeypatch)
    file = SCREENS / f"{scene}_{shape.columns}{'_colour' * shape.is_coloured}.txt"
    if os.environ.get("SCREENS") == "write":
        file.write_text(drawn, encoding="utf-8")
    assert drawn == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("scene", SCENES)
def test_no_line_is_wider_than_the_terminal(scene: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cell is wrapped; a path that somebody may copy is the one thing that stays whole in a sentence."""
    for line in _drawn(scene, Shape(width), monkeypatch).splitlines():
        assert columns(line) <= width or max(line.split(), key=len).startswith("sql/"), line
