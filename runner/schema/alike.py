"""Make a scratch server like the live one before files run there.

Files name roles and tablespaces, and what they make belongs to the role that migrates; so these are made
first, by the names they have on the live server, without login. Where no file speaks of default privileges,
those of the live database are an administrator's: with them the files give the rights that they gave there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from runner import database
from runner.files import blanked, made_schemas, plain
from runner.schema import roles
from runner.schema.around import speak_of_defaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.around import Around

# What makes an extension: whether only unless it is there, and whether in a schema that it names.
EXTENSION = r'extension\s+(if\s+not\s+exists\s+)?"?{name}"?(?!\w)'  # how a statement names one
_CREATE = rf"(?i)\bcreate\s+{EXTENSION}(\s+(?:with\s+)?schema\b)?"
_COMMENT = r'(?i)\bcomment\s+on\s+extension\s+"?{name}"?(?!\w)'

_GIVE = """
    insert into pg_catalog.pg_default_acl (oid, defaclrole, defaclnamespace, defaclobjtype, defaclacl)
    select
        pg_catalog.pg_nextoid('pg_catalog.pg_default_acl', 'oid', 'pg_catalog.pg_default_acl_oid_index'),
        r.oid, coalesce(n.oid, 0), {kind}::"char", {rights}::pg_catalog.aclitem[]
    from pg_catalog.pg_roles as r
    left join pg_catalog.pg_namespace as n on n.nspname = {schema}::text
    where r.rolname = {role} and (n.oid is not null or {schema}::text is null)
"""


# What a role that is there already, and is no superuser, may not do yet in the database of a connection.
_LACKING = """
    select 'usage, create on schema public'
    where not (
        pg_catalog.has_schema_privilege(%(role)s, 'public', 'usage')
        and pg_catalog.has_schema_privilege(%(role)s, 'public', 'create')
    )
    union all
    select 'usage on schema ' || pg_catalog.quote_ident(n.nspname)
    from pg_catalog.pg_namespace as n
    where n.oid in (select e.extnamespace from pg_catalog.pg_extension as e)
        and not pg_catalog.has_schema_privilege(%(role)s, n.oid, 'usage')
    union all
    select 'create on database ' || pg_catalog.quote_ident(d.name)
    from pg_catalog.current_database() as d (name)
    where not pg_catalog.has_database_privilege(%(role)s, d.name, 'create')
"""


_SET = """
    select pg_catalog.set_config({name}, {value}, false)
    where pg_catalog.current_setting({name}, true) is distinct from {value}
"""
_ROOM = 8_000  # bytes: PostgreSQL takes 10,000 of all that begins a connection


def administrator(around: Around) -> str:
    """Return the name of a private server's superuser: postgres, which on some platforms is none."""
    taken = around.migrator.name == "postgres" and not around.migrator.is_superuser
    return "runner_administrator" if taken else "postgres"


def make_tablespaces(connection: Connection, names: Sequence[str], *, own: str) -> None:
    """Create empty tablespaces inside the data folder of a server that allows it. Writes its template0.

    Its databases get their ``own``, as the live one has: what is there by name counts as named nowhere.
    """
    for name in names:
        database.run(connection, f"create tablespace {roles.quoted(name)} location ''")
    database.run(connection, f"alter database template0 set tablespace {roles.quoted(own)}")


def speak_alike(connection: Connection, locale: str | None) -> None:
    """Let the databases of a server be made with this locale, if it knows it. Writes its template0."""
    made = "create database runner_template template template0 strategy file_copy"
    if locale and not database.failure(database.send(connection, f"{made} {locale}")):
        database.run(connection, "alter database template0 rename to runner_template_c")
        database.run(connection, "alter database runner_template rename to template0")


def set_alike(connection: Connection, url: str, around: Around, *, source: str) -> str:
    """Return ``url`` so that a session there begins with the live database's settings for files.

    Those that its server, to which the connection leads, has by itself or does not take are left out, such as
    a locale that it lacks; and those, the longest, for which a connection has no room. And without jit, of
    which no file is understood otherwise: to compile the questions that are asked behind each statement takes
    ten times as long as all the rest. And in English: what the server says there is read for what it means.
    """
    taken, room = {"jit": "off", "lc_messages": "C"}, _ROOM
    for name, value in sorted(around.settings.items(), key=lambda one: len(one[1])):
        results = database.send(connection, database.fill(_SET, name=name, value=value))
        is_other = not database.failure(results) and results[-1].ntuples
        room -= len(name) + 2 * len(value.encode()) if is_other else 0  # blanks are escaped
        if is_other and room > 0:
            taken[name] = value
    database.run(connection, "reset all")
    return database.with_settings(url, taken, source=source)


def adopt(connection: Connection, around: Around, migrations: Sequence[Migration]) -> None:
    """Give the empty database of a connection what the live one has before files run. Writes.

    Its owner, extensions that an administrator has made, default privileges, and sessions that work as the
    role that migrates.
    """
    _make_extensions(connection, around, migrations)
    _give_defaults(connection, around, migrations)
    roles.hand_over(connection, owner=around.owner, worker=around.migrator.name)


def let_make(connection: Connection, role: str) -> None:
    """Let a role make schemas in the database of a connection, and what stands in public. Writes.

    As well as use the extensions that are there.
    """
    for (right,) in database.query(connection, _LACKING, role=role):
        database.run(connection, f"grant {right} to {roles.quoted(role)}")


def _make_extensions(connection: Connection, around: Around, migrations: Sequence[Migration]) -> None:
    """Make the extensions that no file makes but one requires, and those that an administrator made.

    Files that make an extension unless it is there, and name no schema, take it wherever they find it. One
    that a file would have commented on, had it made it, was there before.
    """
    text = "\n".join(blanked(migration.sql) for migration in migrations)
    required = {name for migration in migrations for name in migration.requires}
    own = {"public", "pg_catalog", *(name for one in migrations for name in made_schemas(one.sql))}
    for name, schema in (dict.fromkeys(sorted(required), "public") | around.extensions).items():
        made = re.findall(_CREATE.format(name=re.escape(name)), text)
        takes_it = made and all(unless and not named for unless, named in made)
        elsewhere = takes_it and plain(schema) not in own
        brought = name in around.brought or (
            name in around.uncommented and re.search(_COMMENT.format(name=re.escape(name)), text)
        )
        if elsewhere or (name in required and (brought or not made)):
            database.send(connection, f"create schema if not exists {schema}")
            database.send(connection, f"create extension {roles.quoted(name)} schema {schema} cascade")


def _give_defaults(connection: Connection, around: Around, migrations: Iterable[Migration]) -> None:
    """Give the default privileges of the live database, but those of a schema that is not there yet."""
    if around.defaults is None or speak_of_defaults(migrations):
        return
    for role, schema, kind, rights in json.loads(around.defaults):
        text = database.fill(_GIVE, role=role, schema=schema, kind=kind, rights=rights)
        database.run(connection, text)
