"""What rows a file looks for, and how long it takes to find out."""

from __future__ import annotations

import time

import pytest

from runner.model import Migration
from runner.schema.wishes import wishes

DIGITS = "1234567890" * 1500
LONG = {
    "a long number": f"update public.x set s = '{DIGITS}' where n = 1",  # noqa: S608 - never sent
    "a long name of digits": f"update public.x set a{DIGITS} = 1 where n = 1",  # noqa: S608 - never sent
}


@pytest.mark.parametrize("sql", LONG.values(), ids=LONG)
def test_a_long_word_costs_no_time(sql: str) -> None:
    """It is looked at once, and not again from each of its characters: that took 14 seconds and more."""
    began = time.process_time()
    assert wishes(Migration("app", "000", "x", "000_x.sql", sql, ""), {}) == {}
    assert time.process_time() - began < 1
