"""Tell what surrounds a database on its server, and make a scratch server alike before files run there.

Files name roles and tablespaces, and what they make belongs to the role that migrates; so these are made
first, by the names they have on the live server, without login. Where no file speaks of default privileges,
those of the live database are an administrator's: with them the files give the rights that they gave there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from runner import database, ledger
from runner.files import blanked, made_schemas, plain
from runner.schema import roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.roles import Role

_DEFAULTS = re.compile(r"\bdefault\s+privileges\b", re.IGNORECASE)

# What makes an extension: whether only unless it is there, and whether in a schema that it names.
_EXTENSION = r'(?i)\bcreate\s+extension\s+(if\s+not\s+exists\s+)?"?{name}"?(?!\w)(\s+(?:with\s+)?schema\b)?'
_COMMENT = r'(?i)\bcomment\s+on\s+extension\s+"?{name}"?(?!\w)'

# Encoding 6 is UTF-8. Of provider c, libc, the locale is that of lc_collate and lc_ctype.
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
        (
            select coalesce(pg_catalog.json_object_agg(e.extname, n.name), '{}')
            from pg_catalog.pg_extension as e,
                lateral (select e.extnamespace::pg_catalog.regnamespace as name) as n
        ),
        array(
            select e.extname from pg_catalog.pg_extension as e
            join pg_catalog.pg_class as c on c.oid = pg_catalog.to_regclass({ledger})
            where e.extowner <> c.relowner
        ),
        array(
            select e.extname from pg_catalog.pg_extension as e
            join pg_catalog.pg_available_extensions() as a on a.name = e.extname
            where a.comment is not distinct from pg_catalog.obj_description(e.oid, 'pg_extension')
        ),
        (
            select pg_catalog.json_agg(array[
                pg_catalog.pg_get_userbyid(a.defaclrole)::text, n.nspname::text, a.defaclobjtype::text,
                a.defaclacl::text
            ])
            from pg_catalog.pg_default_acl as a
            left join pg_catalog.pg_namespace as n on n.oid = a.defaclnamespace
        )::text,
        case
            when (d.datcollate, d.datctype, d.datlocprovider) <> ('C', 'C', 'c') and d.encoding = 6
            then pg_catalog.concat_ws(
                ' ', 'lc_collate ' || pg_catalog.quote_literal(d.datcollate),
                'lc_ctype ' || pg_catalog.quote_literal(d.datctype),
                'locale_provider ' || p.name || ' ' || p.name || '_locale '
                    || pg_catalog.quote_literal(coalesce(j.d ->> 'datlocale', j.d ->> 'daticulocale')),
                'icu_rules ' || pg_catalog.quote_literal(j.d ->> 'daticurules')
            )
        end
    from pg_catalog.pg_database as d,
        lateral (select case d.datlocprovider when 'i' then 'icu' when 'b' then 'builtin' end) as p (name),
        lateral (select pg_catalog.to_jsonb(d)) as j (d)
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
    migrator: Role
    has_ledger: bool
    roles: list[str]
    tablespaces: list[str]
    extensions: dict[str, str]  # and the schema of each, quoted
    brought: list[str]  # those that another role than the migrating one made
    uncommented: list[str]  # those with the comment that they came with
    defaults: str | None  # default privileges, as JSON
    locale: str | None  # as create database chooses it; none for C, and where the encoding is not UTF-8
    settings: dict[str, str]  # that decide how a file is understood, where they are not PostgreSQL's own


def look(connection: Connection) -> Around:
    """Return what surrounds the database of a connection. Does not write."""
    [result] = database.ask(connection, database.fill(_QUESTION, ledger=ledger.TABLE))
    [(version, started, name, owner, migrator, *rest)] = database.rows(connection, result)
    settings = dict(database.query(connection, _SET, meaning=_MEANING))
    return Around(*(version, started, name, owner, roles.look(connection, migrator), *rest, settings))


def make_tablespaces(connection: Connection, names: Sequence[str]) -> None:
    """Create empty tablespaces inside the data folder of a server that allows it. Writes."""
    for name in names:
        database.run(connection, f"create tablespace {roles.quoted(name)} location ''")


def speak_alike(connection: Connection, locale: str | None) -> None:
    """Let the databases of a server be made with this locale, if it knows it. Writes its template0."""
    made = "create database runner_template template template0 strategy file_copy"
    if locale and not database.failure(database.send(connection, f"{made} {locale}")):
        database.run(connection, "alter database template0 rename to runner_template_c")
        database.run(connection, "alter database runner_template rename to template0")


def set_alike(connection: Connection, url: str, around: Around, *, source: str) -> str:
    """Return ``url`` so that a session there begins with the live database's settings for files.

    Those that its server, to which the connection leads, does not take are left out: a locale that it lacks.
    And without jit, of which no file is understood otherwise: to compile the questions that are asked behind
    each statement takes ten times as long as all the rest.
    """
    taken = {"jit": "off"}
    for name, value in around.settings.items():
        text = database.fill("select pg_catalog.set_config({name}, {value}, false)", name=name, value=value)
        if not database.failure(database.send(connection, text)):
            taken[name] = value
    database.run(connection, "reset all")
    return database.with_settings(url, taken, source=source)


def adopt(connection: Connection, around: Around, migrations: Sequence[Migration]) -> None:
    """Give the empty database of a connection what the live one has before files run. Writes.

    Its owner, extensions that an administrator has made, default privileges, and sessions that work as the
    role that migrates.
    """
    [(name,)] = database.query(connection, "select pg_catalog.current_database()")
    _make_extensions(connection, around, migrations)
    _give_defaults(connection, around, migrations)
    database.run(connection, f"alter database {roles.quoted(name)} owner to {roles.quoted(around.owner)}")
    roles.work_as(connection, around.migrator.name)


def _make_extensions(connection: Connection, around: Around, migrations: Sequence[Migration]) -> None:
    """Make the extensions that no file makes but one requires, and those that an administrator made.

    Files that make an extension unless it is there, and name no schema, take it wherever they find it. One
    that a file would have commented on, had it made it, was there before.
    """
    text = "\n".join(blanked(migration.sql) for migration in migrations)
    required = {name for migration in migrations for name in migration.requires}
    own = {"public", "pg_catalog", *(name for one in migrations for name in made_schemas(one.sql))}
    for name, schema in (dict.fromkeys(sorted(required), "public") | around.extensions).items():
        made = re.findall(_EXTENSION.format(name=re.escape(name)), text)
        takes_it = made and all(unless and not named for unless, named in made)
        elsewhere = takes_it and plain(schema) not in own
        brought = name in around.brought or (
            name in around.uncommented and re.search(_COMMENT.format(name=re.escape(name)), text)
        )
        if elsewhere or (name in required and (brought or not made)):
            database.send(connection, f"create schema if not exists {schema}")
            database.send(connection, f"create extension {roles.quoted(name)} schema {schema} cascade")


def speak_of_defaults(migrations: Iterable[Migration]) -> bool:
    """Tell whether any file says something about default privileges."""
    return any(_DEFAULTS.search(blanked(migration.sql)) for migration in migrations)


def _give_defaults(connection: Connection, around: Around, migrations: Iterable[Migration]) -> None:
    """Give the default privileges of the live database, but those of a schema that is not there yet."""
    if around.defaults is None or speak_of_defaults(migrations):
        return
    for role, schema, kind, rights in json.loads(around.defaults):
        text = database.fill(_GIVE, role=role, schema=schema, kind=kind, rights=rights)
        database.run(connection, text)
