"""Say what happened to what existed before, between two moments of a file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.locks import probe
from runner.locks.effect import Effect, Traced, Work
from runner.locks.mode import Blocked, blocked, strongest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.locks.probe import Probe, Relation

RELATIONS = ("table", "foreign table", "materialized view")  # that hold rows


def effects(
    known: Mapping[int, Relation], before: Probe, now: Probe, works: Mapping[int, Collection[Work]]
) -> Iterator[Effect]:
    """Yield what happened between two moments to what existed before."""
    for oid, relation in known.items():
        mode, done = probe.taken(before, now, oid), tuple(works.get(oid, ()))
        if not (mode or done):
            continue
        if relation.kind == "index":
            table = relation.table or 0
            if mode != "AccessExclusiveLock" or mode in now.locks.get(table, ()):
                continue
            done = (Work.BUILDS,) if Work.BUILDS in works.get(table, ()) else done
        elif relation.kind == "materialized view" and mode == "ExclusiveLock":
            done = (*done, Work.READS)  # only to be refreshed concurrently, and compared with what it was
        elif relation.kind not in RELATIONS:
            done = ()
        yield Effect(
            relation.name,
            relation.kind,
            mode,
            strongest((mode, *now.locks.get(oid, ()))),
            tuple(sorted(done, key=lambda one: -one.rank)) or (Work.MOMENT,),
            known[relation.table].name if relation.table else None,
        )


def with_meanwhile(done: list[Traced]) -> tuple[Traced, ...]:
    """Add to each lock that keeps others waiting what is done elsewhere for long before it is let go.

    That may be the statement itself: a key is validated while both tables are locked.
    """
    long = [
        (number, effect.name, f"{one.place.path}:{one.place.line} {effect.work.of(effect.name)}")
        for number, one in enumerate(done)
        for effect in one.effects
        if effect.work.takes_long and effect.table is None
    ]

    def added(number: int, effect: Effect) -> Effect:
        if blocked(effect.mode).rank < Blocked.WRITERS.rank:
            return effect
        own = (effect.name, effect.table)
        later = (text for at, name, text in long if at >= number and name not in own)
        return replace(effect, meanwhile=tuple(dict.fromkeys(later)))

    return tuple(
        replace(one, effects=tuple(added(number, effect) for effect in one.effects))
        for number, one in enumerate(done)
    )
