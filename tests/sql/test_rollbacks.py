"""The rollback files respect the ledger and the lock of the runner that made the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sql import catalog
from tests.sql.psql import forward, psql, rollback, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sql.catalog import Catalog
    from tests.sql.clone import Clone

# Operators that lie in front of PostgreSQL's own, and find all texts and numbers alike.
SHADOWS = """
    create schema shadows;
    create function shadows.yes(text, text) returns boolean language sql immutable return true;
    create function shadows.no(text, text) returns boolean language sql immutable return false;
    create function shadows.no(int, int) returns boolean language sql immutable return false;
    create operator shadows.= (leftarg = text, rightarg = text, function = shadows.yes);
    create operator shadows.<> (leftarg = text, rightarg = text, function = shadows.no);
    create operator shadows.> (leftarg = int, rightarg = int, function = shadows.no);
    do $$
    begin
        execute format('alter database %I set search_path = shadows, pg_catalog, public', current_database());
    end
    $$;
"""
LOCK = "hashtextextended('public.schema_migrations', 0)"


def recorded(clone: Clone) -> list[str]:
    """Return the files in the ledger, oldest first."""
    query = "select version || '_' || name from public.schema_migrations order by version"
    return [name for (name,) in clone.connection.execute(query)]


def applied(clone: Clone) -> list[Path]:
    """Return the paths of the files in the ledger, newest first."""
    names = recorded(clone)
    return [file for file in reversed(forward(clone.series)) if file.stem in names]


def look(clone: Clone) -> tuple[list[str], Catalog]:
    """Return all that a rollback could change, and hold on to none of it."""
    found = recorded(clone), catalog.read(clone.connection)
    clone.connection.rollback()
    return found


def refusal(clone: Clone, file: Path) -> str:
    """Run a rollback that must fail; return what it says."""
    done = psql(clone.server, clone.url, rollback(file))
    assert done.returncode != 0
    assert "Nothing was changed." in done.stderr
    return done.stderr


def test_a_rollback_out_of_order_is_refused(clone: Clone) -> None:
    """No file can be undone while a later one is recorded; the message names the newest."""
    before = look(clone)
    newest, *others = applied(clone)
    clone.connection.rollback()
    for file in others:
        assert f"cannot be rolled back while {newest.stem} is recorded" in refusal(clone, file)
    assert look(clone) == before


def test_a_rollback_waits_for_nobody(clone: Clone) -> None:
    """While another session holds the runner's lock, a rollback is refused at once."""
    before = look(clone)
    newest = applied(clone)[0]
    clone.connection.execute(f"select pg_advisory_xact_lock({LOCK})")
    assert "a migration or another rollback is running" in refusal(clone, newest)
    assert look(clone) == before


def test_each_rollback_takes_its_own_row_out_of_the_ledger_and_runs_once(own_clone: Clone) -> None:
    """Newest first, every rollback removes one row, until an empty ledger is all that is left."""
    left = recorded(own_clone)
    for file in applied(own_clone):
        run(own_clone.server, own_clone.url, rollback(file))
        left.remove(file.stem)
        assert recorded(own_clone) == left
        assert "is not recorded here" in refusal(own_clone, file)
        assert recorded(own_clone) == left
    hanging = ("table constraint", "default value")
    objects = catalog.read(own_clone.connection).objects
    assert [one.name for one in objects if one.kind not in hanging] == ["public.schema_migrations"]


def test_operators_of_others_do_not_pass_the_guard(own_clone: Clone) -> None:
    """What a database's path finds before PostgreSQL's own neither hides a later file nor takes its row."""
    own_clone.connection.execute(SHADOWS)
    newest, *others = applied(own_clone)
    names = recorded(own_clone)
    for file in others:
        assert f"cannot be rolled back while {newest.stem} is recorded" in refusal(own_clone, file)
    run(own_clone.server, own_clone.url, rollback(newest))
    assert recorded(own_clone) == names[:-1]
