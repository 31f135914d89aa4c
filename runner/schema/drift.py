"""Compare live databases with what their applied files make, which is made once for all that are alike."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from runner import ledger
from runner.errors import Drift
from runner.files import blanked, plain
from runner.schema import alike, around, catalog, difference, handed, scratch, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.config import Target
    from runner.database import Connection
    from runner.model import Migration
    from runner.planning import Site
    from runner.schema.around import Around
    from runner.schema.catalog import Key, Snapshot
    from runner.schema.difference import Difference

# What asks for one version of an extension: where it is made, or later.
_PINNED = rf"(?i)\b(create|alter)\s+{alike.EXTENSION}[^;]*\b(version|update\s+to)\b"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a live schema differs from its files.

    ``ignored`` tells of each entry of the configuration how many differences it hid; ``where`` is the server
    on which the files were run.
    """

    found: tuple[Difference, ...]
    ignored: dict[str, int]
    where: str


class Bench(NamedTuple):
    """A scratch database that holds what the files make, and what it held before."""

    connection: Connection
    before: Snapshot
    around: Around
    files: tuple[Migration, ...]
    schemas: tuple[str, ...] = ()  # that count; none for all
    extensions: tuple[str, ...] = ()  # that count in any schema: files make them

    def snapshot(self, connection: Connection) -> Snapshot:
        """Return a snapshot that may be compared, of this database or of the live one."""
        besides = None if self.around.has_ledger and self.files else ledger.TABLE  # the first file makes it
        return catalog.snapshot(
            connection,
            besides=besides,
            version=min(self.around.version, self.connection.info.server_version),
            server=False,
            schemas=self.schemas,
            extensions=self.extensions,
        )


def compare(bench: Bench, expected: Snapshot, actual: Snapshot) -> list[Difference]:
    """Return what is different, but for what is only worded differently and what files do not decide."""
    expected = catalog.called_as_live(expected, actual)
    parents = catalog.parents(expected, actual)
    found = [
        one
        for one in catalog.compare(expected, actual)
        if not difference.is_left_alone(one, bench.before, expected, actual)
        and not difference.is_of_the_ledger(one, parents.get(one.key))
        and not _is_of_the_package(one, expected, bench.files)
    ]
    if not around.speak_of_defaults(bench.files):
        found = [one for one in found if not difference.is_by_default(one, bench.before, actual)]
    really = wording.really(bench.connection, found, parents=parents)
    return [_placed(one, parents.get(one.key)) for one in really]


def _is_of_the_package(one: Difference, expected: Snapshot, files: Iterable[Migration]) -> bool:
    """Tell whether it is the version of an extension for which no file names one: it came with a package."""
    if (one.kind, one.attribute) != ("extension", "version") or (
        one.expected != expected[one.key].facts.get("version of the package")
    ):
        return False
    pinned = _PINNED.format(name=re.escape(plain(one.name)))
    return not any(re.search(pinned, blanked(file.sql)) for file in files)


def _placed(one: Difference, parent: str | None) -> Difference:
    """Name the ledger where something hangs on it: its index says by itself only its own name."""
    if parent != ledger.TABLE or one.name.startswith(f"{ledger.TABLE}."):
        return one
    return replace(one, name=f"{one.name} on {ledger.TABLE}")


def _judged(
    found: Iterable[Difference], patterns: Sequence[str], parents: dict[Key, str | None], where: str
) -> Comparison:
    """Take out what the configuration ignores: a pattern names an object, with all it has, or one fact."""
    ignored = dict.fromkeys(patterns, 0)
    left = []
    above = {name: f"{kind} {name}" for (kind, name), parent in parents.items() if parent is None}
    for one in found:
        owner = above.get(parents.get(one.key) or "", "")
        words = (one.subject, f"{one.subject}: {one.attribute}", owner)
        hit = next((p for p in patterns if any(fnmatchcase(word, p) for word in words)), None)
        if hit is None:
            left.append(one)
        else:
            ignored[hit] += 1
    return Comparison(tuple(left), ignored, where)


def drifted(site: Site, found: Sequence[Difference]) -> Drift:
    """Return the error that lists what was found."""
    places = f"{len(found)} place{'s' * (len(found) != 1)}"
    return Drift(
        f"Database {site.facts.name} differs from its files in {places}.",
        remedy="Undo what was done by hand, put it into a new file, or name it in `ignore`.",
        notes=tuple(line for one in found for line in str(one).split("\n")),
    )


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
            found = compare(bench, expected, actual)
        found = [one for one in found if not difference.is_awaited(one, wanted)]
        found = handed.without(found, site, owner=bench.around.migrator.name)
        return _judged(found, series.ignore, catalog.parents(expected, actual), self._where)


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
    about = around.look(site.connection)._replace(started="", database="", follows=None)
    return repr((about, [file.checksum for file in migrations]))


def differences(site: Site, migrations: Sequence[Migration], *, scratch_url: str | None = None) -> Comparison:
    """Return how the live schema differs from what ``migrations`` make in a scratch database.

    Nothing but that is written. What counts are the schemas configured, else public and those that
    ``migrations`` have made.
    """
    with expected(site.target, migrations, scratch_url=scratch_url) as made:
        return made.compare(site)
