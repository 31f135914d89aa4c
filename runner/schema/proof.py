"""Prove of each file, in a scratch database, that it may be run twice and can be undone.

The stages of a file: **apply** as ``migrate`` does, over rows in every table; **repeat** the file, which must
change nothing, and once more over rows that came since; **order**: the rollback of the file before it must
refuse; **undo** with psql, after which everything must be as before; **again**: apply once more, with the
same result as the first time. After each stage the ledger must say what the objects say.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner import apply, database, ledger, plan
from runner.database import Access
from runner.errors import RunnerError
from runner.model import Before
from runner.schema import contents, psql, rows, scratch, verdict, wishes
from runner.schema.moment import Watcher
from runner.schema.rows import Filler
from runner.schema.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.moment import Moment

_LOCKS = """
    select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()
"""
_KEEPS_DATA = re.compile(
    r"\A(?:[ \t]*(?:--[^\n]*)?\n)*?[ \t]*--[ \t]*runner:[ \t]*keeps-data[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of one file: nothing, if it is proven.

    ``empty`` names its tables that stayed without a row, so that nothing is known of their contents;
    ``notes`` say which rows it changed for good, as it may; ``needs`` are extensions the server lacks, so
    that the file was not tried; ``untried`` says why else it was not.
    """

    migration: Migration
    findings: tuple[Finding, ...] = ()
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    untried: str | None = None

    @property
    def is_proven(self) -> bool:
        """Whether the file was tried and stood."""
        return not (self.findings or self.needs or self.untried)


def prove(
    migrations: Sequence[Migration], url: str, *, source: str, begin: int = 0, own: Path | None = None
) -> Iterator[Proof]:
    """Yield a proof per file, in order, from scratch databases on the server of ``url``. Writes only there.

    Files before the number ``begin`` are applied only. A database that a file has spoiled is replaced by a
    fresh one; behind a file that cannot be applied, nothing is tried. ``own`` is a folder with the
    project's own rows, one file per table.
    """
    with database.connect(url, source=source) as connection:
        extensions = plan.available(connection, {name for one in migrations for name in one.requires})
    with _Benches(url, source, own) as benches:
        failed: str | None = None
        for migration in migrations:
            if needs := tuple(name for name in migration.requires if name not in extensions):
                yield Proof(migration, needs=needs)
            elif migration.number < begin:
                benches.done.append(migration)
            elif failed:
                yield Proof(migration, untried=failed)
            else:
                proof = benches.prove(migration)
                yield proof
                failed = benches.failed
                benches.done.append(migration)


class _Benches:
    """One scratch database after the other, each with the files ``done`` applied."""

    def __init__(self, url: str, source: str, own: Path | None) -> None:
        self.url = url
        self.source = source
        self.own = own
        self.done: list[Migration] = []
        self.failed: str | None = None
        self._stack = ExitStack()
        self._bench: _Bench | None = None

    def __enter__(self) -> _Benches:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def prove(self, migration: Migration) -> Proof:
        """Prove a file behind those that are done; a file that fails over made-up rows is tried without."""
        try:
            bench = self._bench or self._open(with_rows=True)
        except (RunnerError, database.Error) as error:
            self.failed = f"{self.done[-1].label if self.done else 'the scratch database'}: {error}"
            return Proof(migration, untried=self.failed)
        proof = bench.prove(migration)
        if bench.could_not_apply and bench.has_rows:
            self._close()
            bench = self._open(with_rows=False)
            proof = bench.prove(migration)
        if bench.could_not_apply:
            self.failed = f"{migration.label} cannot be applied"
        if bench.is_spoiled:
            self._close()
        return proof

    def _open(self, *, with_rows: bool) -> _Bench:
        self._bench = self._stack.enter_context(
            _bench(self.url, self.source, self.own, self.done, with_rows=with_rows)
        )
        return self._bench

    def _close(self) -> None:
        self._bench = None
        self._stack.close()


@contextmanager
def _bench(
    url: str, source: str, own: Path | None, done: Sequence[Migration], *, with_rows: bool
) -> Iterator[_Bench]:
    with (
        scratch.scratch_database(url, source=source) as there,
        database.connect(there, source=source, application="runner:proof") as working,
        database.connect(there, source=source, application="runner:watch") as watching,
    ):
        yield _Bench(working, watching, there, source, own, done, with_rows=with_rows)


class _Bench:
    """A scratch database in which one file after the other is proven."""

    def __init__(
        self,
        working: Connection,
        watching: Connection,
        url: str,
        source: str,
        own: Path | None,
        done: Sequence[Migration],
        *,
        with_rows: bool,
    ) -> None:
        self.connection = working
        self.url = url
        self.source = source
        self.done = list(done)
        self.is_spoiled = False
        self.could_not_apply = False
        self.watcher = Watcher(watching, working, done[0].series if done else "")
        self.filler = Filler(working, ledger.TABLE, own)
        self.watcher.look()
        if done:
            self._apply(done, None)
            self.watcher.look()
            if with_rows:
                rows.fill(self.filler)
            else:
                rows.learn(self.filler, None)

    @property
    def has_rows(self) -> bool:
        """Whether rows were made that a file may trip over."""
        return any(self.filler.made.values())

    def prove(self, migration: Migration) -> Proof:
        """Take a file through its stages."""
        self.watcher.series = migration.series
        trial = _Trial(self, migration)
        try:
            trial.run()
        except (database.Error, RunnerError) as error:
            self.is_spoiled = True
            trial.found.append(Finding(trial.stage, "", f"{trial.stage} failed: {str(error).strip()}"))
        self.done.append(migration)
        findings = tuple(verdict.once(trial.found))
        return Proof(migration, findings, trial.empty, tuple(dict.fromkeys(trial.notes)))

    def _apply(self, migrations: Sequence[Migration], previous: Migration | None) -> None:
        access = Access(self.connection, lambda: database.connect(self.url, source=self.source))
        has_ledger = self.watcher.moment.has_ledger
        before = Before(has_ledger, previous.version if previous else None)
        for _ in apply.apply(access, migrations, before):
            pass

    def apply(self, migration: Migration) -> RunnerError | None:
        """Apply a file; return what went wrong."""
        try:
            self._apply([migration], self.done[-1] if self.done else None)
        except RunnerError as error:
            return error
        return None


class _Trial:
    """One file on a bench, stage by stage; ``found`` gathers what is wrong."""

    def __init__(self, bench: _Bench, migration: Migration) -> None:
        self.bench = bench
        self.migration = migration
        self.stage = "apply"
        self.found: list[Finding] = []
        self.notes: list[str] = []
        self.empty: tuple[str, ...] = ()
        self.made: dict[str, list[dict[str, str | None]]] = {}  # rows made since the file began
        self._numbers = wishes.numbers(migration.sql)

    def run(self) -> None:
        """Go through the stages."""
        before = self._prepare()
        applied = self._apply(before)
        if applied is None:
            return
        before, first = applied
        last = self._repeat(first)
        self.stage = "order"
        self._order(last)
        if not self.bench.is_spoiled:
            self.stage = "undo"
            self._undo(before, first, last)
        self._name_empty(first)

    def _look(self) -> Moment:
        return self.bench.watcher.look()

    def _prepare(self) -> Moment:
        """Make rows of the kind that the file looks for, and return the moment before it."""
        filler = self.bench.filler
        wanted = wishes.wishes(self.migration, filler.tables)
        if wanted and filler.made:
            rows.add(filler, wanted)
        return self._look()

    def _apply(self, before: Moment) -> tuple[Moment, Moment] | None:
        """Apply the file; where it fails over made-up rows, once more without those of its tables."""
        bench = self.bench
        error = bench.apply(self.migration)
        if error and bench.has_rows and self.migration.in_transaction:
            rows.clear(bench.filler, wishes.mentioned(self.migration.sql, bench.filler.tables))
            before = self._look()
            error = bench.apply(self.migration)
        if error:
            bench.is_spoiled = bench.could_not_apply = True
            text = f"{error.message} ({error.place})" if error.place else error.message
            self.found.append(Finding("apply", "", text))
            return None
        return before, self._look()

    def _fill(self, moment: Moment) -> Moment:
        """Make rows for the tables that changed, and take note of them."""
        rows.fill(self.bench.filler, moment.touched, numbers=self._numbers)
        after = self._look()
        for name, table in after.tables.items():
            if (earlier := moment.tables.get(name)) is not table:
                self.made[name] = contents.without_equal(table.rows, earlier.rows if earlier else ())
        return after

    def _repeat(self, first: Moment) -> Moment:
        """Run the file again at once; then over rows that came since, and again when those changed."""
        self.stage = "repeat"
        judge = verdict.Judge("repeat", left="was made by the second run")
        last = self._once_more()
        self.found += judge.strictly(first, last)
        filled = self._fill(replace(last, touched=first.touched | last.touched))
        if self.found:
            return filled
        last = self._once_more()
        found = list(judge.leniently(filled, last))
        if not found and verdict.rows_changed(filled, last):
            third = self._once_more()
            if any(judge.strictly(last, third)):
                found = list(judge.strictly(filled, last)) or list(judge.strictly(last, third))
            last = third
        self.found += found
        return last

    def _once_more(self) -> Moment:
        """Run the file as psql -1 would, or psql alone for a file without a transaction."""
        connection = self.bench.connection
        if self.migration.in_transaction:
            database.run(connection, "begin")
        error = database.failure(database.send(connection, self.migration.sql))
        if self.migration.in_transaction:
            ended = database.failure(database.send(connection, "rollback" if error else "commit"))
            error = error or ended
        database.put_back(connection)
        if error:
            self.found.append(Finding("repeat", "", f"it cannot be run twice: {error.diag.message_primary}"))
        if database.query(connection, _LOCKS)[0][0]:
            self.found.append(Finding("repeat", "", "it leaves an advisory lock of the session behind"))
        database.start_over(connection)
        if not self.migration.in_transaction:
            self.bench.watcher.settle()
        return self._look()

    def _order(self, last: Moment) -> None:
        """Try the rollback of the file before this one, which must refuse while this one is recorded."""
        earlier = self.bench.done[-1] if self.bench.done else None
        if earlier is None or earlier.rollback is None:
            return
        refused = self._psql(Path(earlier.rollback))
        judge = verdict.Judge("order", left=f"was made by the rollback of {earlier.label}")
        changes = list(judge.strictly(last, self._look()))
        if refused is None:
            changes = [
                Finding(
                    "order", "", f"the rollback of {earlier.label} ran although this file is still recorded"
                )
            ]
        self.bench.is_spoiled = bool(changes)
        self.found += changes

    def _undo(self, before: Moment, first: Moment, last: Moment) -> None:
        """Run the rollback with psql, compare with the time before the file, and apply the file again."""
        bench = self.bench
        if self.migration.rollback is None:
            self.found.append(Finding("undo", "", "it has no rollback file"))
            return
        rollback = Path(self.migration.rollback)
        if error := self._psql(rollback):
            self.found.append(Finding("undo", "", f"the rollback failed: {error}"))
            return
        after = self._look()
        judge = verdict.Judge("undo", left="is left over")
        keeps_data = bool(_KEEPS_DATA.match(rollback.read_text(encoding="utf-8", errors="replace")))
        history = verdict.History(before, first, last, after)
        findings, notes = judge.undone(history, self.made, keeps_data=keeps_data)
        self.found += findings
        self.notes += notes
        if after.recorded != before.recorded:
            bench.is_spoiled = True  # what is recorded is not applied again
            return
        self._again(first)

    def _psql(self, file: Path) -> str | None:
        said = psql.run_file(file, self.bench.url, source=self.bench.source)
        self.bench.watcher.settle()
        return said

    def _again(self, first: Moment) -> None:
        self.stage = "again"
        if problem := self.bench.apply(self.migration):
            self.bench.is_spoiled = True
            text = f"after its rollback it cannot be applied: {problem.message}"
            self.found.append(Finding("again", "", text))
            return
        again = self._look()
        self.found += verdict.Judge("again", left="was not there the first time").objects(first, again)
        tables = self.bench.filler.tables
        full = {table.oid for table in again.tables.values() if table.rows}
        new = {oid for oid in again.touched | first.touched if oid not in tables or oid not in full}
        rows.fill(self.bench.filler, new, numbers=self._numbers)
        self._look()

    def _name_empty(self, first: Moment) -> None:
        """Take note of the tables of this file that have no rows."""
        filler = self.bench.filler
        concerned = wishes.mentioned(self.migration.sql, filler.tables) | first.touched
        self.empty = tuple(sorted(name for oid, name in filler.empty.items() if oid in concerned))
        self.notes += [f"{name}: {why}" for name, why in filler.failed.items()]
