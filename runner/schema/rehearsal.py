"""Hold a scratch database that is as the ledger of the live one says, with rows, for pending files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner import database
from runner.schema import around, rows, scratch, wishes
from runner.schema.bench import Place, bench

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.model import Migration
    from runner.planning import Site
    from runner.schema.bench import Bench


@contextmanager
def rehearse(
    site: Site, pending: Sequence[Migration], *, scratch_url: str | None = None, own: Path | None = None
) -> Iterator[Bench]:
    """Yield a scratch database that holds what the ledger of ``site`` records. Writes only there.

    It is on the server of ``scratch_url``, else on a private one. ``own`` is a folder of own rows.
    """
    target = site.target
    done = [step.migration for step in site.steps if step.applied and step.migration]
    files = [*done, *pending]
    live = around.seen(site.connection, files)
    with scratch.scratch_server(
        target.url, source=target.source, files=files, scratch=scratch_url, live=live
    ) as server:
        place = Place(server.url, server.source, target.series.schemas, own)
        with bench(place, done, with_rows=True) as made:
            yield made


def clear(here: Bench, migration: Migration) -> bool:
    """Delete the rows that a file may trip over; return whether there were any. Writes."""
    chosen = wishes.mentioned(migration.sql, here.filler.tables)
    if not any(here.filler.made.get(oid) for oid in chosen):
        return False
    rows.clear(here.filler, chosen)
    database.run(here.connection, "vacuum")  # a table without rows then has an empty file
    return True
