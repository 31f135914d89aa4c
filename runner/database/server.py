"""Make and drop the databases of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from runner.database.message import query
from runner.database.session import NO_SUCH_DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.database.message import Connection


def create_missing(connection: Connection, databases: Iterable[str]) -> None:
    """Create those of ``databases`` that the server does not have. Writes.

    A lock, held until the connection closes, lets one process at a time do so.
    """
    query(connection, "select pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('create database', 0))")
    for name in databases:
        if query(connection, NO_SUCH_DATABASE, name)[0][0]:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def create_empty(connection: Connection, name: str) -> None:
    """Create a database with nothing in it, whatever template1 holds. Writes."""
    connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))


def drop(connection: Connection, name: str) -> None:
    """Drop a database, ending whoever is connected to it. Writes."""
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
