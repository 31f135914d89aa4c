"""Judge how two moments of a proof differ, and say so in sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import files, ledger
from runner.schema import alteration, catalog, contents, wording
from runner.schema.difference import diff, is_given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.database import Connection
    from runner.schema.catalog import Snapshot
    from runner.schema.contents import Row, Table
    from runner.schema.difference import Difference
    from runner.schema.moment import Moment
    from runner.schema.sequence import Sequence as Sequence_

_LONG = 60  # characters of a definition that fit into a sentence
# Values of settings that may be secrets: a hash of one of somebody's own, and lines of postgresql.auto.conf.
_SECRET = r"(?m)(=)\*[0-9a-f]{64}\b|^((?:\w+\.[\w.$]+|\w+_conninfo|\w+_command) = ).*$"
_GIVEN = re.compile(r"^table constraint \S*_not_null\d* on ")  # its column says whether it is there
_LEDGER = ledger.TABLE.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a stage of a file did that it must not do; ``subject`` is the object, as in `table public.a`.

    ``diff`` are the lines of a definition that changed.
    """

    stage: str
    subject: str
    text: str
    diff: tuple[str, ...] = ()


def once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what an earlier stage has said of the same object."""
    told: dict[str, str] = {}
    for finding in dict.fromkeys(findings):
        if not finding.subject or told.setdefault(finding.subject, finding.stage) == finding.stage:
            yield finding


def rows_changed(before: Moment, after: Moment) -> bool:
    """Tell whether any row or sequence differs."""
    return before.sequences != after.sequences or any(
        contents.shift(table, after.tables[name]) for name, table in both(before, after)
    )


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges one stage; ``left`` tells of an object that was not there before.

    ``connection`` leads to the scratch database, which knows what is only another wording.
    """

    stage: str
    left: str
    connection: Connection

    def differences(
        self, before: Moment, after: Moment, *, may_rows_change: bool = False
    ) -> Iterator[Finding]:
        """Yield all that differs; rows that came since may be changed, but a table is not emptied."""
        yield from self.objects(before, after)
        for name, table in both(before, after):
            now = after.tables[name]
            if text := _rows_told(table, now, may_change=may_rows_change):
                kind = "materialized view" if now.is_view else "table"
                yield Finding(self.stage, f"rows of {name}", f"{kind} {name} {text}")
        yield from self.sequences(before, after)

    def objects(self, before: Moment, after: Moment) -> Iterator[Finding]:
        """Yield what differs in the schema, on the server, and in the ledger."""
        old, new = _apart(before.schema, after.schema), _apart(after.schema, before.schema)
        # Columns in another order no rollback can help, and names that the server gives it need not.
        compared = catalog.compare(old, new)
        differences = [d for d in compared if d.attribute != "column order" and not is_given(d)]
        if differences:
            parents = catalog.parents(old, new)
            differences = list(wording.really(self.connection, differences, parents=parents))
        for difference in differences:
            yield self._told(difference)
        if not differences:
            yield from self._system(before, after)
        for name in sorted(before.server.keys() | after.server.keys()):
            was, now = before.server.get(name), after.server.get(name)
            if was != now:
                yield Finding(self.stage, name, _server_told(name, was, now, self.left))
        if before.recorded != after.recorded:
            was, now = (", ".join(moment.recorded) or "nothing" for moment in (before, after))
            yield Finding(self.stage, "the ledger", f"the ledger records {now} instead of {was}")

    def _told(self, difference: Difference) -> Finding:
        subject, old, new = difference.subject, difference.expected or "", difference.actual or ""
        is_short = max(len(old), len(new)) <= _LONG or not (old and new)
        if difference.attribute is None or difference.is_hidden or is_short:
            text = difference.told(expected="before it was", extra=self.left)
            return Finding(self.stage, subject, text)
        lines = diff(old, new, around=1)
        return Finding(self.stage, subject, f"{subject} has another {difference.attribute}", lines)

    def _system(self, before: Moment, after: Moment) -> Iterator[Finding]:
        """Yield what the server's catalogs say, for objects that the comparison of schemas does not know."""
        for change in alteration.compare(
            before.system, after.system, after.written_since(before), schemas=after.schemas
        ):
            is_new = _LEDGER in change.label and not (before.has_ledger and after.has_ledger)
            if is_new or _GIVEN.search(change.label):
                continue
            if change.attributes:
                name, *values = change.attributes[0]
                was, now = (files.masked(value) or "none" for value in values)
                text = f"{change.label} has {name} {now}, before it was {was}"
            else:
                text = f"{change.label} {'is missing' if change.is_gone else self.left}"
            yield Finding(self.stage, change.label, text)

    def sequences(self, before: Moment, after: Moment) -> Iterator[Finding]:
        """Yield sequences that stand elsewhere; one that a column owns may go on, as after a conflict."""
        if before.sequences == after.sequences:
            return
        for name, was in before.sequences.items():
            now = after.sequences.get(name)
            if now is None or was.value == now.value:
                continue
            if not was.owner or (self.stage == "repeat" and was.went_back(now)):
                yield self.stands(name, was, now)

    def stands(self, name: str, was: Sequence_, now: Sequence_) -> Finding:
        """Tell that a sequence stands elsewhere."""
        text = f"sequence {name} stands at {_place(now.value)} instead of {_place(was.value)}"
        return Finding(self.stage, f"value of {name}", text)


def both(before: Moment, after: Moment) -> Iterator[tuple[str, Table]]:
    """Yield the tables of both moments that may differ."""
    for name, table in before.tables.items():
        if name in after.tables and after.tables[name] is not table:
            yield name, table


def _apart(one: Snapshot, other: Snapshot) -> Snapshot:
    """Return the items that may differ: what was not read again is the same."""
    return {key: item for key, item in one.items() if other.get(key) is not item}


def _rows_told(was: Table, now: Table, *, may_change: bool) -> str | None:
    if was.oid != now.oid:
        return "is dropped and made anew: what it held is gone"
    anew = was.columns.keys() & now.columns.keys() - contents.kept(was, now)
    if was.rows and (lost := sorted(name for name in anew if not now.columns[name].is_generated)):
        return f"has column {lost[0]} dropped and made anew: what it held is gone"
    if (may_change and (now.rows or not was.rows)) or not (difference := contents.shift(was, now)):
        return None
    if len(now.rows) == len(was.rows):
        return f"holds other rows than before{example(difference.changed)}"
    return f"holds {len(now.rows)} rows instead of {len(was.rows)}"


def _server_told(name: str, was: str | None, now: str | None, left: str) -> str:
    if was is None and not name.startswith(("settings ", "rights ")):
        return f"{name} {left}"
    if now is None:
        return f"{name} is missing"
    new, old = (re.sub(_SECRET, r"\1\2***", text or "") or "none" for text in (now, was))
    return f"{name}: {new}, before it was {old}"


def example(changed: Sequence[tuple[Row, Row]]) -> str:
    """Return the first value that changed."""
    for old, new in changed:
        for name, value in old.items():
            if new[name] != value:
                was, now = (
                    "null" if x is None else repr(files.masked(x)[:_LONG]) for x in (value, new[name])
                )
                return f": {name} is {now}, was {was}"
    return ""


def _place(value: int | None) -> str:
    return "its start" if value is None else str(value)
