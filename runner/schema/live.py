"""Hold live databases against what their applied files make, which is made once for all that are alike."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.files import plain
from runner.schema import around, drift, scratch, undecided
from runner.schema.drift import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.config import Target
    from runner.model import Migration
    from runner.planning import Site
    from runner.schema.drift import Comparison


class Expected:
    """What files make in a scratch database, to hold live databases against it, one at a time."""

    def __init__(self, bench: Bench, where: str) -> None:
        self.files = bench.files
        self._bench = bench
        self._where = where
        lent = {key for key in bench.before if key[0] == "schema"} - {("schema", "public")}  # for extensions
        made = bench.snapshot(bench.connection)
        self._snapshot = {key: item for key, item in made.items() if key not in lent}
        self._lock = threading.Lock()  # the scratch database has one connection

    def compare(self, site: Site) -> Comparison:
        """Return how the live schema of a site differs. Writes nothing there."""
        bench, expected, series = self._bench, self._snapshot, site.target.series
        wanted = {name for step in site.steps if step.migration for name in step.migration.requires}
        made = (plain(name) for kind, name in expected if kind == "schema")
        extensions = tuple(plain(name) for kind, name in expected if kind == "extension")
        bench = bench._replace(schemas=series.schemas or ("public", *made), extensions=extensions)
        actual = bench.snapshot(site.connection)
        with self._lock:
            found = drift.compare(bench, expected, actual)
        found = [one for one in found if not undecided.is_awaited(one, wanted)]
        return drift.judged(found, series.ignore, drift.parents_of(expected, actual), self._where)


@contextmanager
def expected(
    target: Target, migrations: Sequence[Migration], *, scratch_url: str | None = None
) -> Iterator[Expected]:
    """Yield what ``migrations`` make in a scratch database that is like the database of ``target``.

    They run on the server of ``scratch_url``, else on a private one, never on the live one.
    """
    chosen = target.series.schemas
    with (
        scratch.scratch_server(
            target.url, source=target.source, files=migrations, scratch=scratch_url
        ) as server,
        scratch.built(server, migrations, schemas=chosen) as (connection, before),
    ):
        yield Expected(Bench(connection, before, server.around, tuple(migrations), chosen), server.source)


def state(site: Site, migrations: Sequence[Migration]) -> str:
    """Return a text that is equal for databases whose ``migrations`` make the same, whatever their names."""
    about = around.look(site.connection)._replace(started="", database="")
    return repr((about, [file.checksum for file in migrations]))


def differences(site: Site, migrations: Sequence[Migration], *, scratch_url: str | None = None) -> Comparison:
    """Return how the live schema differs from what ``migrations`` make in a scratch database.

    Nothing but that is written. What counts are the schemas configured, else public and those that
    ``migrations`` have made.
    """
    with expected(site.target, migrations, scratch_url=scratch_url) as made:
        return made.compare(site)
