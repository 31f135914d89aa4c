"""Where a bar is drawn, and what is told meanwhile."""

from __future__ import annotations

import sys

import pytest

from runner.apply.event import Outcome, Started
from runner.cli import report
from runner.cli.progress import Progress
from runner.model import Migration
from tests.cli import Terminal, beside, settled

FILE = Migration("a", "001", "b", "a/001_b.sql", "select 1;", "sha256:11")
LONG = f"/srv/{'a_folder_with_a_long_name/' * 4}001-admin.sql"


def screen(monkeypatch: pytest.MonkeyPatch, *, columns: int, encoding: str | None = None) -> Terminal:
    """Make stdout and stderr one terminal, and return it."""
    stream: Terminal = type("Screen", (Terminal,), {"encoding": encoding})()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", beside(stream))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    return stream


@pytest.mark.parametrize(
    ("columns", "encoding", "is_drawn"),
    [
        (40, None, True),
        (39, None, False),
        (80, "utf-8", True),
        (80, "gb18030", True),
        (80, "latin-1", False),
        (80, "ascii", False),
    ],
)
def test_a_bar_is_drawn_where_it_takes_the_columns_it_thinks(
    monkeypatch: pytest.MonkeyPatch, columns: int, encoding: str | None, is_drawn: bool
) -> None:
    """One that is wider breaks into lines that nobody erases, ten times a second."""
    shown = screen(monkeypatch, columns=columns, encoding=encoding)
    with Progress([FILE.path]) as drawn:
        drawn.show(Started(FILE))
        drawn.show(Outcome(FILE, 34))
    assert ("\x1b[2K" in shown.getvalue()) == is_drawn
    assert settled(shown.getvalue()).split() == ["applied", FILE.path, "34", "ms"]


def test_a_path_stays_whole_while_a_bar_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever copies it off a warning gets it without an end of a line within."""
    shown = screen(monkeypatch, columns=60)
    with Progress([FILE.path]) as drawn:
        drawn.show(Started(FILE))
        report.warning(f"{LONG} is not named like a migration.")
    assert LONG in settled(shown.getvalue())
