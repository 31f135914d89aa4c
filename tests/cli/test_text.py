"""What fits into the columns of a terminal, and what is drawn of a line that does not."""

from __future__ import annotations

import pytest

from runner.cli import excerpt, text
from runner.files import locate

ACCENT = "e\N{COMBINING ACUTE ACCENT}"
LETTERS = {"narrow": "a", "wide": "漢", "combined": ACCENT, "obeyed": "\x1b", "a tab": "\t"}


@pytest.mark.parametrize(
    ("line", "width", "head"),
    [
        ("abcd", 3, "abc"),
        ("漢字", 3, "漢"),
        ("漢字", 4, "漢字"),
        (f"{ACCENT * 3}a", 3, ACCENT * 3),
        ("=\N{COMBINING LONG SOLIDUS OVERLAY}x", 1, "=\N{COMBINING LONG SOLIDUS OVERLAY}"),
        ("ab", 0, ""),
        ("ab", -1, ""),
    ],
)
def test_a_head_takes_as_many_columns_as_there_are(line: str, width: int, head: str) -> None:
    """An ideograph takes two, a mark goes with its letter."""
    assert text.head(line, width) == head


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdef", 5, "ab…ef"), ("漢字漢字", 6, "漢…字"), ("abc", None, "abc")],
)
def test_a_long_text_is_cut_in_its_middle(line: str, width: int | None, shown: str) -> None:
    """Its two ends tell the most."""
    assert text.shortened(line, width) == shown


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("one two three four", ["one two", "  three", "  four"]),
        ("one two t", ["one two t"]),
        ("say `a b c d` then", ["say", "  `a b c d`", "  then"]),
        ("it costs $FOUR and more", ["it costs $FOUR and more"]),
        ("aaa/bbb-ccc-ddd x", ["aaa/bbb-ccc-ddd", "  x"]),
        (" " * 12, [" " * 12]),
    ],
)
def test_a_sentence_ends_its_lines_between_words(line: str, lines: list[str]) -> None:
    """What somebody may copy stays whole."""
    assert text.wrapped(line, 9, indent="  ") == lines


def test_what_a_terminal_obeys_is_written_out_among_lines_and_tabs() -> None:
    """These stay."""
    assert text.visible("a\x1b\n\tb") == "a\\x1b\n\tb"


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
@pytest.mark.parametrize("width", [14, 20, 40, 79])
def test_the_caret_stands_under_its_character_where_a_line_is_cut(letter: str, width: int) -> None:
    """Whatever stands before it, and no line is wider than the terminal."""
    for count in range(0, 120, 7):
        before = letter * count
        place = locate(f"s\n{before}X{letter * 60}\nt", 2 + len(before), path="f")
        rows = list(excerpt.lines(place, width=width))
        [at] = [number for number, row in enumerate(rows) if row.strip(" |") == "^"]
        under = rows[at].index("^")
        assert rows[at - 1][len(text.head(rows[at - 1], under)) :].startswith("X"), rows
        assert max(map(text.columns, rows)) <= width


def test_a_long_line_of_a_difference_goes_on_behind_its_sign() -> None:
    """Between words where it can, in its colour, and whole where there is room."""
    assert list(excerpt.difference(["-one two three", "+" + "x" * 12, " same"], width=10)) == [
        ("-one two", "red"),
        ("-… three", "red"),
        ("+xxxxxxxxx", "green"),
        ("+… xxx", "green"),
        (" same", None),
    ]
    assert list(excerpt.difference(["@@ -1 +1 @@"])) == [("@@ -1 +1 @@", "cyan")]
