"""Hold live databases against what their applied files make, which is made once for all that are alike.

It is made with the settings of the session that looks, and leaves the roles that files make to them. Where
that leads to a difference, it is made otherwise as well: with the settings of who migrates, if these are
others, and with the roles that the live server has, which a file may have found, made for another database.
What agrees with any of these is right.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing, contextmanager, nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING

from runner import planning
from runner.errors import Interrupted, RunnerError
from runner.files import plain
from runner.schema import around, catalog, difference, drift, handed, roles, scratch
from runner.schema.drift import Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from runner.config import Target
    from runner.database import Connection
    from runner.model import Migration
    from runner.planning import Site
    from runner.schema.around import Around
    from runner.schema.drift import Comparison

    Other = Callable[[], "Expected | None"]
    Making = Callable[[], AbstractContextManager["Expected"]]


class Expected:
    """What files make in a scratch database, to hold live databases against it, one at a time."""

    def __init__(self, bench: Bench, where: str) -> None:
        self.files = bench.files
        self.others: Sequence[Other] = ()
        self._bench = bench
        self._where = where
        lent = {key for key in bench.before if key[0] == "schema"} - {("schema", "public")}  # for extensions
        made = bench.snapshot(bench.connection)
        self._snapshot = {key: item for key, item in made.items() if key not in lent}
        self._lock = threading.Lock()  # the scratch database has one connection

    def compare(self, site: Site) -> Comparison:
        """Return how the live schema of a site differs at least, by ``others``, too. Writes nothing."""
        least = self._compare(site)
        for make in self.others:
            if not least.found:
                break
            with self._lock:
                other = make()
            if other:
                least = min(least, other._compare(site), key=lambda one: len(one.found))
        return least

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
    target: Target,
    migrations: Sequence[Migration],
    *,
    scratch_url: str | None = None,
    connection: Connection | None = None,
) -> Iterator[Expected]:
    """Yield what ``migrations`` make in a scratch database that is like the database of ``target``.

    They run on the server of ``scratch_url``, else on a private one, never on the live one, to which there
    may be a ``connection``.
    """
    there = nullcontext(connection) if connection else closing(planning.connect(target))
    with there as live:
        seen = around.seen(live, migrations)
        unswayed = around.unswayed(live, seen)
    make = partial(_made, target, migrations, scratch_url)
    steady = [partial(make, unswayed)] if unswayed != seen else []
    known = sorted(roles.made(migrations).intersection(seen.roles)) if not scratch_url else []
    others = [*steady, *([partial(make, seen, known)] if known else [])]
    with ExitStack() as stack:
        try:
            made = stack.enter_context(make(seen))
        except Interrupted:
            raise
        except RunnerError:
            other = _tried(stack, others.pop(0)) if steady else None
            if not other:
                raise
            made = other
        made.others = [cache(partial(_tried, stack, other)) for other in others]
        yield made


def _tried(stack: ExitStack, make: Making) -> Expected | None:
    """Return what is made otherwise, for as long as the first; nothing if a file fails over that."""
    try:
        return stack.enter_context(make())
    except Interrupted:
        raise
    except RunnerError:
        return None


@contextmanager
def _made(
    target: Target,
    migrations: Sequence[Migration],
    scratch_url: str | None,
    live: Around,
    also: Sequence[str] = (),
) -> Iterator[Expected]:
    chosen = target.series.schemas
    with (
        scratch.scratch_server(
            target.url, source=target.source, files=migrations, scratch=scratch_url, live=live, also=also
        ) as server,
        scratch.built(server, migrations, schemas=chosen) as (connection, before),
    ):
        bench = Bench(connection, before, server.around, tuple(migrations), chosen)
        yield Expected(bench, server.source)


def state(site: Site, migrations: Sequence[Migration]) -> str:
    """Return a text that is equal for databases whose ``migrations`` make the same, whatever their names."""
    seen = around.seen(site.connection, migrations)
    steady = around.unswayed(site.connection, seen).settings
    about = seen._replace(started="", database="", follows=None, premises=None)
    return repr((about, steady, [file.checksum for file in migrations]))


def differences(site: Site, migrations: Sequence[Migration], *, scratch_url: str | None = None) -> Comparison:
    """Return how the live schema differs from what ``migrations`` make in a scratch database.

    Nothing but that is written. What counts are the schemas configured, else public and those that
    ``migrations`` have made.
    """
    with expected(site.target, migrations, scratch_url=scratch_url, connection=site.connection) as made:
        return made.compare(site)
