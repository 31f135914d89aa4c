"""What is said about a file that was edited after it was applied."""

from __future__ import annotations

import time

import pytest

from runner.files.difference import explain

HARMLESS = ("Only comments or empty lines differ.",)
TEXT = "-- Makes a.\ncreate table a (\n    id int,  -- the key\n    /* a\n b */ name text\n);\n"


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(TEXT.replace("Makes a", "Makes the table a"), id="line comment"),
        pytest.param(TEXT.replace("-- Makes a.\n", ""), id="line comment gone"),
        pytest.param(TEXT.replace("  -- the key", ""), id="comment behind code gone"),
        pytest.param(TEXT.replace("a\n b", "/* nested */\n\n"), id="block comment"),
        pytest.param(TEXT.replace(");", "\n\n);\n"), id="empty lines"),
        pytest.param("/* a /* b */ ; */\n" + TEXT, id="nested comment added"),
    ],
)
def test_comments_and_empty_lines_are_called_harmless(current: str) -> None:
    """A change that the server would not notice is named as one."""
    assert explain(TEXT, current) == HARMLESS


@pytest.mark.parametrize(
    ("applied", "current"),
    [
        pytest.param("select '-- a';", "select '-- b';", id="comment sign in a string"),
        pytest.param("select $$/* a */$$;", "select $$/* b */$$;", id="comment signs in a body"),
        pytest.param("select 'a\n\nb';", "select 'a\nb';", id="empty line in a string"),
        pytest.param("select $$\n\na$$;", "select $$\na$$;", id="empty line in a body"),
        pytest.param('select 1 as "a\n\nb";', 'select 1 as "a\nb";', id="empty line in a quoted name"),
        pytest.param("select 'a\u2028b';", "select 'a\nb';", id="line separator in a string"),
        pytest.param("select a/* */b;", "select ab;", id="comment that parts two words"),
        pytest.param("select 1;", "select 1; -- x\nselect 2;", id="code behind a comment"),
        pytest.param("/* a */ select 1;", "/* a select 1; */", id="code turned into a comment"),
    ],
)
def test_a_change_the_server_would_notice_is_never_called_harmless(applied: str, current: str) -> None:
    """Strings, bodies and the blank that a comment stands for are code."""
    assert explain(applied, current) != HARMLESS


def test_line_ends_within_a_string_are_no_change() -> None:
    """As for the checksum, a checkout may have changed them, and blanks before them."""
    assert explain("select 'a\nb'; -- x", "select 'a \r\nb'; -- y") == HARMLESS


def test_a_real_change_is_shown_as_a_diff() -> None:
    """The diff names its sides and shows the changed lines with two around them."""
    applied = "".join(f"select {i};\n" for i in range(9))
    assert explain(applied, applied.replace("4", "44")) == (
        "--- as applied",
        "+++ the file now",
        "@@ -3,5 +3,5 @@",
        " select 2;",
        " select 3;",
        "-select 4;",
        "+select 44;",
        " select 5;",
        " select 6;",
    )


def test_line_ends_do_not_fill_the_diff() -> None:
    """A file checked out with CRLF shows only the line that was edited."""
    lines = explain("select 1;\nselect 2;\n", "select 1;\r\nselect 3;\r\n")
    assert [line for line in lines[3:] if line[0] in "+-"] == ["-select 2;", "+select 3;"]


def test_a_long_diff_is_cut() -> None:
    """Forty lines are shown, and how many there are beyond."""
    applied = "".join(f"select {i};\n" for i in range(100))
    lines = explain(applied, applied.replace("select", "table"))
    assert len(lines) == 41
    assert lines[-1] == "... and 163 more lines"  # 3 of header + 200 changed - 40 shown
    assert len(explain("", "select 1;\n" * 36)) == 40


def test_a_long_text_is_explained_in_time_that_grows_with_it() -> None:
    """Where every second line of thousands differs, and where lines came before."""
    applied = [f"select {i};" for i in range(10_000)]
    edited = [f"{line}{' again' * (i % 2)}" for i, line in enumerate(applied)]
    began = time.process_time()
    assert explain("\n".join(applied), "\n".join(edited))[3:7] == (
        " select 0;",
        "-select 1;",
        "+select 1; again",
        " select 2;",
    )
    lines = explain("\n".join(applied), "\n".join([*(f"table t{i};" for i in range(3000)), *edited]))
    assert [line[0] for line in lines[2:]] == ["@", *"+" * 37, "."]
    assert lines[-1] == "... and 17963 more lines"  # 3 of header + 3000 added + 3 for two - 40 shown
    assert time.process_time() - began < 8


@pytest.mark.parametrize("current", ["select 'open;", "\\set x", "/* open", "do $$"])
def test_a_text_that_cannot_be_scanned_is_still_explained(current: str) -> None:
    """A file that became unreadable SQL gives a diff, not an error."""
    lines = explain("select 1;", current)
    assert f"+{current}" in lines
    assert "-select 1;" in lines


SECRET = "do $$ begin perform 1; end $$;\nalter role r password 'hunter2';\n"


def test_a_diff_shows_no_password() -> None:
    """Neither in a line that was edited nor in one around it."""
    assert explain(SECRET, SECRET.replace("'hunter2'", "null"))[3:] == (
        " do $$ begin perform 1; end $$;",
        "-alter role r password '*******';",
        "+alter role r password null;",
    )
    assert explain(SECRET, SECRET.replace("1", "2"))[3:] == (
        "-do $$ begin perform 1; end $$;",
        "+do $$ begin perform 2; end $$;",
        " alter role r password '*******';",
    )


def test_where_only_a_password_differs_that_is_said() -> None:
    """The diff would be empty."""
    told = explain(SECRET, SECRET.replace("hunter2", "hunter3"))
    assert told == ("Only passwords differ, which are hidden here.",)


@pytest.mark.parametrize(
    ("applied", "current", "lines"),
    [
        pytest.param(
            "a" * 3000 + "X" + "c" * 3000,
            "a" * 3000 + "Y" + "c" * 3000,
            ["-…" + "a" * 80 + "X" + "c" * 79 + "…", "+…" + "a" * 80 + "Y" + "c" * 79 + "…"],
            id="both sides around what differs",
        ),
        pytest.param(
            "a" * 700, "a" * 700 + "b", ["-…" + "a" * 80, "+…" + "a" * 80 + "b"], id="something behind it"
        ),
        pytest.param("a" * 641, "b", ["-" + "a" * 160 + "…", "+b"], id="one side"),
        pytest.param("a" * 640, "b" * 640, ["-" + "a" * 640, "+" + "b" * 640], id="all that fits"),
        pytest.param(
            "a" * 641 + "\nx", "a" * 641 + "\ny", [" " + "a" * 160 + "…", "-x", "+y"], id="line around"
        ),
        pytest.param("x", "x\n" + "a" * 641, [" x", "+" + "a" * 160 + "…"], id="added"),
    ],
)
def test_a_line_that_is_too_wide_is_cut(applied: str, current: str, lines: list[str]) -> None:
    """Of a line of megabytes, what an excerpt shows is enough."""
    assert list(explain(applied, current)[3:]) == lines
