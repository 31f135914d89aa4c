"""Say which roles files name, make those that a scratch server lacks, and work as one of them.

No file logs in: the roles are there for what is granted to them and owned by them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from runner import database, files
from runner.errors import ServerUnusable
from runner.schema import membership

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.around import Around

_NAME, _LIST = files.NAME, membership.LIST
_MADE = re.compile(rf"\bcreate\s+(?:role|user|group)\s+({_NAME})", re.IGNORECASE)
_RENAMED = re.compile(rf"\balter\s+(?:role|user|group)\s+{_NAME}\s+rename\s+to\s+({_NAME})", re.IGNORECASE)
_DROPPED = re.compile(rf"\bdrop\s+(?:role|user|group)\s+({_NAME})", re.IGNORECASE)
_BODY = re.compile(r"(?s)\$(\w*)\$.*?\$\1\$")
_LEAVING = re.compile(rf"\bdrop\s+(?:role|user|group)\s+(?:if\s+exists\s+)?{_LIST}", re.IGNORECASE)
_GIVEN = re.compile(
    rf"""
    \b(?: grant | revoke | reassign | alter\s+(?:default|policy|group) | create\s+policy ) \b [^;]*?
    \b(?: to | from ) \s+ (?:group\s+)? {_LIST} \s*
    (?: ; | $ | with\b | using\b | granted\b | cascade\b | restrict\b )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MEANT = re.compile(
    rf"""
    \b(?: owner\s+to | authorization | for\s+role | for\s+user | set\s+role | alter\s+(?:role|user|group)
    | comment\s+on\s+role | mapping\s+for | (?:drop|reassign)\s+owned\s+by | add\s+user
    | create\s+(?:role|user|group)\s+{_NAME}\s[^;]*?\bin\s+(?:role|group) ) \s+ {_LIST}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_GROUPS = re.compile(
    rf"\b(?:grant|revoke(?:\s+\w+\s+option\s+for)?)\s+{_LIST}\s+(?:to|from)\b", re.IGNORECASE
)
_NO_ROLE = {
    "public", "current_user", "session_user", "current_role", "user", "mapping", "all", "none", "default"
}  # fmt: skip

# What a role may do, as create role says it. A superuser may do all of it.
_RIGHTS = """
    select r.rolname,
        r.rolsuper,
        pg_catalog.concat_ws(
            ' ', case when r.rolsuper then 'superuser' end, case when r.rolcreaterole then 'createrole' end,
            case when r.rolcreatedb then 'createdb' end, case when r.rolreplication then 'replication' end,
            case when r.rolbypassrls then 'bypassrls' end, case when not r.rolinherit then 'noinherit' end
        )
    from pg_catalog.pg_roles as r
    where r.rolname = %s
"""
# What a role may do with what belongs to the whole server, as grant says it.
_SHARED = """
    select 'create on tablespace ' || pg_catalog.quote_ident(t.spcname) from pg_catalog.pg_tablespace as t
    where pg_catalog.has_tablespace_privilege(%(role)s, t.oid, 'create')
    union all
    select r.name || ' on parameter ' || (
        select pg_catalog.string_agg(pg_catalog.quote_ident(u.part), '.' order by u.n)
        from pg_catalog.unnest(pg_catalog.string_to_array(p.parname, '.')) with ordinality as u (part, n)
    )
    from pg_catalog.pg_parameter_acl as p, (values ('set'), ('alter system')) as r (name)
    where pg_catalog.has_parameter_privilege(%(role)s, p.parname, r.name)
    order by 1
"""


class Role(NamedTuple):
    """A role, and what it may do."""

    name: str
    is_superuser: bool
    attributes: str


def look(connection: Connection, name: str) -> Role:
    """Return what a role of the server may do. Does not write.

    One whose name was written in another encoding than that of this database cannot be asked for.
    """
    for row in database.query(connection, _RIGHTS, name):
        return Role(*row)
    raise ServerUnusable(
        f"The files are applied as role {quoted(name)}, whose name is not written in UTF-8.",
        remedy="Rename it, in a database in the encoding of its name: alter role ... rename to ...;",
    )


def shared_rights(connection: Connection, name: str) -> list[str]:
    """Return what a role may do with tablespaces and settings of the server. Does not write."""
    return [right for (right,) in database.query(connection, _SHARED, role=name)]


def give(connection: Connection, name: str, rights: Iterable[str]) -> None:
    """Give a role such rights, but for those on what this server lacks. Writes."""
    for right in rights:
        database.send(connection, f"grant {right} to {quoted(name)}")


def is_superuser(connection: Connection) -> bool:
    """Tell whether who works in a session is one. Does not write."""
    [(found,)] = database.query(
        connection, "select rolsuper from pg_catalog.pg_roles where rolname = current_user"
    )
    return bool(found)


def named(migrations: Sequence[Migration], *, besides: Iterable[str] = ()) -> set[str]:
    """Return the roles that files name, and others, but for those that a file makes itself.

    Nor what a file names that drops it for good, if only in blocks, which can do without.
    """
    found = set(besides)
    for migration in migrations:
        text = files.blanked(migration.sql)
        found |= _listed(_BODY.sub(" ", text), _GIVEN, _MEANT, _GROUPS)
        left = _listed(text, _LEAVING) - _listed(text, _MADE)
        found |= _listed(text, _GIVEN, _MEANT, _GROUPS) - left
    return {name for name in found if not name.startswith("pg_")} - made(migrations) - _NO_ROLE


def _listed(text: str, *patterns: re.Pattern[str]) -> set[str]:
    found = (match[1] for pattern in patterns for match in pattern.finditer(text))
    return {name for some in found for name in membership.names(some)}


def made(migrations: Iterable[Migration]) -> set[str]:
    """Return the roles that files make, and have not dropped before, also by another's new name."""
    found = set()
    for migration in migrations:
        text = files.blanked(migration.sql)
        dropped = {files.plain(match[1]) for match in _DROPPED.finditer(text)}
        found |= {files.plain(match[1]) for match in _MADE.finditer(text)} - dropped
        found |= {files.plain(match[1]) for match in _RENAMED.finditer(text)}
    return found


def quoted(name: str) -> str:
    """Return a name as it stands in SQL."""
    return sql.Identifier(name).as_string()


def make(
    connection: Connection, migrations: Sequence[Migration], live: Around, *, also: Iterable[str] = ()
) -> tuple[str, ...]:
    """Create the roles that files name and those of the live server, without login. Writes.

    Those that files make are left to them, but for ``also``. Return those that this server lacked. Only the
    one that migrates may do what it may do elsewhere, as a member of the same roles, which are members of
    others as they are there; memberships that files give are theirs.
    """
    here, migrator = there(connection), live.migrator
    wanted = named(migrations, besides=live.roles) | {live.owner, migrator.name, *also}
    lacking = tuple(sorted(wanted - here))
    for name in lacking:
        may = migrator.attributes if name == migrator.name else ""
        database.run(connection, f"create role {quoted(name)} nologin {may}")
    given = membership.granted(migrations)
    for one in live.memberships if migrator.name in lacking else ():
        is_known = one.member in lacking and one.role in here.union(lacking)
        if is_known and (one.role, one.member) not in given:
            membership.join(connection, one)
    return lacking


def there(connection: Connection) -> set[str]:
    """Return the roles of a server. Does not write."""
    return {name for (name,) in database.query(connection, "select rolname from pg_catalog.pg_roles")}


def drop(connection: Connection, names: Sequence[str]) -> None:
    """Drop roles that were made, with what they gave; one that another run uses stays. Writes."""
    for name in names:
        database.send(connection, f"drop owned by {quoted(name)}; drop role {quoted(name)}")


def hand_over(connection: Connection, *, owner: str, worker: str) -> None:
    """Give a database an owner, and let its user's sessions to come work as a role there. Writes."""
    [(here, me)] = database.query(connection, "select pg_catalog.current_database(), session_user")
    database.run(connection, f"alter database {quoted(here)} owner to {quoted(owner)}")
    if me != worker:
        role = f"set role = {quoted(worker)}"
        database.run(connection, f"alter role {quoted(me)} in database {quoted(here)} {role}")


def rise(connection: Connection, name: str) -> bool:
    """Make a role a superuser; return whether it was none. Writes."""
    if look(connection, name).is_superuser:
        return False
    database.run(connection, f"alter role {quoted(name)} superuser")
    return True


def lower(connection: Connection, name: str) -> None:
    """Make a superuser an ordinary role again. Writes."""
    database.run(connection, f"alter role {quoted(name)} nosuperuser")
