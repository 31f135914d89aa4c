"""Run one file in a transaction that is rolled back, and note what each statement does."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner import database, files
from runner.locks import between, live, loss, outside, probe, whole
from runner.locks.effect import Loss, Traced, Work
from runner.locks.loss import Losses

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.errors import Place
    from runner.files import Statement
    from runner.locks.loss import Dropped
    from runner.locks.probe import Probe
    from runner.model import Migration
    from runner.schema import Bench

# A scan that an index can avoid is avoided, however small the table is here. Names are compared as they are.
_BEGIN = """
    begin isolation level read committed read write;
    set local statement_timeout = 0; set local enable_seqscan = off; set local enable_indexscan = on;
    set local enable_bitmapscan = on; set local quote_all_identifiers = off
"""
_TELL = f"set local client_min_messages = debug1; {loss.WATCHING}"
_NAME = "select %s::pg_catalog.regclass::text"  # a block may give it another one
_TEXT = 120  # characters of a statement
_BLOCK = "a block, traced as a whole"
_DELETED_FROM = (*between.RELATIONS, "view")


class Existing(dict[int, "probe.Relation"]):
    """What existed before the first pending file; ``first_new`` is the first number that nothing had.

    ``outside`` is what the live server has beside its databases, if that is known, as ``live.outside`` tells.
    """

    first_new = 0
    outside: Collection[tuple[str, str]] | None = None

    def is_live(self, kind: str, name: str) -> bool:
        """Tell whether the live server may have something, as far as it is asked for such."""
        return self.outside is None or kind not in live.KINDS or (kind, name) in self.outside


def existing(here: Bench) -> Existing:
    """Return what exists on a bench. Does not write."""
    found = Existing(probe.relations(here.connection, besides=here.filler.besides))
    found.first_new = loss.next_number(here.connection)
    return found


def run(here: Bench, migration: Migration, known: Existing) -> tuple[tuple[Traced, ...], str | None]:
    """Return the statements of a file, up to the first that failed, and why it did. Leaves no change."""
    if files.remakes(migration.sql):
        here.renew()
    connection = here.connection
    database.run(connection, _BEGIN)
    try:
        running = _Run(here, migration, known)
        problem = running.go()
        return between.with_meanwhile(running.settled()), problem
    except database.Error as error:
        return (), files.masked(str(error).strip())
    finally:
        database.roll_back(connection)
        database.start_over(connection)
        here.renew(migration.sql)  # what it set of its own stays there as an empty text


class _Run:
    """A file in the open transaction of a bench, and what is known of its statements so far."""

    def __init__(self, here: Bench, migration: Migration, known: Existing) -> None:
        self.connection = here.connection
        self.migration = migration
        self.known = known
        self.losses = Losses(here.connection, known)
        self.before = probe.look(here.connection, known)
        self.done: list[Traced] = []
        self.drops: list[tuple[int, Dropped]] = []  # which statement

    def go(self) -> str | None:
        """Run the statements; return what the server said of the first that failed."""
        for statement in files.scan(self.migration.sql).statements:
            place = files.locate(self.migration.sql, statement.start, path=self.migration.path)
            if error := self._step(statement, place):
                return f"{place}: {error}"
        return None

    def _step(self, statement: Statement, place: Place) -> str | None:
        heard = database.Notices()
        text = self.migration.sql[statement.start : statement.end]
        database.run(self.connection, _TELL)
        with database.hearing(self.connection, heard.hear):
            error = database.failure(database.send(self.connection, text))
        if error:
            return error.diag.message_primary or str(error)
        database.speak_plainly(self.connection)
        now = probe.look(self.connection, self.known)
        works = probe.works(
            self.known,
            (self.before, now),
            [one.message_primary for one in heard.kept],
            truncates=statement.word in probe.EMPTYING,
        )
        effects = tuple(between.effects(self.known, self.before, now, works))
        losses = tuple(dict.fromkeys(self._lost(statement, now, works)))
        note = _BLOCK if statement.word == "do" else None
        self.done.append(Traced(place, shown(text), effects, losses, note))
        self.before = now
        return None

    def _lost(
        self, statement: Statement, now: Probe, works: Mapping[int, Collection[Work]]
    ) -> Iterator[Loss]:
        named = loss.named(statement, self.migration.sql, self.known, in_transaction=True)
        for one in (*self.losses.dropped(), *named):
            self.drops.append((len(self.done), one))
            yield loss.drop(one)
        is_type = re.match(r"alter\s+type\b", statement.code, re.IGNORECASE)
        if is_type or any("AccessExclusiveLock" in modes for modes in now.locks.values()):
            yield from self.losses.narrowed()
        yield from self._replaced(statement)
        yield from loss.emptied(works, self._emptied(statement, now), self.known)

    def _replaced(self, statement: Statement) -> Iterator[Loss]:
        """Yield the columns of what existed before whose old values a new type does not ask for."""
        for name, column in outside.replaced(statement, self.migration.sql):
            for (oid, _), one in self.losses.columns.items():
                if one.name == column and oid in self.known and outside.is_named(self.known[oid], name):
                    yield Loss(f"drops the values of {self.known[oid].name}.{column}", is_data=True)

    def _emptied(self, statement: Statement, now: Probe) -> Iterator[int]:
        """Yield what a statement deletes from without a condition, as far as one can see."""
        names = () if whole.is_only_kept(statement) else loss.unconditional(statement, self.migration.sql)
        named = [
            oid
            for name in names
            for oid, one in self.known.items()
            if oid in now.locks and one.kind in _DELETED_FROM and outside.is_named(one, name)
        ]
        yield from named or self._planned(statement)
        if whole.is_chosen(statement):
            return
        for oid, state in now.states.items():
            if state.deleted > self.before.states[oid].deleted and self._is_empty(oid):
                yield oid

    def _planned(self, statement: Statement) -> Iterator[int]:
        """Yield what the server's plan deletes from whole, whatever the text looks like."""
        text = self.migration.sql[statement.start : statement.end]
        found = whole.deleted(self.connection, statement.word, text)
        yield from (oid for oid, one in self.known.items() if outside.plain(one.name) in found)

    def _is_empty(self, oid: int) -> bool:
        """Tell whether a table has no row left: what a block or a function has deleted shows no condition."""
        [(name,)] = database.query(self.connection, _NAME, oid)
        return not database.query_quoted(self.connection, loss.row_of(self.known[oid]._replace(name=name)))

    def settled(self) -> list[Traced]:
        """Return the statements; what was dropped and made again later, and holds no data, is no loss."""
        if not database.in_transaction(self.connection):
            return self.done
        for number, one in self.drops:
            gone = loss.drop(one)
            if not gone.is_data and self.losses.is_there(one):
                left = tuple(other for other in self.done[number].losses if other != gone)
                self.done[number] = replace(self.done[number], losses=left)
        return self.done


def shown(text: str) -> str:
    """Return the first words of a statement, without its passwords."""
    words = " ".join(files.masked(text).rstrip().removesuffix(";").split())
    return words if len(words) <= _TEXT else f"{words[: _TEXT - 1].rstrip()}…"
