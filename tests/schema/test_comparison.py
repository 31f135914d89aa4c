"""How a value is found in a column of another type, on every server."""

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
