"""Whom a lock keeps waiting, in words."""

from __future__ import annotations

from runner.locks.mode import MODES, Blocked, blocked, strongest
from tests.locks.test_truth import CONFLICTS


def test_the_words_are_those_of_the_table_of_conflicts() -> None:
    """Readers wait only behind the strongest lock, writers behind four, other DDL behind five."""
    for mode in MODES:
        waits = CONFLICTS[mode]
        expected = (
            Blocked.EVERYBODY if "AccessShareLock" in waits
            else Blocked.WRITERS if "RowExclusiveLock" in waits
            else Blocked.DDL if "ShareUpdateExclusiveLock" in waits
            else Blocked.NOBODY
        )  # fmt: skip
        assert blocked(mode) is expected, mode
    assert blocked(None) is Blocked.NOBODY
    assert [one.rank for one in Blocked] == [0, 1, 2, 3]


def test_the_strongest_of_several_counts() -> None:
    """In PostgreSQL's own order; no lock is weaker than any."""
    assert strongest(["RowExclusiveLock", None, "ShareLock"]) == "ShareLock"
    assert strongest(reversed(MODES)) == "AccessExclusiveLock"
    assert strongest([None]) is None
