"""Prove of each file, in a scratch database, that it may be run twice and can be undone.

The stages of a file: **apply** as ``migrate`` does; **repeat** the file over a row in every table, which
must change nothing; **order**: the rollback of the file before it must refuse; **undo** with psql, after
which everything must be as before; **again**: apply once more, with the same result as the first time.
After each stage the ledger must say what the objects say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner import apply, database, ledger, planning
from runner.database import Access
from runner.errors import RunnerError
from runner.model import Before, Limits
from runner.schema import catalog, psql, rows, scratch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.catalog import Snapshot


@dataclass(frozen=True, slots=True)
class Finding:
    """What a stage of a file did that it must not do."""

    stage: str
    text: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of one file: nothing, if it is proven.

    ``empty`` names tables that stayed without a row, so that nothing is known of their contents;
    ``needs`` extensions that are not to be had, so that the file was not tried, and ``why`` that is so.
    """

    migration: Migration
    findings: tuple[Finding, ...] = ()
    empty: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    why: str | None = None


@dataclass(frozen=True, slots=True)
class _State:
    """A database at one moment: its schema, its rows, and which versions its ledger records."""

    schema: Snapshot
    contents: dict[str, tuple[int, str]]
    recorded: tuple[str, ...]


def prove(
    migrations: Sequence[Migration], url: str, *, source: str, schemas: tuple[str, ...] = ()
) -> Iterator[Proof]:
    """Yield a proof per file, in order, from a scratch database on the server of ``url``. Writes only there.

    ``schemas`` are those whose objects are watched, none for all. Stops behind a file that cannot be applied,
    or whose disorder would spoil what follows.
    """
    with (
        scratch.scratch_database(url, source=source) as there,
        database.connect(there, source=source) as connection,
    ):
        wanted = {name for migration in migrations for name in migration.requires}
        lacking = planning.refused(connection, wanted)
        done: list[Migration] = []
        for migration in migrations:
            if needs := tuple(name for name in migration.requires if name in lacking):
                yield Proof(migration, needs=needs, why="; ".join(lacking[name] for name in needs))
                continue
            bench = _Bench(_Place(connection, there, source, schemas), tuple(done), migration)
            findings = tuple(bench.findings())
            yield Proof(migration, findings, bench.empty)
            if bench.broken:
                return
            done.append(migration)


class _Place(NamedTuple):
    """The scratch database, and its schemas that count."""

    connection: Connection
    url: str
    source: str
    schemas: tuple[str, ...]


class _Bench:
    """One file under proof, in a database that holds the files ``done`` before it."""

    def __init__(self, place: _Place, done: tuple[Migration, ...], migration: Migration) -> None:
        self.connection, self.url, self.source, self.schemas = place
        self.done = done
        self.migration = migration
        self.empty: tuple[str, ...] = ()
        self.broken = False

    def findings(self) -> Iterator[Finding]:
        """Take the file through its stages and yield what is wrong."""
        before = self._state()
        try:
            self._apply()
        except RunnerError as error:
            self.broken = True
            yield Finding("apply", f"{error.message} ({error.place})" if error.place else error.message)
            return
        self.empty = rows.fill(self.connection, besides=ledger.TABLE)
        first = self._state()
        yield from self._repeat(first)
        yield from self._order(first)
        if not self.broken:
            yield from self._undo(before, first)

    def _state(self) -> _State:
        recorded = ledger.read(self.connection, series=self.migration.series) or ()
        return _State(
            catalog.snapshot(self.connection, besides=ledger.TABLE, schemas=self.schemas),
            rows.contents(self.connection, besides=ledger.TABLE, schemas=self.schemas),
            tuple(sorted(row.version for row in recorded)),
        )

    def _apply(self) -> None:
        previous = self.done[-1].version if self.done else None
        has_ledger = ledger.read(self.connection, series=self.migration.series) is not None
        access = Access(self.connection, lambda: database.connect(self.url, source=self.source))
        for _ in apply.apply(
            access, [self.migration], Before(has_ledger, previous), Limits(statement_timeout=0)
        ):
            pass

    def _repeat(self, first: _State) -> Iterator[Finding]:
        """Run the file again, as psql -1 would, or psql alone for a file without a transaction."""
        begin = "begin read write; set local" if self.migration.in_transaction else "set"
        settings = f"{begin} row_security = off; {begin.rpartition(';')[2]} statement_timeout = 0"
        database.run(self.connection, settings)  # as migrate does
        error = database.failure(database.send(self.connection, self.migration.sql))
        if self.migration.in_transaction:
            database.run(self.connection, "rollback" if error else "commit")
        database.put_back(self.connection)
        if error:
            yield Finding("repeat", f"it cannot be run twice: {error.diag.message_primary}")
        yield from _changes("repeat", first, self._state(), left="was made by the second run")

    def _order(self, first: _State) -> Iterator[Finding]:
        """Try the rollback of the file before this one, which must refuse while this one is recorded."""
        earlier = self.done[-1] if self.done else None
        if earlier is None or earlier.rollback is None:
            return
        if psql.run_file(Path(earlier.rollback), self.url, source=self.source) is None:
            self.broken = True
            yield Finding(
                "order", f"the rollback of {earlier.label} ran although this file is still recorded"
            )
        elif changes := tuple(_changes("order", first, self._state(), left="was made")):
            self.broken = True
            yield from changes

    def _undo(self, before: _State, first: _State) -> Iterator[Finding]:
        """Run the rollback with psql, compare with the time before the file, and apply the file again."""
        if self.migration.rollback is None:
            yield Finding("undo", "it has no rollback file")
            return
        if error := psql.run_file(Path(self.migration.rollback), self.url, source=self.source):
            yield Finding("undo", f"the rollback failed: {error}")
            return
        after = self._state()
        yield from _changes("undo", before, after, left="is left over", thinned=_thinned(before, first))
        if after.recorded != before.recorded:
            self.broken = True  # what is recorded is not applied again
            return
        try:
            self._apply()
        except RunnerError as problem:
            self.broken = True
            yield Finding("again", f"after its rollback it cannot be applied: {problem.message}")
            return
        rows.fill(self.connection, besides=ledger.TABLE)
        again = self._state()
        for difference in catalog.compare(first.schema, again.schema):
            yield Finding(
                "again", difference.told(expected="the first time", extra="was not there the first time")
            )


def _thinned(before: _State, first: _State) -> set[str]:
    """Return the tables of which a file dropped a column: no rollback brings its values back."""
    gone = before.schema.keys() - first.schema.keys()
    return {name.rpartition(".")[0] for kind, name in gone if kind == "column"}


def _changes(
    stage: str, before: _State, after: _State, *, left: str, thinned: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield what differs between two moments that should be alike; of ``thinned`` tables rows are counted."""
    for difference in catalog.compare(before.schema, after.schema):
        yield Finding(stage, difference.told(expected="before it was", extra=left))
    for table, (count, digest) in before.contents.items():
        now = after.contents.get(table)
        expected = (count, now[1]) if now and table in thinned else (count, digest)
        if count and now is not None and now != expected:
            rows_now = f"{now[0]} rows instead of {count}" if now[0] != count else "other rows than before"
            yield Finding(stage, f"table {table} holds {rows_now}")
    if before.recorded != after.recorded:
        was, now_is = (", ".join(state.recorded) or "nothing" for state in (before, after))
        yield Finding(stage, f"the ledger records {now_is} instead of {was}")
