"""Compare a live schema with one that files have made, and say what counts as different."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from runner import ledger
from runner.errors import Drift
from runner.files import blanked, plain
from runner.schema import alike, around, catalog, difference, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def judged(
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
