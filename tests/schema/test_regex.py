"""Texts that match what a check demands."""

from __future__ import annotations

import re

import pytest

from runner.schema.regex import example

PATTERNS = [
    r"^[A-Z]{2}[0-9]+$",
    r"^(red|green)-\d{2,4}$",
    r"^[a-z0-9]+(?:-[a-z0-9]+)*$",
    r"^[^@ ]+@[^@ ]+\.[a-z]{2,}$",
    r"^\+?[0-9]{7,15}$",
    r"^#[0-9a-fA-F]{6}$",
    r"^https?://.+",
    r"^\S+\s\w*$",
    r"^(\d{1,3}\.){3}\d{1,3}$",
    r"^[]a-]+x??$",
    r"^[a-c]{1}?x{2}?$",
    r"^[\d_]{9}-[\w.]+$",
    r"plain",
    r"",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_examples_match(pattern: str) -> None:
    """Six of them, so that rows can differ."""
    for number in range(6):
        assert re.search(pattern, example(pattern, number)), example(pattern, number)


def test_examples_differ() -> None:
    """Where the pattern leaves a choice."""
    assert len({example("^[a-z]{8}$", number) for number in range(6)}) == 6


def test_classes_have_names() -> None:
    """PostgreSQL writes them in double brackets."""
    assert re.fullmatch("[a-zA-Z]{3}[0-9]", example("^[[:alpha:]]{3}[[:digit:]]$", 2))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^{", "{"),
        ("^{}$", "{}"),
        ("(a{b)", "a{b"),
        ("x{[a-c]{2}}", "x{[abc]{2}}"),
        ("^{{2}$", "{{"),
        ("a{,3}", "a{,3}"),
        ("{1", "{1"),
        ("[[:", r"[\[:]"),
    ],
)
def test_a_brace_before_anything_but_a_number_stands_for_itself(pattern: str, text: str) -> None:
    """So the server reads it; what is no class ends, too."""
    for number in range(6):
        made = example(pattern, number)
        assert made == text or re.fullmatch(text, made), made
