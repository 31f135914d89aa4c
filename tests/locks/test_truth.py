"""What is traced is what a second session meets: the lock it waits for, and the file that is new."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.locks.mode import MODES, Blocked, blocked, strongest
from tests.locks.cases import CASES, Case

if TYPE_CHECKING:
    from runner.locks.effect import Effect
    from tests.locks.conftest import Stage

# The manual's table 13.2: what each lock keeps waiting.
_ROWS = ["       x", "      xx", "    xxxx", "   xxxxx", "  xx xxx", "  xxxxxx", " xxxxxxx", "xxxxxxxx"]
CONFLICTS = {
    mode: frozenset(other for other, mark in zip(MODES, row, strict=True) if mark == "x")
    for mode, row in zip(MODES, _ROWS, strict=True)
}
_TABLES = """
    select oid::regclass::text from pg_class
    where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
"""
_FILES = """
    select c.relname::text, pg_relation_filenode(c.oid) from pg_class as c
    where c.relkind in ('r', 'm') and c.oid = any (%s)
"""
# What programs do, for relations that cannot be locked by hand.
_PROBES = {
    "summary": {
        Blocked.EVERYBODY: "select from public.summary",
        Blocked.WRITERS: "refresh materialized view concurrently public.summary",
    },
    "numbers": {Blocked.WRITERS: "select nextval('public.numbers')"},
}


class Session:
    """A session that has run a statement and stays in its transaction, seen from a second one."""

    def __init__(self, url: str, statement: str) -> None:
        self.first = psycopg.connect(url)
        self.second = psycopg.connect(url, autocommit=True)
        self.second.execute("set lock_timeout = '30ms'")
        self.tables = [name for (name,) in self.first.execute(_TABLES)]
        oids = [
            oid
            for (oid,) in self.first.execute(
                "select oid from pg_class where relnamespace = 'public'::regnamespace"
            )
        ]
        self.first.commit()
        before: dict[str, int] = dict(self.first.execute(_FILES, [oids]).fetchall())
        self.first.rollback()
        self.first.execute(statement.encode())
        now = self.first.execute(_FILES, [oids]).fetchall()
        self.rewritten = {name for name, file in now if file != before.get(name, file)}

    def waits(self, statement: str) -> bool:
        """Tell whether the second session has to wait."""
        try:
            with self.second.transaction(force_rollback=True):
                self.second.execute(statement.encode())
        except psycopg.errors.LockNotAvailable:
            return True
        return False

    def waiting(self, table: str) -> frozenset[str]:
        """Return the locks on a table that are not to be had now."""
        words = {
            mode: "".join(f" {c.lower()}" if c.isupper() else c for c in mode.removesuffix("Lock"))
            for mode in MODES
        }
        return frozenset(
            mode for mode in MODES if self.waits(f"lock table only {table} in{words[mode]} mode nowait")
        )

    def close(self) -> None:
        """End both sessions; a server may take its time to notice, so the locks are given back before."""
        self.first.rollback()
        self.first.close()
        self.second.close()


def _effects(stage: Stage, case: Case) -> dict[str, Effect]:
    [traced] = stage.trace(case.sql)
    return {effect.name.removeprefix("public."): effect for effect in traced.effects}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sql[:60])
def test_a_second_session_waits_for_what_is_traced(stage: Stage, case: Case) -> None:
    """Lock by lock on every table, and a file that is new where it is said to be rewritten."""
    effects = _effects(stage, case)
    told = {
        name: (effect.mode, str(effect.work))
        for name, effect in effects.items()
        if effect.blocked is not Blocked.NOBODY
    }
    with closing(Session(stage.here.url, case.sql)) as session:
        assert told == case.expected
        for table in session.tables:
            _check(session, table, effects)
        of_it = ("public.listed", "public.orders")
        either = [one.mode for one in effects.values() if one.name in of_it or one.table in of_it]
        waits = blocked(strongest(either)) is Blocked.EVERYBODY  # a view is read with its tables
        assert session.waits("select from public.listed") == waits
        for name, probes in _PROBES.items():
            mode = effects[name].mode if name in effects else None
            for who, probe in probes.items():
                assert session.waits(probe) == (blocked(mode).rank >= who.rank), probe
        files = {n for n, one in effects.items() if {"rewrites", "empties"} & set(one.works)}
        assert session.rewritten & {*session.tables, "summary"} == files


def _check(session: Session, table: str, effects: dict[str, Effect]) -> None:
    """Compare what the second session waits for on a table with its traced lock, and those on its indexes."""
    mode = effects[table].mode if table in effects else None
    assert session.waiting(table) == (CONFLICTS[mode] if mode else frozenset()), table
    indexes = [one.mode for one in effects.values() if one.table == f"public.{table}"]
    waits = blocked(strongest([mode, *indexes])) is Blocked.EVERYBODY
    assert session.waits(f"select from only {table}") == waits, table


def test_the_cases_are_many() -> None:
    """At least forty statements, and every lock that DDL can take."""
    assert len(CASES) >= 40
    modes = {mode for case in CASES for mode, _ in case.expected.values()}
    assert modes == set(MODES[3:])
