"""Read what stands beyond the objects of a database, and take away what files leave there.

That is roles, settings, subscriptions, slots, origins, and the database as a whole.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner import database
from runner.schema import roles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.database import Connection
    from runner.model import Migration

KINDS = {"database", "subscription"}  # of a snapshot, which are read here, whatever else has changed
_RISEN = ('"rolsuper": true', '"rolsuper": false')
_SUBSCRIPTIONS = """
    select s.subname from pg_catalog.pg_subscription as s
    join pg_catalog.pg_database as d on d.oid = s.subdbid
    where d.datname = pg_catalog.current_database()
"""
_DROP_SLOTS = """
    select pg_catalog.pg_drop_replication_slot(s.slot_name)
    from pg_catalog.pg_replication_slots as s where s.database = pg_catalog.current_database()
"""


def questions(connection: Connection) -> tuple[bytes, ...]:
    """Return what the role of a connection may ask. Does not write."""
    files = ("server.sql", "hidden.sql") if roles.is_superuser(connection) else ("server.sql",)
    return tuple(database.packaged(__package__, file) for file in files)


def read(connection: Connection, questions: Sequence[bytes], *, risen: str | None) -> dict[str, str]:
    """Return facts by name; the role ``risen`` may be a superuser for a while, which is no fact."""
    rows = [row for question in questions for row in database.query(connection, question)]
    found = {name: value or "" for name, value in rows}
    if (name := f"role {risen}") in found:
        found[name] = found[name].replace(*_RISEN)
    return found


@contextmanager
def passing(url: str, migrations: Sequence[Migration], *, source: str) -> Iterator[None]:
    """Drop at the end of a block the roles and replication origins that files have made in it. Writes.

    So that they can do so again. ``migrations`` may grow meanwhile.
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
            roles.drop(connection, sorted(new & roles.there(connection) if new else new))


def _origins(connection: Connection) -> set[str]:
    return {
        name for (name,) in database.query(connection, "select roname from pg_catalog.pg_replication_origin")
    }


def release(url: str, *, source: str) -> None:
    """Drop what would keep a database from being dropped: subscriptions and replication slots."""
    with database.connect(url, source=source) as connection:
        database.run(connection, "set role none")  # files may work here as one who may not
        for (name,) in database.query(connection, _SUBSCRIPTIONS):
            one = f"subscription {roles.quoted(name)}"
            for text in (f"alter {one} disable", f"alter {one} set (slot_name = none)", f"drop {one}"):
                database.send(connection, text)
        database.query(connection, _DROP_SLOTS)
