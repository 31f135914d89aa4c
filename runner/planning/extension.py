"""Ask a server which extensions it would create, by trying.

The catalogs do not know what a provider allows: where pgextwlist or one like it is at work, an owner creates
what they call a superuser's, and elsewhere a list forbids what they call trusted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.database import Connection, Error

Given = tuple[str | None, str]  # a kind of database, as its facts tell, and an extension

# SQLSTATEs that say no: no right to, not offered or not supported here, no such file on the server.
_REFUSALS = ("42501", "0A000", "58P01")

# Where its objects would go does not matter; an empty search_path would be an error of its own.
_TRY = """
    begin;
    set local lock_timeout = '5s';
    set local search_path = public;
    create extension if not exists {name};
    rollback;
"""


def refused(connection: Connection, names: Collection[str]) -> dict[str, str]:
    """Return those extensions that the server refuses to create for this role, in its words.

    Each is created in a transaction that is rolled back; one that is installed is refused to nobody, and
    whether its schema may be used the facts say. Any other error is left for the file to make, which then
    shows where.
    """
    tried = ((name, _try(connection, name)) for name in names)
    return {name: error.diag.message_primary or str(error) for name, error in tried if error}


def _try(connection: Connection, name: str) -> Error | None:
    try:
        database.run(connection, _TRY.replace("{name}", f'"{name}"'))  # a-z, 0-9, _ and - only
    except database.Error as error:
        if database.is_lost(connection, error):
            raise
        return error if error.sqlstate in _REFUSALS else None
    finally:
        database.roll_back(connection)
    return None
