"""How a difference reads."""

from __future__ import annotations

import pytest

from runner.schema.difference import Difference


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        pytest.param("a\n-- b\nc", "a\nc", [" a", "--- b", " c"], id="comment removed"),
        pytest.param("a\nc", "a\n++ b\nc", [" a", "+++ b", " c"], id="line of plus signs added"),
        pytest.param("a\nb", "a\r\nb", ["-a", "+a\\r", " b"], id="carriage return"),
        pytest.param("a\nb\u2028c", "a\nb", [" a", "-b\u2028c", "+b"], id="line separator"),
    ],
)
def test_each_line_that_differs_is_shown(expected: str, actual: str, lines: list[str]) -> None:
    """No line is taken for the header of the diff, and what nobody sees is made visible."""
    told = str(Difference("function", "public.f()", "definition", expected, actual)).split("\n")
    assert [line[4:] for line in told[2:]] == lines
