"""Tell whose a database and its schema public are, and what a role may do there; make it so elsewhere.

Where files say something of that, it may be so because they have: before them it was otherwise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner import database, files
from runner.schema import roles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.database import Connection
    from runner.model import Migration

_PLACE = r'(?:database\b|schema\s+"?public\b)'
_SPEAKS = re.compile(rf"(?i)\b(?:grant|revoke)\b[^;]*?\bon\s+{_PLACE}|\balter\s+{_PLACE}[^;]*?\bowner\s+to\b")
_RIGHTS = (
    "create on database {}",
    "temporary on database {}",
    "usage on schema public",
    "create on schema public",
)
_QUESTION = """
    select
        pg_catalog.pg_get_userbyid(d.datdba),
        pg_catalog.pg_get_userbyid(n.nspowner),
        array[
            pg_catalog.has_database_privilege(%(role)s, d.oid, 'create'),
            pg_catalog.has_database_privilege(%(role)s, d.oid, 'temporary'),
            pg_catalog.has_schema_privilege(%(role)s, n.oid, 'usage'),
            pg_catalog.has_schema_privilege(%(role)s, n.oid, 'create')
        ]
    from pg_catalog.pg_database as d
    left join pg_catalog.pg_namespace as n on n.nspname = 'public'
    where d.datname = pg_catalog.current_database()
"""


class Premises(NamedTuple):
    """A database and its schema public: who owns them, and which of the rights there a role has."""

    owner: str
    public: str | None  # its owner; none without such a schema
    rights: list[bool | None]


def look(connection: Connection, role: str) -> Premises:
    """Return what is so in the database of a connection. Does not write."""
    [row] = database.query(connection, _QUESTION, role=role)
    return Premises(*row)


def are_spoken_of(migrations: Iterable[Migration]) -> bool:
    """Tell whether any file gives rights on the database or on public, or another owner."""
    return any(_SPEAKS.search(files.blanked(migration.sql)) for migration in migrations)


def give(connection: Connection, live: Premises | None, *, role: str) -> None:
    """Let a role work in the database of a connection as it does ``live``, else as its owner. Writes."""
    roles.hand_over(connection, owner=live.owner if live else role, worker=role)
    if live is None:
        return
    if live.public and live.public in roles.there(connection):  # a file may make it, whom it was given later
        database.run(connection, f"alter schema public owner to {roles.quoted(live.public)}")
    here, has = roles.quoted(connection.info.dbname), look(connection, role).rights
    for right, wanted, found in zip(_RIGHTS, live.rights, has, strict=True):
        if wanted and not found:
            database.run(connection, f"grant {right.format(here)} to {roles.quoted(role)}")
        elif found and wanted is False:
            database.run(connection, f"revoke {right.format(here)} from public")
