"""Judge what a rollback left of the rows of tables: what it should have put back, and what it could not."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from runner.schema import contents, fired, sequence, verdict
from runner.schema.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.schema.contents import Row, Table
    from runner.schema.moment import Moment
    from runner.schema.verdict import Judge


class History(NamedTuple):
    """The moments of a file: before it, behind it, before its rollback, and after that; and what was run."""

    before: Moment
    first: Moment
    last: Moment
    after: Moment
    text: str


def undone(
    judge: Judge, history: History, made: Mapping[str, Sequence[Row]], *, keeps_data: bool
) -> tuple[list[Finding], list[str]]:
    """Return what the rollback left, and what became of rows that it could not put back.

    ``made`` are rows that were made while the file was tried. A file may fill in what was null, delete a
    part of the rows, drop columns and tables: their contents are lost, and the header of the rollback
    says so. What it puts in, the rollback takes out again.
    """
    before, after = history.before, history.after
    findings, notes = list(judge.objects(before, after)), []
    for name, table in verdict.both(before, after):
        if table.is_view:
            continue
        for is_fault, text in _Undone(name, history, made).judge():
            if is_fault and not keeps_data:
                findings.append(Finding(judge.stage, f"rows of {name}", f"table {name} {text}"))
            else:
                notes.append(f"table {name} {text}")
    findings += judge.sequences(before, after)
    for one, other in ((before, history.first), (history.last, after)):
        findings += [judge.stands(*found) for found in sequence.set_back(one, other)]
    return findings, notes


class _Undone:
    """The rows of one table before a file, behind it, before its rollback and after it."""

    def __init__(self, name: str, history: History, made: Mapping[str, Sequence[Row]]) -> None:
        self.before = history.before.tables[name]
        self.after = history.after.tables[name]
        last = history.last.kin(self.before)
        self.first, self.last = contents.whole(history.first.kin(self.before)), contents.whole(last)
        self.made = [row for one in last for row in made.get(one.name, ())]
        gone = made.keys() - history.before.tables.keys() - history.after.tables.keys()
        self.moved = [row for name in gone for row in made[name]]  # which the rollback may have put here
        self.history = history

    def judge(self) -> Iterator[tuple[bool, str]]:
        """Yield for each difference whether it is a fault, and how it is told."""
        if self.before.oid != self.after.oid:
            if self.before.rows:
                by_file = self.first is None or self.before.oid not in self.first.members
                yield not by_file, "is another one now: what it held is gone"
            return
        if self.first is None or self.last is None:
            return
        names = contents.kept(self.before, self.after)
        for name in sorted(self.before.columns.keys() & self.after.columns.keys() - names):
            if self.before.rows and not self.after.columns[name].is_generated:
                by_file = name not in contents.kept(self.before, self.first) and not self._is_renamed(name)
                yield not by_file, f"has {self._part(name)} made anew: what it held is gone"
        if self.last.members != self.after.members:  # a partition that goes takes rows along that came since
            held = contents.parts(self.after.rows, names)
            self.made = [row for row in contents.parts(self.made, names) if row in held]
        difference = contents.shift(self.before, self.after, names, more=self.made)
        if added := [row for row in difference.added if not self._is_moved(row)]:
            is_log = self._is_log(self.last)
            what = "that a trigger wrote down" if is_log else "that the rollback should take out"
            yield not is_log, f"keeps {_rows(added)} {what}"
        yield from self._lost(difference.lost, self.first, self.last)
        yield from self._changed(difference.changed, self.first)

    def _is_moved(self, row: Row) -> bool:
        names = set(self.before.key) or row.keys()
        pairs = ((names & one.keys(), one) for one in self.moved)
        return any(same and all(row[name] == one[name] for name in same) for same, one in pairs)

    def _is_log(self, last: Table) -> bool:
        """Tell whether a trigger writes down here what happens, in the rollback as well: no text names it."""
        came = contents.shift(last, self.after).added
        named = re.search(rf"\b{re.escape(last.name.rpartition('.')[2])}\b", self.history.text)
        return bool(came) and not named and fired.may_write(last.name, self.history.last, self.history.after)

    def _is_renamed(self, name: str) -> bool:
        """Tell whether the file only gives a column another name."""
        others = self.first.columns.items() if self.first else ()
        return any(c.number == self.before.columns[name].number for other, c in others if other != name)

    def _part(self, name: str) -> str:
        is_whole = self.before.columns[name].number != self.after.columns[name].number
        return f"column {name}" if is_whole else f"an attribute in column {name}"

    def _lost(self, lost: Sequence[Row], first: Table, last: Table) -> Iterator[tuple[bool, str]]:
        """Tell what the rollback takes from what the file itself has deleted, if not all there was."""
        if not lost:
            return
        if not self.before.rows:  # no row could be there then: the first partition comes with the file
            yield False, f"keeps none of {_rows(lost)} that came behind the file"
            return
        names = contents.kept(last, self.after) & lost[0].keys()
        # A row that the file has changed as well is known by its key, else by what was not null.
        if self.before.key and set(self.before.key) <= names:
            names = frozenset(self.before.key)
        taken = contents.shift(last, self.after, names).lost
        gone, expected = contents.parts(lost, names), len(self.before.rows) + len(self.made)
        is_emptied = len(contents.shift(self.before, last, names, more=self.made).lost) == expected
        if any(_is_filled(row, one) for row in gone for one in taken) or is_emptied or not first.rows:
            yield True, f"holds {len(self.after.rows)} rows instead of {expected}"
        else:
            yield False, f"lost {_rows(lost)} to the file"

    def _changed(self, changed: Sequence[tuple[Row, Row]], first: Table) -> Iterator[tuple[bool, str]]:
        """Tell what was null and is filled in, or was of another type for a while, from what just differs."""
        if not changed:
            return
        other_types = {
            name for name, column in self.before.columns.items()
            if name in first.columns and first.columns[name].type != column.type
            and not self._is_wiped(name, first)
        }  # fmt: skip
        along, following = self._along(first)
        faults, rest = [], []
        for old, new in changed:
            filled = _filled(old, new)
            wrong = _differing(old, new) - filled - other_types - following - (along if filled else set())
            if wrong:
                faults.append(({name: old[name] for name in old if name in wrong}, new))
            else:
                rest.append((old, new))
        if faults:
            yield True, f"holds other rows than before{verdict.example(faults)}"
        if retyped := [pair for pair in rest if _differing(*pair) & other_types - _filled(*pair)]:
            told = verdict.example(retyped)
            yield False, f"holds other values where the type was another for a while{told}"
        if filled_in := [pair for pair in rest if pair not in retyped and _filled(*pair)]:
            yield False, f"keeps what the file filled in{verdict.example(filled_in)}"

    def _along(self, first: Table) -> tuple[set[str], set[str]]:
        """Return the columns that changed with the file in rows where it filled some in, and with others."""
        changed = contents.shift(self.before, first).changed
        along = {name for old, new in changed if _filled(old, new) for name in _differing(old, new)}
        return along, {name for pair in changed for name in _differing(*pair) if self._follows(name)}

    def _follows(self, name: str) -> bool:
        """Tell whether a column gets but the time of a change, or what a trigger makes of it."""
        is_time = fired.is_time(name, self.history.text)
        if is_time is not None:
            return is_time
        names = {one.name for one in (self.before, self.last) if one}
        return fired.is_kept(name, names, (self.history.before, self.history.last))

    def _is_wiped(self, name: str, first: Table) -> bool:
        """Tell whether the values of a column outlived another type, and only the rollback has lost them."""
        old, meanwhile, now = (
            Counter(row[name] for row in table.rows if name in row)
            for table in (self.before, first, self.after)
        )
        return (len(now) == 1 < min(len(old), len(meanwhile))) or (old == meanwhile and bool(old - now))


def _differing(old: Row, new: Row) -> set[str]:
    return {name for name, value in old.items() if value != new[name]}


def _filled(old: Row, new: Row) -> set[str]:
    return {name for name in _differing(old, new) if old[name] is None}


def _is_filled(old: Row, new: Row) -> bool:
    """Tell whether a row is the same but for what was null, if not all was."""
    return old == new or _differing(old, new) == _filled(old, new) < old.keys()


def _rows(rows: Sequence[Row]) -> str:
    return "a row" if len(rows) == 1 else f"{len(rows)} rows"
