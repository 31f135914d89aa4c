"""Make and drop the databases of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from runner.database.message import fill, run
from runner.database.question import query

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import LiteralString

    from runner.database.message import Connection


_NO_SUCH_DATABASE = "select not exists (select from pg_catalog.pg_database where datname = %s)"


# By a question of its own: what makes and drops databases is a message by itself.
_UNLIMITED = """
    select pg_catalog.set_config(name, '0', false)
    from pg_catalog.pg_settings where name in ('statement_timeout', 'lock_timeout') and setting <> '0'
"""
_TURN = "select pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended({what}, 0))"


def take_turn(connection: Connection, what: str) -> None:
    """Wait, as long as it takes, until no other process does this there; until it is closed others wait."""
    run(connection, f"{_UNLIMITED}; {fill(_TURN, what=what)}")


def create_missing(connection: Connection, databases: Iterable[str]) -> None:
    """Create those of ``databases`` that the server does not have. Writes.

    One process at a time does so.
    """
    take_turn(connection, "create database")
    for name in databases:
        if query(connection, _NO_SUCH_DATABASE, name)[0][0]:
            execute(connection, "create database {}", name)


def create_empty(connection: Connection, name: str) -> None:
    """Create a database with nothing in it, whatever template1 holds, on a server for nothing else. Writes.

    Files are copied in half of the time that it takes through the log; the server checkpoints for it.
    """
    execute(connection, "create database {} template template0 strategy file_copy", name)


def drop(connection: Connection, name: str) -> None:
    """Drop a database, ending whoever is connected to it. Writes."""
    execute(connection, "drop database if exists {} with (force)", name)


def execute(connection: Connection, statement: LiteralString, *names: str) -> None:
    """Run a statement in which the names of databases are put for {}; it may take as long as it takes."""
    run(connection, _UNLIMITED)
    run(connection, sql.SQL(statement).format(*map(sql.Identifier, names)).as_string(connection))
