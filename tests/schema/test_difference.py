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


BODY = "begin\n    perform 'postgresql://rep:hunter2@db/x';\n    perform 'password=hunter2';\nend"


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        pytest.param(
            BODY,
            BODY.replace("begin", "begin -- here"),
            "function f() has another definition (files say -):\n"
            "    @@ -1,3 +1,3 @@\n"
            "    -begin\n"
            "    +begin -- here\n"
            "         perform 'postgresql://rep:*******@db/x';\n"
            "         perform 'password=*******';",
            id="another line",
        ),
        pytest.param(
            BODY,
            BODY.replace("hunter2", "hunter3"),
            "function f() has another definition (files say -):\n"
            "    Only passwords differ, which are hidden here.",
            id="only a password",
        ),
        pytest.param(
            "select 'password=hunter2'",
            "select 'password=hunter3'",
            "function f() has another definition. Only passwords differ, which are hidden here.",
            id="only a password, in one line",
        ),
        pytest.param(
            "'password=hunter2'::text",
            None,
            "function f() is none, files say 'password=*******'::text",
            id="in one line",
        ),
    ],
)
def test_no_password_is_shown(expected: str, actual: str | None, told: str) -> None:
    """Definitions hold what their authors wrote into them."""
    assert str(Difference("function", "f()", "definition", expected, actual)) == told
