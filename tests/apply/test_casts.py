"""Casts of a database by which any text is a number, as in MySQL: what speaks against a file still does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import LedgerChanged, LockHeld
from tests.apply.test_run import LOCK, tables
from tests.project import TWO, make
from tests.project import tables as files

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

OF_NUMBERS = ("integer", "bigint")
CASTS = "".join(
    f"""
    create function public.to_{number}(t text) returns {number} language sql immutable strict as $$
        select coalesce(pg_catalog.substring(t, '^\\s*([-+]?\\d+)'), '0')::pg_catalog.numeric::{number}
    $$;
    create cast (text as {number}) with function public.to_{number}(text);
    """
    for number in OF_NUMBERS
)
# The function that it calls is not found along another path.
BROKEN = """
    create function public.digits(t text) returns text language sql immutable as $$
        select pg_catalog.regexp_replace(t, '\\D', '', 'g') $$;
    create function public.to_int(t text) returns int language plpgsql immutable as $$
        begin return coalesce(nullif(digits(t), ''), '0')::numeric; end $$;
    create cast (text as int) with function public.to_int(text);
"""


@pytest.fixture(autouse=True)
def casts(db: psycopg.Connection) -> None:
    """Give the database the casts before anything is migrated."""
    db.execute(CASTS.encode())


def test_a_held_lock_is_held(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """Who holds it keeps a runner from applying anything beside him."""
    db.execute(LOCK)
    with pytest.raises(LockHeld, match="gave up after 0 s"):
        make(tmp_path, app=TWO).migrate(each_url, wait_lock=0)
    assert tables(db) == []


def test_another_ledger_is_seen(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """A file whose forerunner was rolled back meanwhile is not applied."""
    app = make(tmp_path, app=TWO)
    app.migrate(each_url, to=0)
    events = app.events(each_url)
    next(events)
    db.execute("delete from public.schema_migrations")
    with pytest.raises(LedgerChanged, match=r"000 is no longer recorded"):
        list(events)
    assert tables(db) == ["one", "schema_migrations"]


def test_a_cast_that_fails_is_not_called(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """Files are recorded in a database whose cast finds what it calls on the path of its users alone."""
    db.execute("drop cast (text as integer)")
    db.execute(BROKEN.encode())
    assert len(make(tmp_path, app=files(9)).migrate(each_url)) == 9
