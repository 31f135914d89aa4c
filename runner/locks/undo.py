"""Run a rollback in a transaction that comes to nothing, and see what it would lose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner import database, files
from runner.locks import loss, probe, run
from runner.locks.effect import Undo

if TYPE_CHECKING:
    from runner.locks.run import Existing
    from runner.model import Migration
    from runner.schema import Bench

_BEGIN = f"""
    begin isolation level read committed read write; set local quote_all_identifiers = off; {loss.WATCHING}
"""
_IN_A_TRANSACTION = "25001"  # it cannot run there: drop index concurrently


def unknown(migration: Migration) -> Undo:
    """Return what is known of a rollback that was not run."""
    return Undo(is_missing=migration.rollback is None)


def undo(here: Bench, migration: Migration, existing: Existing) -> Undo:
    """Return what the rollback of a file that is applied and recorded would lose. Leaves no change.

    ``existing`` is what existed before any pending file.
    """
    if migration.rollback is None:
        return unknown(migration)
    text = Path(migration.rollback).read_text(encoding="utf-8", errors="replace")
    if files.remakes(text):
        here.renew()
    known = run.existing(here)
    try:
        database.run(here.connection, _BEGIN)
        losses = loss.Losses(here.connection, known)
        before = probe.look(here.connection, known)
        error = database.failure(database.send(here.connection, text))
        if error:
            told = None if error.sqlstate == _IN_A_TRANSACTION else (error.diag.message_primary or str(error))
            return Undo(error=told)
        after = probe.look(here.connection, known)
        gone = [
            (one.objid, loss.drop(one).text.removeprefix("drops "))
            for one in losses.dropped()
            if one.kind in loss.HOLDING
        ]
        gone += [(oid, f"rows of {known[oid].name}") for oid in probe.emptied((before, after))]
        return Undo(
            loses=tuple(text for oid, text in gone if oid >= existing.first_new),
            takes=tuple(text for oid, text in gone if oid < existing.first_new),
        )
    finally:
        database.roll_back(here.connection)
        database.start_over(here.connection)
        here.renew(text)
