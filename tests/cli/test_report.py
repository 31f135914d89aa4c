"""What people see, on a terminal and in a pipe."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from runner.apply.event import Outcome, Started, Waiting
from runner.cli import common, document, excerpt, progress, report, table, verdict
from runner.cli.text import duration
from runner.errors import ChecksumMismatch, Place, SqlFailed
from runner.files.place import locate
from runner.model import Applied, Migration
from runner.planning import State, Step
from runner.schema import Comparison
from tests.cli import Terminal, beside

APPLIED = Applied("auth", "000", "users", "sha256:00", datetime(2026, 1, 2, tzinfo=UTC), "postgres", 12)
MIGRATION = Migration("auth", "001", "admin", "sql/auth/001_admin.sql", "select 1;", "sha256:11")
STEPS = (
    Step("auth", "000", "users", State.APPLIED, applied=APPLIED),
    Step("auth", "001", "admin", State.SKIPPED, migration=MIGRATION, needs=("vector",)),
)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stdout and stderr one terminal of 80 columns."""
    stream = Terminal()
    monkeypatch.setattr(report, "sys", SimpleNamespace(stdout=stream, stderr=beside(stream)))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return stream


@pytest.mark.usefixtures("terminal")
def test_what_is_drawn_follows_the_width_of_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar as wide as the window once was would break into several lines, ten times a second."""
    widths = [110]
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((widths[-1], 24)))
    drawn = report.console()
    found = [drawn.width]
    widths.append(50)
    found.append(drawn.width)
    widths.append(10)
    assert [*found, report.console().width] == [110, 50, 40]


def test_a_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns are aligned by blanks; nothing is coloured or cut."""
    table.show("auth: x", STEPS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["version", "name", "state", "applied", "at", "by", "time"]
    assert lines[2].split()[:3] == ["000", "users", "applied"]
    assert lines[3:] == ["  001      admin  skipped", "  skipped (needs vector)  sql/auth/001_admin.sql"]


def test_a_terminal_gets_a_table_in_colour(terminal: Terminal) -> None:
    """The state is coloured, and the table fits 80 columns."""
    table.show("auth: x", STEPS)
    shown = terminal.getvalue()
    assert "\x1b[32mapplied" in shown
    assert "skipped (needs vector)" in shown


def test_no_color_is_honoured(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set no colour is sent, only weight."""
    monkeypatch.setenv("NO_COLOR", "1")
    table.show("auth: x", STEPS)
    report.warning("look")
    assert "\x1b[3" not in terminal.getvalue()
    assert "applied" in terminal.getvalue()


@pytest.mark.parametrize(
    ("asked", "on_terminal", "coloured"),
    [
        (("auto", "", ""), True, True),  # --color, NO_COLOR, FORCE_COLOR
        (("auto", "", ""), False, False),
        (("auto", "1", ""), True, False),
        (("auto", "", "1"), False, True),
        (("auto", "1", "1"), False, False),
        (("auto", "", "0"), True, False),
        (("always", "1", "0"), False, True),
        (("never", "", "1"), True, False),
    ],
)
def test_who_decides_about_colours(
    monkeypatch: pytest.MonkeyPatch, asked: tuple[str, str, str], on_terminal: bool, coloured: bool
) -> None:
    """The option, else NO_COLOR, else FORCE_COLOR, else whether it is a terminal."""
    stream = Terminal() if on_terminal else io.StringIO()
    monkeypatch.setattr(report, "sys", SimpleNamespace(stdout=stream, stderr=beside(stream)))
    option, no_color, force_color = asked
    monkeypatch.setattr(report, "settings", report.Settings(color=option))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("FORCE_COLOR", force_color)
    table.show("auth: x", STEPS)
    report.warning("look")
    report.error(ChecksumMismatch("m", notes=("@@ -1 +1 @@", "-a", "+b")))
    assert ("\x1b[" in stream.getvalue()) == coloured
    assert ("\x1b[32m+b" in stream.getvalue()) == coloured


@pytest.mark.parametrize(
    ("ms", "said"), [(0, "0 ms"), (9_999, "9999 ms"), (10_000, "10.0 s"), (12_049, "12.0 s")]
)
def test_a_long_time_is_told_in_seconds(ms: int, said: str) -> None:
    """Nobody reads 734512 ms."""
    assert duration(ms) == said


def test_what_a_bundle_applied_has_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Its row says 0, because nobody took the time."""
    table.show("auth: x", [STEPS[0]._replace(applied=APPLIED._replace(execution_ms=0))])
    assert "ms" not in capsys.readouterr().out
    assert document.step(STEPS[0]._replace(applied=APPLIED._replace(execution_ms=0)))["execution_ms"] is None


def test_a_dumb_terminal_is_a_pipe(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """TERM=dumb means no control characters at all."""
    monkeypatch.setenv("TERM", "dumb")
    table.show("auth: x", STEPS)
    assert "\x1b" not in terminal.getvalue()


def test_progress_in_a_pipe_is_a_line_per_file(capsys: pytest.CaptureFixture[str]) -> None:
    """Started says nothing, the outcome says how long it took."""
    with progress.Progress([STEPS[1].file.path]) as drawn:
        drawn.show(Started(STEPS[1].file))
        assert capsys.readouterr().out == ""
        drawn.show(Waiting(STEPS[1].file, ("held by pid 7",)))
        drawn.show(Outcome(STEPS[1].file, 34))
        drawn.show(Outcome(STEPS[1].file, None))
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [
        ["applied", "sql/auth/001_admin.sql", "34", "ms"],
        ["found", "sql/auth/001_admin.sql", "by", "another", "runner"],
    ]
    assert err == "waiting for another runner: held by pid 7\n"


def test_a_server_may_keep_to_itself_who_holds_the_lock(capsys: pytest.CaptureFixture[str]) -> None:
    """The line says so, and does not end behind its colon."""
    with progress.Progress([STEPS[1].file.path]) as drawn:
        drawn.show(Waiting(STEPS[1].file, ()))
    assert capsys.readouterr().err == "waiting for another runner: the server does not say which\n"


def test_progress_on_a_terminal_is_a_bar_that_goes_away(terminal: Terminal) -> None:
    """The file at hand is shown beside a bar; afterwards only the lines stay."""
    with progress.Progress([STEPS[1].file.path]) as drawn:
        drawn.show(Started(STEPS[1].file))
        assert "0/1" in terminal.getvalue()
        drawn.show(Outcome(STEPS[1].file, 34))
    shown = terminal.getvalue()
    assert "sql/auth/001_admin.sql" in shown
    assert shown.rstrip().endswith("\x1b[2K"), "the bar is erased at the end"


def test_quiet_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json nothing but the document goes to stdout."""
    with progress.Progress([STEPS[1].file.path], quiet=True) as drawn:
        drawn.show(Started(STEPS[1].file))
        drawn.show(Outcome(STEPS[1].file, 34))
    assert capsys.readouterr() == ("", "")


def test_an_error_shows_its_place_and_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, sentence, place, the lines around with a caret, notes, remedy."""
    text = "select 1;\nselect 2;\n\tselect nope;\nselect 4;\n"
    place = locate(text, text.index("nope"), path="a/000_x.sql")
    report.error(
        SqlFailed("It failed.", sqlstate="42703", remedy="Mend it.", place=place, notes=("HINT: h",))
    )
    assert capsys.readouterr().err.splitlines() == [
        "error SQL_FAILED: It failed.",
        "  --> a/000_x.sql:3:9",
        "  1 | select 1;",
        "  2 | select 2;",
        "  3 |     select nope;",
        "    |            ^",
        "  4 | select 4;",
        "  HINT: h",
        "  Mend it.",
    ]


@pytest.mark.parametrize(
    ("before", "columns"),
    [
        *(("abc", 3), ("é", 1), ("漢字", 4), ("e\N{COMBINING ACUTE ACCENT}", 1), ("\t", 4), ("\x1b[2J", 7)),
        *(("ที่นี่", 2), ("हिन्दी", 5), ("\u2764\ufe0f", 1), ("\N{WOMAN}\u200d\N{PERSONAL COMPUTER}", 4)),
        *(("1\ufe0f\u20e3", 1), ("\N{HANGUL SYLLABLE GA}\u3099", 2)),
    ],
)
def test_the_caret_stands_under_its_character(before: str, columns: int) -> None:
    """Wide, combining, tab and control characters take the columns a terminal gives them."""
    place = locate(before + "X", len(before), path="f")
    text, caret = list(excerpt.lines(place))
    assert caret.index("^") - len("  1 | ") == columns
    assert "X" in text


def test_control_characters_are_shown_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """An escape sequence in a server message or a file name cannot move the cursor."""
    report.error(ChecksumMismatch("bad \x1b[2J name\x07", notes=("\x9b31m", "bidi \u202e")))
    shown = capsys.readouterr().err
    assert "\\x1b[2J name\\x07" in shown
    assert not any(not c.isprintable() and c != "\n" for c in shown)


def test_a_name_begins_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever names a role or a database may put the end of a line into it, and behind that an error."""
    name = "a\nerror FAKE: x"
    report.sentence(f"auth: {name} (PostgreSQL 18): all is well.", indent="")
    common.show_comparison(Comparison((), {}, "a private server"), name)
    report.note(f"waiting for another runner: held by pid 7, user {name}")
    report.warning(f"{name} is no name.")
    place = Place(f"{name}.sql", 1, 1)
    report.error(
        SqlFailed(f"No {name}.\n\n\tb", place=place, notes=(f"blocked by pid 7: {name}",), remedy=name)
    )
    out, err = capsys.readouterr()
    assert out == "auth: a\\nerror FAKE: x (PostgreSQL 18): all is well.\n"
    assert err.split("\n") == [
        r"  database a\nerror FAKE: x compared with what the files make on a private server",
        "waiting for another runner: held by pid 7, user a",
        "  error FAKE: x",
        "warning: a",
        "  error FAKE: x is no name.",
        "error SQL_FAILED: No a",
        "  error FAKE: x.",
        "",
        "  \tb",
        r"  --> a\nerror FAKE: x.sql:1:1",
        "  blocked by pid 7: a",
        "    error FAKE: x",
        "  a",
        "    error FAKE: x",
        "",
    ]


def test_what_a_server_said_in_lines_stays_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Behind the indent of the finding that it is."""
    verdict.say("      it ended there: FATAL: no more\n\tserver closed the connection")
    assert capsys.readouterr().out.split("\n") == [
        "      it ended there: FATAL: no more",
        "      \tserver closed the connection",
        "",
    ]


def test_a_document_holds_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    """It is the same document: JSON may escape any letter."""
    names = {"a\x9b31m": "bidi \u202e\x7f\x1b[2J\n", "é": "漢"}
    report.dump(names)
    shown = capsys.readouterr().out
    assert json.loads(shown) == names
    assert not any(not c.isprintable() and c != "\n" for c in shown)
    assert '"a\\u009b31m": "bidi \\u202e\\u007f\\u001b[2J\\n"' in shown
    assert '"é": "漢"' in shown


def test_a_blank_of_any_kind_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder is named as people write it; only what nobody sees is written out."""
    report.warning("日本\u3000語/a\xa0b/\U0001f469\u200d\U0001f4bb/c\u200bd\u2028e\x85")
    said = "warning: 日本\u3000語/a\xa0b/\U0001f469\u200d\U0001f4bb/c\\u200bd\\u2028e\\x85\n"
    assert capsys.readouterr().err == said


def test_markup_is_text(terminal: Terminal) -> None:
    """Brackets in names and messages mean nothing to rich."""
    report.warning("[/red] [bold]x[/bold] :smile:")
    assert "[/red] [bold]x[/bold] :smile:" in terminal.getvalue()


def test_the_document_has_every_fact_or_null() -> None:
    """A step that is not applied has the keys of one that is."""
    applied, skipped = (document.step(step) for step in STEPS)
    assert applied.keys() == skipped.keys()
    assert applied["applied_at"] == "2026-01-02T00:00:00+00:00"
    assert skipped["needs"] == ["vector"]
    assert skipped["applied_at"] is None
    assert json.loads(json.dumps(applied)) == applied


def test_an_error_in_the_document_has_name_code_and_place() -> None:
    """A program finds everything a person is shown."""
    place = Place("a.sql", 3, 9)
    problem = SqlFailed("m", sqlstate="42703", remedy="r", place=place, notes=("n",))
    assert document.error(problem) == {
        "name": "SQL_FAILED",
        "exit_code": 1,
        "message": "m",
        "remedy": "r",
        "sqlstate": "42703",
        "file": "a.sql",
        "line": 3,
        "column": 9,
        "notes": ["n"],
    }
    assert document.error(ChecksumMismatch("m"))["file"] is None
