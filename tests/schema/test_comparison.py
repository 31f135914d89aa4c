"""How a value is found in a column of another type: on every server, and by the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import database
from runner.schema import orphans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection

MADE = """
    create table public.accounts (id {target} primary key);
    create table public.posts (by {own});
    comment on column public.posts.by is 'References auth.accounts.id (cross-database, no foreign key).';
"""
ID = "00000000-0000-0000-0000-0000000000"
# type that refers -> type referred to, a value that is there, and one that is not, as a server writes them
WRITTEN = [
    ("text", "bigint", "1", "11"),
    ("varchar(9)", "numeric", "1.5", "1.6"),
    ("integer", "text", "1", "11"),
    ("text", "boolean", "true", "false"),
    ("text", "date", "2026-02-03", "2026-02-04"),
    ("text", "uuid", f"{ID}0a", f"{ID}0b"),
    ("uuid", "text", f"{ID}0a", f"{ID}0b"),
    ("text", "xid8", "1", "11"),
    ("xid8", "text", "1", "11"),
    ("xid8", "bigint", "1", "11"),
    ("bigint", "xid8", "1", "11"),
    ("jsonb", "integer", "1", "11"),
    ("integer", "jsonb", "1", "11"),
    ("text", "macaddr", "08:00:2b:01:02:03", "08:00:2b:01:02:04"),
    ("macaddr", "text", "08:00:2b:01:02:03", "08:00:2b:01:02:04"),
    ("text", "pg_lsn", "1/A", "1/B"),
    ("bytea", "text", "\\x01", "\\x02"),
]


@pytest.fixture
def connection(each_url: str) -> Iterator[Connection]:
    """Yield a connection to a database that refers to itself."""
    with database.connect(each_url, source="x") as db:
        yield db


def _find(db: Connection) -> tuple[int, tuple[str, ...]]:
    [found] = orphans.find_orphans(db, orphans.references(db), {"auth": db})
    return found.rows, found.examples


@pytest.mark.parametrize(("own", "target", "there", "lost"), WRITTEN)
def test_what_is_written_alike_is_found_on_every_server(
    connection: Connection, own: str, target: str, there: str, lost: str
) -> None:
    """Also where PostgreSQL 15 cannot tell what spells a value, or no operator compares the types."""
    connection.execute(MADE.format(own=own, target=target).encode())
    connection.execute(f"insert into public.accounts values ('{there}')".encode())  # noqa: S608 - of the table
    connection.execute(f"insert into public.posts values ('{there}'), ('{lost}')".encode())  # noqa: S608 - of the table
    assert _find(connection) == (1, (lost,))


# type that refers, ten values at a time to a hundred keys of 20,000 -> which keys, how often all are read
DIGITS = "lpad(n::text, 32, '0')"
SCANS = [
    ("uuid", f"{DIGITS}::uuid::text", 0),
    ("uuid", f"case when n % 5000 = 0 then {DIGITS} else {DIGITS}::uuid::text end", 1),
    ("integer", "n::text", 0),
]
KEYS = "insert into public.accounts select {} from generate_series(1, 20000) as n; analyze public.accounts"
VALUES = "insert into public.posts select {}::{} from generate_series(200, 20000, 200) as n"
READ = "select seq_scan from pg_stat_user_tables where relname = 'accounts'"


@pytest.mark.parametrize(("own", "key", "scans"), SCANS)
def test_all_keys_are_read_once_for_what_no_index_finds(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, own: str, key: str, scans: int
) -> None:
    """A text is looked up as the server writes the value; what is left of all batches is sought at once."""
    monkeypatch.setattr(orphans, "BATCH", 10)
    connection.execute(MADE.format(own=own, target="text").encode())
    connection.execute(KEYS.format(key).encode())
    connection.execute(VALUES.format(key, own).encode())
    before = _scans(connection)
    assert _find(connection) == (0, ())
    assert _scans(connection) - before == scans


def _scans(db: Connection) -> int:
    db.execute("select pg_stat_force_next_flush()")
    [(scans,)] = database.query(db, READ)
    return int(scans)
