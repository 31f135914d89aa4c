"""The checksum rule, point by point. It is written into every ledger and may never change."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.files.checksum import canonical, checksum

TEXT = "-- \N{LATIN SMALL LETTER E WITH ACUTE}\n\nselect  1;\n"


def test_the_digest_of_a_known_text_never_changes() -> None:
    """The digest is the one that ``sha256sum`` gave for these bytes when the rule was written."""
    expected = "sha256:d20887a400bd45cb1fa8a24d00fcb1688e491511de246fa2bb6f1c385dfa753b"
    assert checksum(TEXT) == expected


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("\ufeff" + TEXT, id="byte order mark"),
        pytest.param(TEXT.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(TEXT.replace("\n", "\r"), id="lone CR"),
        pytest.param(TEXT.replace("\n", "\r\n", 1), id="mixed line ends"),
        pytest.param(TEXT.replace("\n", " \t \n"), id="trailing blanks"),
        pytest.param(TEXT.replace("\n", " \r\n"), id="trailing blanks before CRLF"),
        pytest.param(TEXT.rstrip("\n"), id="no final newline"),
        pytest.param(TEXT + "\n\n", id="more final newlines"),
        pytest.param(TEXT + " \t", id="blanks behind the last newline"),
        pytest.param("\ufeff" + TEXT.replace("\n", "\t\r\n") + " \r\n\r", id="everything at once"),
    ],
)
def test_what_an_editor_changes_on_its_own_does_not_count(other: str) -> None:
    """A byte order mark, line ends, trailing blanks and final newlines leave the checksum alone."""
    assert other != TEXT
    assert checksum(other) == checksum(TEXT)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(TEXT.replace("select", "SELECT"), id="case"),
        pytest.param(TEXT.replace("  1", " 1"), id="blanks inside a line"),
        pytest.param(" " + TEXT, id="indentation"),
        pytest.param(TEXT.replace("\n\n", "\n"), id="empty line inside"),
        pytest.param("\n" + TEXT, id="empty line in front"),
        pytest.param(TEXT.replace("--", "-- a"), id="comment"),
        pytest.param(TEXT.replace("\n\n", "\n\ufeff\n"), id="byte order mark inside"),
        pytest.param(TEXT.replace(";\n", ";\N{NO-BREAK SPACE}\n"), id="trailing no-break space"),
        pytest.param(TEXT.replace("\n\n", "\n\f\n"), id="form feed"),
        pytest.param(TEXT.replace("\n\n", "\N{LINE SEPARATOR}\n"), id="line separator"),
    ],
)
def test_everything_else_counts(other: str) -> None:
    """Any other change, also of a comment or of blanks inside a line, changes the checksum."""
    assert checksum(other) != checksum(TEXT)


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", " \t", "\r\n\r\n"])
def test_nothing_is_one_newline(text: str) -> None:
    """A text without content has one canonical form."""
    assert canonical(text) == "\n"


def test_the_canonical_text_is_its_own_canonical_text() -> None:
    """The rule applied twice is the rule applied once."""
    text = canonical("\ufeffa \r\n\r\n b\t\r")
    assert text == "a\n\n b\n"
    assert canonical(text) == text


def test_a_megabyte_of_blanks_takes_no_time() -> None:
    """The rule is linear: a regular expression for trailing blanks would take hours here."""
    started = time.monotonic()
    assert canonical(" " * 2**20 + "x" + " " * 2**20) == " " * 2**20 + "x\n"
    assert time.monotonic() - started < 20


@settings(deadline=None, database=None, derandomize=True)
@given(st.lists(st.sampled_from([" ", "\t", "\n", "\r", "\r\n", "a", "é", "\ufeff", "\x0b"])).map("".join))
def test_the_canonical_text_is_what_the_rule_says(text: str) -> None:
    """Line by line, as the module's docstring has it, whatever a text is made of."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    stripped = [line.rstrip(" \t") for line in lines]
    while stripped and not stripped[-1]:
        stripped.pop()
    assert canonical(text) == "\n".join(stripped) + "\n"
