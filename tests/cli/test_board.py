"""What a terminal shows while a fleet is migrated: one bar for all, a line per database at work."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from runner import apply
from runner.cli import common, log, standing, visits
from runner.cli.board import Board
from runner.cli.text import columns
from runner.door import Checked, Database
from runner.fleet import Ending, Visit
from runner.model import Migration
from runner.planning import State, Step
from tests.cli import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "with_a_rather_long_name_that_says_all_about_it"
FILES = tuple(
    Migration("app", version, name, f"app/{version}_{name}.sql", "select 1;", "sha256:0")
    for version, name in (("000", "one"), ("001", LONG), ("002", "three"))
)
NAMES = ("us-2", "eu-central-1-production-customer", "日本")
WAITS = apply.Activity(wants="ShareLock on public.a_table_with_quite_a_long_name")


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """Return a board on a terminal of 80 columns; all members were looked at, up to the second file."""
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    steps = tuple(Step("app", one.version, one.name, State.PENDING, one) for one in FILES)
    with Board(NAMES, to=1) as made:
        for name in NAMES:
            made.show(name, Checked((Database("app", "d", 18, name, "X", False, steps),)))
        yield made


def lines(board: Board) -> list[str]:
    """Return what stands below the bar."""
    assert board._bar
    return board._bar.below.split("\n  ")


def test_a_line_says_which_file_of_how_many(board: Board) -> None:
    """Only those at work have one; behind a member that is done it is gone."""
    for name in NAMES[:2]:
        board.show(name, apply.Started(FILES[0]))
    assert lines(board) == [
        "us-2                      0/2  000_one",
        "eu-central-1…on-customer  0/2  000_one",
    ]
    board.show("us-2", apply.Outcome(FILES[0], 1))
    board.show("us-2", apply.Started(FILES[1]))
    assert lines(board)[0] == "us-2                      1/2  001_with_a_rather_lo…t_says_all_about_it"
    board.leave(Visit("us-2", Ending.DONE))
    assert lines(board) == ["eu-central-1…on-customer  0/2  000_one"]


def test_what_a_file_waits_for_fits_beside_it(board: Board) -> None:
    """In the 80 columns, whatever the letters; the next file has nothing of it."""
    for name in NAMES:
        board.show(name, apply.Started(FILES[1]))
        board.show(name, apply.Working(FILES[1], 61.0, WAITS))
    assert [columns(line) for line in lines(board)] == [78] * 3
    assert lines(board)[2].startswith(
        "日本                      0/2  001_with_a_r…ll_about_it  for 61 s: waits for "
    )
    board.show("日本", apply.Started(FILES[2]))
    assert lines(board)[2] == "日本                      0/2  002_three"


def test_the_bar_counts_who_was_looked_at_and_then_who_is_done(board: Board) -> None:
    """It begins anew when the first file does, and once only; who was never begun with does not count."""
    assert told(board) == ("looking", 3, 3)
    board.show("us-2", apply.Started(FILES[0]))
    assert told(board) == ("migrating", 0, 3)
    board.leave(Visit("us-2", Ending.DONE))
    board.show("日本", apply.Started(FILES[0]))
    assert told(board) == ("migrating", 1, 3)
    board.leave(Visit(NAMES[1], Ending.NOT_STARTED))
    assert told(board) == ("migrating", 1, 3)


def told(board: Board) -> tuple[str, float, float | None]:
    """Return what the bar says, and how far it is of how much."""
    assert board._bar
    [task] = board._bar.tasks
    return task.description, task.completed, task.total


def test_where_a_bar_counts_nobody_has_a_line_of_its_own(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table at the end says it; in a pipe each line does."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    board.leave(Visit("us-2", Ending.DONE))
    assert shown.getvalue() == ""


def test_where_nothing_is_drawn_a_member_tells_what_it_does_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not with every event, of which there is one a second."""
    with Board(NAMES) as board:
        board.show("us-2", apply.Working(FILES[1], 1.0, WAITS))
        assert capsys.readouterr().err == ""
        board.show("us-2", apply.Working(FILES[1], 61.0, WAITS))
        assert capsys.readouterr().err.startswith("us-2: app/001_with_a_rather")


def test_a_log_tells_what_a_member_does_also_where_it_is_drawn(
    board: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stdout may be a terminal while a collector reads stderr."""
    log.choose(log.JSON)
    try:
        board.show("us-2", apply.Working(FILES[1], 61.0, WAITS))
        [line] = map(json.loads, capsys.readouterr().err.splitlines())
    finally:
        log.choose(None)
    assert (line["event"], line["member"], line["seconds"]) == ("working", "us-2", 61.0)


def test_a_document_has_no_bar_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a terminal it stands there alone."""
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(common, "wants_document", lambda: True)
    with Board(NAMES) as board:
        board.leave(Visit("us-2", Ending.DONE))
    assert sys.stdout.getvalue() == ""  # type: ignore[union-attr] # the one above


def test_a_member_has_one_line_whatever_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """An end of a line in it could forge another member, or an error."""
    with Board(NAMES) as board:
        board.leave(Visit("us\nerror FAKE: x", Ending.DONE))
    visits.show_groups([Visit("us\nerror FAKE: x", Ending.NOT_STARTED)], standing.result)
    assert capsys.readouterr().out.splitlines() == [
        r"  us\nerror FAKE: x  nothing applied  (0.00 s)",
        r"  1 not started: us\nerror FAKE: x",
    ]
