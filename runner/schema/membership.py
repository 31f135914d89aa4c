"""Read of which roles the one that migrates is a member, also by way of others, and make it so elsewhere."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from runner import database, files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.database import Connection
    from runner.model import Migration

LIST = rf"({files.NAME}(?:\s*,\s*{files.NAME})*)"  # of names
_GRANT = re.compile(rf"\bgrant\s+{LIST}\s+to\s+(?:group\s+)?{LIST}", re.IGNORECASE)

# Before PostgreSQL 16 it is the member that inherits or does not, and whoever is one may set the role.
_REACHED = """
    with recursive reached as (
        select m.* from pg_catalog.pg_auth_members as m join pg_catalog.pg_roles as r on r.oid = m.member
        where r.rolname = %s
        union
        select m.* from reached join pg_catalog.pg_auth_members as m on m.member = reached.roleid
    )
    select pg_catalog.pg_get_userbyid(m.roleid), r.rolname, pg_catalog.bool_or(m.admin_option),
        pg_catalog.bool_or(coalesce((j.m -> 'inherit_option')::pg_catalog.bool, r.rolinherit)),
        pg_catalog.bool_or(coalesce((j.m -> 'set_option')::pg_catalog.bool, true))
    from reached as m
    join pg_catalog.pg_roles as r on r.oid = m.member,
        lateral (select pg_catalog.to_jsonb(m)) as j (m)
    group by m.roleid, r.rolname
    order by 1, 2
"""
_OPTIONS = 160000  # the first version whose memberships say what they allow


class Membership(NamedTuple):
    """That a role is a member of another, and what it may do as such."""

    role: str
    member: str
    may_grant: bool
    inherits: bool
    may_set: bool


def look(connection: Connection, name: str) -> list[Membership]:
    """Return the memberships that a role has, also by way of others. Does not write."""
    return [Membership(*row) for row in database.query(connection, _REACHED, name)]


def granted(migrations: Iterable[Migration]) -> set[tuple[str, str]]:
    """Return which memberships files give: the role, and its member."""
    found: set[tuple[str, str]] = set()
    for migration in migrations:
        for match in _GRANT.finditer(files.blanked(migration.sql)):
            roles, members = map(names, match.groups())
            found.update(product(roles, members))
    return found


def names(text: str) -> list[str]:
    """Return the names of a list as the server keeps them."""
    return [files.plain(name) for name in re.findall(files.NAME, text, re.IGNORECASE)]


def join(connection: Connection, one: Membership) -> None:
    """Make a role a member of another. Writes."""
    role, member = (sql.Identifier(name).as_string() for name in (one.role, one.member))
    if connection.info.server_version >= _OPTIONS:
        options = f"admin {one.may_grant}, inherit {one.inherits}, set {one.may_set}"
        database.run(connection, f"grant {role} to {member} with {options}")
        return
    database.run(connection, f"grant {role} to {member} {'with admin option' if one.may_grant else ''}")
    if not one.inherits:
        database.run(connection, f"alter role {member} noinherit")
