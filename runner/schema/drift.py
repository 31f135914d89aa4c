"""Compare a live database with what its applied files make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from runner import ledger
from runner.errors import Drift
from runner.schema import around, catalog, undecided, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.database import Connection
    from runner.model import Migration
    from runner.planning import Site
    from runner.schema.around import Around
    from runner.schema.catalog import Key, Snapshot
    from runner.schema.difference import Difference


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

    @property
    def version(self) -> int:
        """The older of the two servers: what it does not know is not compared."""
        return min(self.around.version, self.connection.info.server_version)

    def snapshot(self, connection: Connection) -> Snapshot:
        """Return a snapshot that may be compared, of this database or of the live one."""
        besides = None if self.around.has_ledger and self.files else ledger.TABLE  # the first file makes it
        return catalog.snapshot(
            connection,
            besides=besides,
            version=self.version,
            server=False,
            schemas=self.schemas,
            extensions=self.extensions,
        )


def compare(bench: Bench, expected: Snapshot, actual: Snapshot) -> list[Difference]:
    """Return what is different, but for what is only worded differently and what files do not decide."""
    parents = parents_of(expected, actual)
    found = [
        one
        for one in catalog.compare(expected, actual)
        if not undecided.is_left_alone(one, bench.before, expected, actual)
        and not undecided.is_of_the_ledger(one, parents.get((one.kind, one.name)))
    ]
    if not around.speak_of_defaults(bench.files):
        found = [one for one in found if not undecided.is_by_default(one, bench.before, actual)]
    really = wording.really(bench.connection, found, parents=parents)
    return [_placed(one, parents.get((one.kind, one.name))) for one in really]


def _placed(one: Difference, parent: str | None) -> Difference:
    """Name the ledger where something hangs on it: its index says by itself only its own name."""
    if parent != ledger.TABLE or one.name.startswith(f"{ledger.TABLE}."):
        return one
    return replace(one, name=f"{one.name} on {ledger.TABLE}")


def parents_of(*snapshots: Snapshot) -> dict[Key, str | None]:
    """Return the relation that each object of some snapshots belongs to."""
    return {key: item.parent for each in snapshots for key, item in each.items()}


def judged(
    found: Iterable[Difference], patterns: Sequence[str], parents: dict[Key, str | None], where: str
) -> Comparison:
    """Take out what the configuration ignores: a pattern names an object, with all it has, or one fact."""
    ignored = dict.fromkeys(patterns, 0)
    left = []
    above = {name: f"{kind} {name}" for (kind, name), parent in parents.items() if parent is None}
    for one in found:
        owner = above.get(parents.get((one.kind, one.name)) or "", "")
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
        notes=tuple(line for difference in found for line in str(difference).split("\n")),
    )
