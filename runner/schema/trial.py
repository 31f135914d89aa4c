"""Take one file through the stages of a proof, and gather what is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner import database, files
from runner.schema import contents, rows, verdict, wishes
from runner.schema.recast import miscast
from runner.schema.undone import History, undone
from runner.schema.verdict import Finding

if TYPE_CHECKING:
    from runner.model import Migration
    from runner.schema.bench import Bench
    from runner.schema.contents import Row
    from runner.schema.moment import Moment

_LOCKS = """
    select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()
"""
_KEEPS_DATA = re.compile(
    r"\A(?:[ \t]*(?:--[^\n]*)?\n)*?[ \t]*--[ \t]*runner:[ \t]*keeps-data[ \t]*$", re.MULTILINE
)


class Trial:
    """One file on a bench, stage by stage; ``found`` gathers what is wrong."""

    def __init__(self, bench: Bench, migration: Migration) -> None:
        self.bench = bench
        self.migration = migration
        self.stage = "apply"
        self.found: list[Finding] = []
        self.notes: list[str] = []
        self.empty: tuple[str, ...] = ()
        self.made: dict[str, list[Row]] = {}  # rows made since the file began
        self._numbers = wishes.numbers(migration.sql)

    def run(self) -> None:
        """Go through the stages."""
        before = self._prepare()
        applied = self._apply(before)
        if applied is None:
            return
        before, first = applied
        last = self._repeat(first, before.parts)
        self.stage = "order"
        self._order(last)
        if not self.bench.is_spoiled:
            self.stage = "undo"
            self._undo(before, first, last)
        self._name_empty(first)

    def _prepare(self) -> Moment:
        """Make rows of the kind that the file looks for, and return the moment before it."""
        filler = self.bench.filler
        if filler.made and (wanted := wishes.wishes(self.migration, filler.tables)):
            rows.add(filler, wanted)
        return self.bench.look()

    def _apply(self, before: Moment) -> tuple[Moment, Moment] | None:
        """Apply the file; where it fails over made-up rows, once more without those of its tables."""
        bench = self.bench
        error = bench.apply(self.migration)
        if error and bench.filler.has_rows and self.migration.in_transaction:
            rows.clear(bench.filler, wishes.mentioned(self.migration.sql, bench.filler.tables))
            before = self.bench.look()
            failed, error = error, bench.apply(self.migration)
            if error is None:
                self.notes.append(f"tried without those of its tables, for over them {failed.message}")
        if error:
            bench.is_spoiled = bench.could_not_apply = True
            self._find(f"{error.message} ({error.place})" if error.place else error.message)
            return None
        return before, self.bench.look()

    def _fill(self, moment: Moment, parts: frozenset[int]) -> Moment:
        """Make rows for the tables that changed, but not where bounds of partitions may count again."""
        rows.fill(self.bench.filler, moment.touched - parts, numbers=self._numbers)
        after = self.bench.look()
        for name, table in after.tables.items():
            if (earlier := moment.tables.get(name)) is not table:
                self.made[name] = contents.without_equal(table.rows, earlier.rows if earlier else ())
        return after

    def _repeat(self, first: Moment, parts: frozenset[int]) -> Moment:
        """Run the file again at once; then over rows that came since, and again when those changed."""
        self.stage = "repeat"
        judge = partial(self._judge, left="was made by the second run")  # perhaps in another session
        last = self._once_more()
        self.found += judge().differences(first, last)
        filled = self._fill(replace(last, touched=first.touched | last.touched), parts)
        if self.found:
            return filled
        last = self._once_more()
        found = list(judge().differences(filled, last, may_rows_change=True))
        if not found and verdict.rows_changed(filled, last):
            third = self._once_more()
            if again := list(judge().differences(last, third)):
                found = list(judge().differences(filled, last)) or again
            last = third
        self.found += found
        return last

    def _once_more(self) -> Moment:
        """Run the file once more, and see that it leaves no lock to the session."""
        connection = self.bench.connection
        error = self.bench.run(self.migration)
        database.put_back(connection)
        if error:
            self._find(f"it cannot be run twice: {error.diag.message_primary}")
        if database.query(connection, _LOCKS)[0][0]:
            self._find("it leaves an advisory lock of the session behind")
        database.start_over(connection)
        self.bench.renew(self.migration.sql)
        return self.bench.look()

    def _judge(self, *, left: str) -> verdict.Judge:
        return verdict.Judge(self.stage, left, self.bench.connection)

    def _find(self, text: str) -> None:
        self.found.append(Finding(self.stage, "", text))

    def _order(self, last: Moment) -> None:
        """Try the rollback of the file before this one, which must refuse while this one is recorded."""
        earlier = self.bench.done[-1] if self.bench.done else None
        if earlier is None or earlier.rollback is None:
            return
        refused = self.bench.psql(Path(earlier.rollback))
        judge = self._judge(left=f"was made by the rollback of {earlier.label}")
        changes = list(judge.differences(last, self.bench.look()))
        if refused is None:
            text = f"the rollback of {earlier.label} ran although this file is still recorded"
            changes = [Finding("order", "", text)]
        self.bench.is_spoiled = bool(changes)
        self.found += changes

    def _undo(self, before: Moment, first: Moment, last: Moment) -> None:
        """Run the rollback with psql, compare with the time before the file, and apply the file again."""
        if self.migration.rollback is None:
            self._find("it has no rollback file")
            return
        rollback = Path(self.migration.rollback)
        error, last = self._roll_back(rollback, before, last)
        if error:
            self._find(f"the rollback failed: {error}")
            return
        after = self.bench.look()
        judge = self._judge(left="is left over")
        undo = rollback.read_text(encoding="utf-8", errors="replace")
        text = ";".join(map(files.blanked, (self.migration.sql, undo)))
        keeps_data, history = bool(_KEEPS_DATA.match(undo)), History(before, first, last, after, text)
        findings, notes = undone(judge, history, self.made, keeps_data=keeps_data)
        self.found += findings
        self.notes += notes
        if after.recorded != before.recorded:
            self.bench.is_spoiled = True  # what is recorded is not applied again
        else:
            self._again(history, keeps_data=keeps_data)

    def _roll_back(self, file: Path, before: Moment, last: Moment) -> tuple[str | None, Moment]:
        """Run the rollback; rows moved to a table of the file's own shall not meet those made there."""
        error, filler = self.bench.psql(file), self.bench.filler
        new = {one.oid for one in last.tables.values()} - {one.oid for one in before.tables.values()}
        drawn = frozenset().union(*(one.draws for oid, one in filler.tables.items() if oid not in new))
        new = {oid for oid in new & filler.tables.keys() if filler.tables[oid].draws <= drawn}
        if error and "duplicate key" in error and any(map(filler.made.get, new)):
            rows.clear(filler, new)
            last, failed = self.bench.look(), error.splitlines()[0]
            if (error := self.bench.psql(file)) is None:
                self.notes.append(f"rolled back without rows in the tables it made: {failed}")
        return error, last

    def _again(self, history: History, *, keeps_data: bool) -> None:
        self.stage = "again"
        if problem := self.bench.apply(self.migration):
            self.bench.is_spoiled = True
            self._find(f"after its rollback it cannot be applied: {problem.message}")
            return
        first, again = history.first, self.bench.look()
        self.found += self._judge(left="was not there the first time").objects(first, again)
        for name, column in () if keeps_data else miscast(history, again):
            text = f"table {name} gets other values in {column} back than it held before the file"
            self.found.append(Finding("undo", f"rows of {name}", text))
        tables = self.bench.filler.tables
        full = {table.oid for table in again.tables.values() if table.rows}
        new = {oid for oid in again.touched | first.touched if oid not in tables or oid not in full}
        rows.fill(self.bench.filler, new, numbers=self._numbers)
        self.bench.look()

    def _name_empty(self, first: Moment) -> None:
        filler = self.bench.filler
        concerned = wishes.mentioned(self.migration.sql, filler.tables) | first.touched
        self.empty = tuple(sorted(name for oid, name in filler.empty.items() if oid in concerned))
        self.notes += [f"{name}: {why}" for name, why in filler.failed.items()]
