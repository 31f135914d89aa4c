"""Name what ends a look at databases: a connection that breaks, a pooler, who keeps a table from us."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from runner import database, ledger
from runner.errors import ConnectionLost
from runner.planning import pooler
from runner.planning.site import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.config import Target
    from runner.errors import LockTimeout, RunnerError

    Known = Sequence[tuple[Target, tuple[str, ...]]]  # with the schemas that count there

_SHUT_DOWN = ("57P01", "57P02", "57P03")  # SQLSTATEs: terminated, crashed, starting up


def named(error: database.Error, known: Known) -> RunnerError | None:
    """Return what an error means while nothing is being applied; ``None`` for what the server refuses."""
    if error.sqlstate == database.LOCK_NOT_AVAILABLE:
        return _kept(known)
    if found := pooler.refusal(error):
        return found
    if error.sqlstate not in (None, *_SHUT_DOWN):
        return None
    return ConnectionLost(
        "The connection was lost. What was applied before stays.",
        remedy="Run again.",
        notes=tuple(str(error).splitlines()),
    )


def _kept(known: Known) -> LockTimeout:
    """Name who keeps readers away, in each of the databases."""
    found = []
    for target, schemas in known:
        with closing(connect(target)) as connection:
            found.append(ledger.kept(connection, schemas=schemas))
    first, *others = [one for one in found if one.notes] or found[:1]
    first.notes += tuple(line for one in others for line in (one.message, *one.notes))
    return first
