"""Make what applied files make, once for all live databases that are alike, and hold them against it."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from runner.errors import RunnerError
from runner.files import plain
from runner.schema import around, catalog, difference, drift, handed, roles, scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.config import Target
    from runner.model import Migration
    from runner.planning import Site
    from runner.schema.drift import Bench, Comparison


class Expected:
    """What files make in a scratch database, to hold live databases against it, one at a time."""

    def __init__(self, bench: Bench, where: str) -> None:
        self.files = bench.files
        self.roles = bench.around.roles
        self._bench = bench
        self._where = where
        lent = {key for key in bench.before if key[0] == "schema"} - {("schema", "public")}  # for extensions
        made = bench.snapshot(bench.connection)
        self._snapshot = {key: item for key, item in made.items() if key not in lent}
        self._lock = threading.Lock()  # the scratch database has one connection
        self.otherwise: Callable[[], Expected | None] = lambda: None

    def compare(self, site: Site) -> Comparison:
        """Return how the live schema of a site differs, or less if some is ``otherwise``. Writes nothing."""
        found = self._compare(site)
        if not found.found:
            return found
        with self._lock:
            other = self.otherwise()
        return min(found, other._compare(site), key=lambda one: len(one.found)) if other else found

    def _compare(self, site: Site) -> Comparison:
        bench, expected, series = self._bench, self._snapshot, site.target.series
        wanted = {name for step in site.steps if step.migration for name in step.migration.requires}
        made = (plain(name) for kind, name in expected if kind == "schema")
        extensions = tuple(plain(name) for kind, name in expected if kind == "extension")
        bench = bench._replace(schemas=series.schemas or ("public", *made), extensions=extensions)
        actual = bench.snapshot(site.connection)
        with self._lock:
            found = drift.compare(bench, expected, actual)
        found = [one for one in found if not difference.is_awaited(one, wanted)]
        found = handed.without(found, site, owner=bench.around.migrator.name)
        return drift.judged(found, series.ignore, catalog.parents(expected, actual), self._where)


@contextmanager
def expected(
    target: Target, migrations: Sequence[Migration], *, scratch_url: str | None = None
) -> Iterator[Expected]:
    """Yield what ``migrations`` make in a scratch database that is like the database of ``target``.

    They run on the server of ``scratch_url``, else on a private one, never on the live one. On a private one
    they run once more where a database differs, with the roles that they make and the live server has: a file
    may have found these, made for another database.
    """
    with ExitStack() as stack:
        made = stack.enter_context(_made(target, migrations, scratch_url=scratch_url))
        known = sorted(roles.made(migrations).intersection(made.roles))
        if known and not scratch_url:
            made.otherwise = cache(partial(_again, stack, target, migrations, known))
        yield made


def _again(
    stack: ExitStack, target: Target, migrations: Sequence[Migration], known: Sequence[str]
) -> Expected | None:
    """Return what files make where roles are there before; nothing if one fails over that."""
    try:
        return stack.enter_context(_made(target, migrations, also=known))
    except RunnerError:
        return None


@contextmanager
def _made(
    target: Target,
    migrations: Sequence[Migration],
    *,
    scratch_url: str | None = None,
    also: Sequence[str] = (),
) -> Iterator[Expected]:
    chosen = target.series.schemas
    with (
        scratch.scratch_server(
            target.url, source=target.source, files=migrations, scratch=scratch_url, also=also
        ) as server,
        scratch.built(server, migrations, schemas=chosen) as (connection, before),
    ):
        bench = drift.Bench(connection, before, server.around, tuple(migrations), chosen)
        yield Expected(bench, server.source)


def state(site: Site, migrations: Sequence[Migration]) -> str:
    """Return a text that is equal for databases whose ``migrations`` make the same, whatever their names."""
    about = around.look(site.connection)._replace(started="", database="", follows=None)
    return repr((about, [file.checksum for file in migrations]))


def differences(site: Site, migrations: Sequence[Migration], *, scratch_url: str | None = None) -> Comparison:
    """Return how the live schema differs from what ``migrations`` make in a scratch database.

    Nothing but that is written. What counts are the schemas configured, else public and those that
    ``migrations`` have made.
    """
    with expected(site.target, migrations, scratch_url=scratch_url) as made:
        return made.compare(site)
