"""Run pending files in a scratch database, one statement at a time, and note what each does.

A file is traced in a transaction that is rolled back, then applied as ``migrate`` does, so that the next one
finds it there. What may not run in a transaction is looked at from a second session while it is applied.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner import schema
from runner.locks import alone, live, run, undo
from runner.locks.effect import Trace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from runner.locks.effect import Size, Traced
    from runner.locks.run import Existing
    from runner.model import Migration
    from runner.planning import Site
    from runner.schema import Bench


def trace(
    site: Site, migrations: Sequence[Migration], *, scratch_url: str | None = None, own: Path | None = None
) -> tuple[Trace, ...]:
    """Return what each of the pending ``migrations`` does to what exists by the ledger of ``site``.

    They run on the server of ``scratch_url``, else on a private one; ``own`` is a folder of a project's own
    rows. The live server is asked only for sizes, and for what it has outside its databases. Behind a file
    that fails nothing is traced.
    """
    if not migrations:
        return ()
    with schema.rehearse(site, migrations, scratch_url=scratch_url, own=own) as here:
        found = tuple(traces(here, migrations, outside=live.outside(site.connection)))
    names = {effect.table or effect.name for one in found for _, effect in one.effects}
    sizes = live.sizes(site.connection, names)
    return tuple(_sized(one, sizes) for one in found)


def _sized(one: Trace, sizes: dict[str, Size]) -> Trace:
    def sized(traced: Traced) -> Traced:
        effects = (replace(e, size=sizes.get(e.table or e.name)) for e in traced.effects)
        return replace(traced, effects=tuple(effects))

    return replace(one, statements=tuple(sized(traced) for traced in one.statements))


def traces(
    here: Bench, migrations: Sequence[Migration], *, outside: Collection[tuple[str, str]] | None = None
) -> Iterator[Trace]:
    """Yield what each file does on a bench that holds what is done. Writes there.

    ``outside`` is what the live server has beside its databases, as ``live.outside`` tells.
    """
    known = run.existing(here)
    known.outside = outside
    failed: str | None = None
    for migration in migrations:
        if failed:
            yield Trace(migration, undo=undo.unknown(migration), untraced=failed)
            continue
        one = _trace(here, migration, known)
        if one.untraced:
            failed = f"{migration.label} could not be applied before it"
        else:
            here.done.append(migration)
            one = replace(one, undo=undo.undo(here, migration, known))
        yield one


def _trace(here: Bench, migration: Migration, known: Existing) -> Trace:
    """Trace and apply a file; where it fails over made-up rows, once more without those of its tables."""
    statements, problem = _run(here, migration, known)
    if problem and schema.clear(here, migration):
        statements, problem = _run(here, migration, known)
    here.look()
    return Trace(migration, statements, undo.unknown(migration), problem)


def _run(here: Bench, migration: Migration, known: Existing) -> tuple[tuple[Traced, ...], str | None]:
    if not migration.in_transaction:
        return alone.run(here, migration, known)
    statements, problem = run.run(here, migration, known)
    if problem is None and (error := here.apply(migration)):
        problem = error.message
    return statements, problem
