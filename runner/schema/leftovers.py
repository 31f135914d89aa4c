"""Take away what files leave on a server besides their database: roles, subscriptions, slots, origins."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner import database
from runner.schema import roles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.database import Connection
    from runner.model import Migration


@contextmanager
def passing(url: str, migrations: Sequence[Migration], *, source: str) -> Iterator[None]:
    """Drop at the end of a block the roles and replication origins that files have made in it. Writes.

    So that they can do so again.

    ``migrations`` may grow meanwhile.
    """
    with database.connect(url, source=source) as connection:
        before, origins = roles.there(connection), _origins(connection)
    try:
        yield
    finally:
        new = roles.made(migrations) - before
        with database.connect(url, source=source) as connection:
            for name in _origins(connection) - origins:
                database.query(connection, "select pg_catalog.pg_replication_origin_drop(%s)", name)
            if new:
                for name in sorted(new & roles.there(connection)):
                    database.send(connection, f"drop owned by {roles.quoted(name)}")
                    database.send(connection, f"drop role {roles.quoted(name)}")


def _origins(connection: Connection) -> set[str]:
    return {
        name for (name,) in database.query(connection, "select roname from pg_catalog.pg_replication_origin")
    }


def release(url: str, *, source: str) -> None:
    """Drop what would keep a database from being dropped: subscriptions and replication slots."""
    with database.connect(url, source=source) as connection:
        for (name,) in database.query(
            connection,
            """
            select s.subname from pg_catalog.pg_subscription as s
            join pg_catalog.pg_database as d on d.oid = s.subdbid
            where d.datname = pg_catalog.current_database()
            """,
        ):
            one = f"subscription {roles.quoted(name)}"
            for text in (f"alter {one} disable", f"alter {one} set (slot_name = none)", f"drop {one}"):
                database.send(connection, text)
        database.query(
            connection,
            """
            select pg_catalog.pg_drop_replication_slot(s.slot_name)
            from pg_catalog.pg_replication_slots as s where s.database = pg_catalog.current_database()
            """,
        )
