"""Compare a live database with what its applied files make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import ledger
from runner.errors import Drift
from runner.schema import catalog, scratch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.model import Migration
    from runner.planning import Site
    from runner.schema.catalog import Difference


def differences(site: Site, migrations: Sequence[Migration], *, home: Path) -> tuple[Difference, ...]:
    """Return how the live schema differs from what ``migrations`` make in a scratch database.

    The scratch database is on the same server when the role may create databases, else on the embedded
    server under ``home``; it is dropped at the end. Nothing else is written. What counts are the schemas
    configured, else public and those that ``migrations`` have made there.
    """
    url, source = scratch.scratch_server(site.target.url, source=site.target.source, home=home)
    chosen = site.target.series.schemas
    expected = scratch.expected(migrations, url, source=source, schemas=chosen)
    made = tuple(name for kind, name in expected if kind == "schema")
    actual = catalog.snapshot(site.connection, besides=ledger.TABLE, schemas=chosen or ("public", *made))
    return catalog.compare(expected, actual)


def drifted(site: Site, found: Sequence[Difference]) -> Drift:
    """Return the error that lists what was found."""
    places = f"{len(found)} place{'s' * (len(found) != 1)}"
    return Drift(
        f"Database {site.facts.name} differs from its files in {places}.",
        remedy="Undo what was done by hand, or put it into a new file.",
        notes=tuple(str(difference) for difference in found),
    )
