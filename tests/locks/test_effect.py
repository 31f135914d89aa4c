"""What is known of a statement, and the alarms it gives."""

from __future__ import annotations

import pytest

from runner.locks.effect import Effect, Loss, Size, Trace, Traced, Undo, Work
from tests.locks.conftest import migration

ALL, SHARE, MOMENT = "AccessExclusiveLock", "ShareLock", (Work.MOMENT,)


def effect(mode: str, *works: Work, name: str = "public.t", size: int = 0, later: str = "") -> Effect:
    """Return what a statement does to a table."""
    meanwhile = (later,) if later else ()
    return Effect(name, "table", mode, mode, works or MOMENT, size=Size(size, None), meanwhile=meanwhile)


ALARMS = {
    effect(ALL): ("exclusive",),
    effect(ALL, Work.EMPTIES): ("exclusive",),
    effect(ALL, later="x"): ("exclusive-scan", "exclusive"),
    effect(ALL, Work.READS): ("exclusive-scan", "exclusive"),
    effect(ALL, Work.BUILDS, Work.REWRITES): ("rewrite", "exclusive-scan", "exclusive"),
    effect(SHARE, Work.BUILDS): ("write-scan",),
    effect(SHARE, later="x"): ("write-scan",),
    effect(SHARE): (),
    effect("ShareUpdateExclusiveLock", Work.READS): (),
    effect("RowExclusiveLock", Work.WRITES): (),
}


@pytest.mark.parametrize("one", ALARMS, ids=str)
def test_each_effect_has_its_classes(one: Effect) -> None:
    """By who waits, and whether that takes as long as a table is large."""
    assert one.alarms == ALARMS[one]


def test_what_takes_long_comes_before_the_stronger_lock_and_the_larger_table() -> None:
    """Then the lock, the work, and the size."""
    in_order = [
        effect(ALL, Work.REWRITES, name="a", size=2),
        effect(ALL, Work.REWRITES, name="b", size=1),
        effect(ALL, Work.READS, name="c", size=3),
        effect(SHARE, Work.BUILDS, name="d"),
        effect(ALL, name="e", size=9),
        effect(SHARE, name="f"),
    ]
    place = migration("").path
    traced = Traced(place, "", tuple(reversed(in_order)))  # type: ignore[arg-type] # the place does not matter
    assert [one.name for _, one in Trace(migration(""), (traced,)).effects] == list("abcdef")


def test_a_file_has_the_classes_of_all_it_does() -> None:
    """In the order of the table, each once; a file without a statement is traced all the same."""
    assert Trace(migration("")).alarms == ()
    assert Trace(migration(""), untraced="why").alarms == ("untraced",)
    assert Trace(migration(""), undo=Undo(loses=("table n",))).alarms == ()
    for undo in (Undo(is_missing=True), Undo(takes=("x",)), Undo(error="x")):
        assert Trace(migration(""), undo=undo).alarms == ("rollback",)
    traced = Traced(None, "", (effect(ALL), effect(ALL)), (Loss("x", is_data=False),))  # type: ignore[arg-type]
    assert Trace(migration(""), (traced, traced)).alarms == ("exclusive", "destructive")
