"""Tell what surrounds a database on its server, and make a scratch server alike before files run there.

Files name roles and tablespaces, and what they make belongs to the role that migrates; so these are made
first, by the names they have on the live server, without login. Where no file speaks of default privileges,
those of the live database are an administrator's: with them the files give the rights that they gave there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from runner import database, ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.database import Connection
    from runner.model import Migration

_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][\w$]*)'
_MADE = re.compile(rf"\bcreate\s+(?:role|user|group)\s+({_NAME})", re.IGNORECASE)
_DROPPED = re.compile(rf"\bdrop\s+(?:role|user|group)\s+({_NAME})", re.IGNORECASE)
_NAMED = re.compile(
    rf"""
      \b(?: grant | revoke | alter\s+(?:default|policy|group) | create\s+policy ) \b [^;]*?
        \b(?: to | from ) \s+ (?:group\s+)? (?P<several> {_NAME} (?:\s*,\s*{_NAME})* ) \s*
        (?: ; | $ | with\b | using\b | granted\b | cascade\b | restrict\b )
    | \b(?: owner\s+to | authorization | for\s+role | for\s+user | set\s+role | alter\s+(?:role|user)
        | comment\s+on\s+role | mapping\s+for ) \s+ (?P<one> {_NAME} )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NO_ROLE = {
    "public",
    "current_user",
    "session_user",
    "current_role",
    "user",
    "mapping",
    "all",
    "none",
    "default",
}
_DEFAULTS = re.compile(r"\bdefault\s+privileges\b", re.IGNORECASE)

_QUESTION = """
    select
        pg_catalog.current_setting('server_version_num')::integer,
        pg_catalog.pg_postmaster_start_time()::text,
        d.datname,
        pg_catalog.pg_get_userbyid(d.datdba),
        coalesce((
            select pg_catalog.pg_get_userbyid(c.relowner) from pg_catalog.pg_class as c
            where c.oid = pg_catalog.to_regclass({ledger})
        ), current_user),
        pg_catalog.to_regclass({ledger}) is not null,
        array(select r.rolname from pg_catalog.pg_roles as r where r.rolname !~ '^pg_' order by r.rolname),
        array(
            select s.spcname from pg_catalog.pg_tablespace as s
            where s.spcname not in ('pg_default', 'pg_global')
        ),
        array(select e.extname from pg_catalog.pg_extension as e),
        array(
            select array[e.extname::text, n.nspname::text]
            from pg_catalog.pg_extension as e
            join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
            join pg_catalog.pg_class as c on c.oid = pg_catalog.to_regclass({ledger})
            where e.extowner <> c.relowner
        ),
        (
            select pg_catalog.json_agg(array[
                pg_catalog.pg_get_userbyid(a.defaclrole), n.nspname, a.defaclobjtype::text, a.defaclacl::text
            ])
            from pg_catalog.pg_default_acl as a
            left join pg_catalog.pg_namespace as n on n.oid = a.defaclnamespace
        )::text
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()
"""


_GIVE = """
    insert into pg_catalog.pg_default_acl (oid, defaclrole, defaclnamespace, defaclobjtype, defaclacl)
    select
        pg_catalog.pg_nextoid('pg_catalog.pg_default_acl', 'oid', 'pg_catalog.pg_default_acl_oid_index'),
        r.oid, coalesce(n.oid, 0), {kind}::"char", {rights}::pg_catalog.aclitem[]
    from pg_catalog.pg_roles as r
    left join pg_catalog.pg_namespace as n on n.nspname = {schema}::text
    where r.rolname = {role} and (n.oid is not null or {schema}::text is null)
"""

# What decides how a file is understood: the same text makes another default, check or table with another of
# these. A name with a dot is somebody's own, which a file may ask for.
_MEANING = [
    "DateStyle", "IntervalStyle", "TimeZone", "timezone_abbreviations", "search_path", "lc_monetary",
    "array_nulls", "xmloption", "backslash_quote", "transform_null_equals", "check_function_bodies",
    "default_text_search_config", "default_table_access_method", "default_toast_compression",
]  # fmt: skip
_SET = """
    select name, reset_val from pg_catalog.pg_settings
    where name ilike any (%(meaning)s) and reset_val <> boot_val
    union
    select name, pg_catalog.current_setting(name, true)
    from pg_catalog.pg_db_role_setting as s, pg_catalog.unnest(s.setconfig) as line,
        pg_catalog.split_part(line, '=', 1) as name
    where s.setdatabase in (
            0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
        )
        and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user))
        and name like '%%.%%' and pg_catalog.current_setting(name, true) is not null
    order by 1
"""


class Around(NamedTuple):
    """A database, its server, and who migrates it: the owner of its ledger, else the role at hand."""

    version: int  # as server_version_num writes it
    started: str
    database: str
    owner: str
    migrator: str
    has_ledger: bool
    roles: list[str]
    tablespaces: list[str]
    extensions: list[str]
    brought: list[list[str]]  # those that another role than the migrating one made, with their schemas
    defaults: str | None  # default privileges, as JSON
    settings: dict[str, str]  # that decide how a file is understood, where they are not PostgreSQL's own


def look(connection: Connection) -> Around:
    """Return what surrounds the database of a connection. Does not write."""
    [result] = database.ask(connection, database.fill(_QUESTION, ledger=ledger.TABLE))
    [row] = database.rows(connection, result)
    return Around(*(*row, dict(database.query(connection, _SET, meaning=_MEANING))))


def roles(migrations: Iterable[Migration], around: Around) -> list[str]:
    """Return the roles that are to be there before the files run: not those that a file makes itself."""
    named, made = set(around.roles), set()
    for migration in migrations:
        dropped = {plain(match[1]) for match in _DROPPED.finditer(migration.sql)}
        made |= {plain(match[1]) for match in _MADE.finditer(migration.sql)} - dropped
        named |= {name for match in _NAMED.finditer(migration.sql) for name in _names(match)}
    return sorted(named - made - _NO_ROLE | {around.migrator, around.owner})


def _names(match: re.Match[str]) -> Iterator[str]:
    for name in re.findall(_NAME, match["several"] or match["one"], re.IGNORECASE):
        if not (one := plain(name)).startswith("pg_"):
            yield one


def plain(name: str) -> str:
    """Return a name as the catalogs hold it: without quotes, or in small letters."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def quoted(name: str) -> str:
    """Return a name as it stands in SQL."""
    return sql.Identifier(name).as_string()


def make_roles(connection: Connection, names: Sequence[str], *, superuser: str) -> tuple[str, ...]:
    """Create the roles that the server lacks, without login, and return them. Writes.

    ``superuser`` is who migrates: what an administrator did before him, files may do here by themselves.
    """
    there = {name for (name,) in database.query(connection, "select rolname from pg_catalog.pg_roles")}
    lacking = tuple(name for name in names if name not in there)
    for name in lacking:
        suffix = " superuser" if name == superuser else ""
        database.run(connection, f"create role {quoted(name)} nologin{suffix}")
    return lacking


def make_tablespaces(connection: Connection, names: Sequence[str]) -> None:
    """Create empty tablespaces inside the data folder of a server that allows it. Writes."""
    for name in names:
        database.run(connection, f"create tablespace {quoted(name)} location ''")


def set_alike(connection: Connection, url: str, around: Around, *, source: str) -> str:
    """Return ``url`` so that a session there begins with the live database's settings for files.

    Those that its server, to which the connection leads, does not take are left out: a locale that it lacks.
    """
    taken = {}
    for name, value in around.settings.items():
        text = database.fill("select pg_catalog.set_config({name}, {value}, false)", name=name, value=value)
        if not database.failure(database.send(connection, text)):
            taken[name] = value
    database.run(connection, "reset all")
    return database.with_settings(url, taken, source=source)


def adopt(connection: Connection, around: Around, migrations: Iterable[Migration]) -> None:
    """Give the empty database of a connection what the live one has before files run. Writes.

    Its owner, default privileges, extensions that an administrator made before a file could, and a session
    that works as the role that migrates.
    """
    [(name, me)] = database.query(connection, "select pg_catalog.current_database(), session_user")
    _give_defaults(connection, around, migrations)
    database.run(connection, f"alter database {quoted(name)} owner to {quoted(around.owner)}")
    _bring(connection, around, migrations)
    if me != around.migrator:
        role = f"set role = {quoted(around.migrator)}"
        database.run(connection, f"alter role {quoted(me)} in database {quoted(name)} {role}")


def _bring(connection: Connection, around: Around, migrations: Iterable[Migration]) -> None:
    required = {name for migration in migrations for name in migration.requires}
    for name, schema in around.brought:
        if name in required:  # what this server does not offer, or not there, is told when files ask for it
            text = f"create extension if not exists {quoted(name)} schema {quoted(schema)} cascade"
            database.send(connection, text)


def speak_of_defaults(migrations: Iterable[Migration]) -> bool:
    """Tell whether any file says something about default privileges."""
    return any(_DEFAULTS.search(migration.sql) for migration in migrations)


def _give_defaults(connection: Connection, around: Around, migrations: Iterable[Migration]) -> None:
    """Give the default privileges of the live database, but those of a schema that is not there yet."""
    if around.defaults is None or speak_of_defaults(migrations):
        return
    for role, schema, kind, rights in json.loads(around.defaults):
        text = database.fill(_GIVE, role=role, schema=schema, kind=kind, rights=rights)
        database.run(connection, text)
