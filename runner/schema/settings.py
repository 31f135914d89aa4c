"""Tell the settings that decide what a file means: of a session, and of one that nobody sways.

The same text makes another default, check or table with another of these.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from runner import database
from runner.files import blanked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.database import Connection
    from runner.model import Migration

WRITTEN = ("DateStyle", "IntervalStyle", "TimeZone")  # how a file's dates are understood
_MEANING = [
    *WRITTEN, "timezone_abbreviations", "search_path", "lc_monetary", "array_nulls", "xmloption",
    "backslash_quote", "transform_null_equals", "check_function_bodies",
    "default_text_search_config", "default_table_access_method", "default_toast_compression",
    "default_tablespace", "quote_all_identifiers",  # with the second, options of a dictionary are kept quoted
    "bytea_output", "extra_float_digits",  # a file may write what it has read
    "session_replication_role",  # which triggers fire
    "createrole_self_grant",  # what who makes a role may do with it
]  # fmt: skip
_CONFLICT = "plpgsql.variable_conflict"
# A name with a dot is somebody's own, which a file may ask for.
_FOUND = """
    select name, reset_val from pg_catalog.pg_settings where name ilike any (%(meaning)s)
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
_WORD = re.compile(r"'(\w+(?:\.\w+)+)'")  # where it is the name of a setting, the server knows
_ASKED = """
    select name, pg_catalog.current_setting(name, true) from pg_catalog.unnest(%s::text[]) as name
    where pg_catalog.current_setting(name, true) is not null
"""
# What the server says of a role in a database: the narrowest counts.
_OF_ROLE = """
    select distinct on (name) name, pg_catalog.substr(line, pg_catalog.strpos(line, '=') + 1)
    from pg_catalog.pg_db_role_setting as s, pg_catalog.unnest(s.setconfig) as line,
        pg_catalog.split_part(line, '=', 1) as name
    where s.setdatabase in (
            0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
        )
        and s.setrole in (
            0, (select oid from pg_catalog.pg_roles where rolname = coalesce(%s::text, session_user))
        )
    order by name, s.setrole = 0, s.setdatabase = 0
"""
# By itself: a question of the runner's own sets some, and then is where they come from.
_SOURCES = """
    begin; set local statement_timeout = 0; select name, boot_val, source from pg_catalog.pg_settings; commit
"""
_CONFIGURED = """
    select coalesce(s.name, f.name), f.setting from pg_catalog.pg_file_settings as f
    left join pg_catalog.pg_settings as s on pg_catalog.lower(s.name) = pg_catalog.lower(f.name)
    where f.applied
"""
_MAY_ASK = """
    select pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'select')
        and pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute')
"""
# What a trigger has set as the session began, which a question of the runner's would not see.
_GREETING = """
    select name, setting from pg_catalog.pg_settings
    where source operator(pg_catalog.=) 'session' and exists (
        select from pg_catalog.pg_event_trigger where evtevent operator(pg_catalog.=) 'login'
    )
"""


def look(connection: Connection) -> dict[str, str]:
    """Return with which settings a session like this one begins. Does not write."""
    return dict(database.query(connection, _FOUND, meaning=_MEANING)) | _greeting(connection)


def _greeting(connection: Connection) -> dict[str, str]:
    if database.in_transaction(connection):
        return {}
    [result] = database.run(connection, _GREETING)
    return {name: value for name, value in database.rows(connection, result) if name in _MEANING}


def asked(connection: Connection, migrations: Iterable[Migration]) -> dict[str, str]:
    """Return those of somebody's own, wherever they are set, that files may ask for. Does not write."""
    names = {name for one in migrations for name in _words(one.sql)}
    return dict(database.query(connection, _ASKED, [_CONFLICT, *sorted(names)]))


@cache  # each member of a fleet has the same files
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(blanked(text)))


def unswayed(connection: Connection, found: Mapping[str, str], login: str | None) -> dict[str, str]:
    """Return ``found`` as the role ``login`` has it, whatever a client or the role at hand sets. Asks.

    Where they set something, or may have set what no view lists, only a superuser is told what the server's
    own files say instead; for others it is what PostgreSQL says.
    """
    mine, theirs = (dict(database.query(connection, _OF_ROLE, name)) for name in (None, login))
    known = database.rows(connection, database.run(connection, _SOURCES)[2])
    boot, sources = ({one[0]: one[n] for one in known} for n in (1, 2))
    swayed = {name for name in found if sources.get(name, "client") == "client"}
    swayed |= {name for name in found if mine.get(name) != theirs.get(name)}
    configured = _configured(connection) if swayed else {}
    own = {name: value for name, value in theirs.items() if "." in name}
    kept = {name: value for name, value in found.items() if name not in swayed}
    instead = {name: theirs.get(name) or configured.get(name) or boot.get(name) for name in swayed}
    return kept | own | {name: value for name, value in instead.items() if value is not None}


def _configured(connection: Connection) -> dict[str, str]:
    [(may_ask,)] = database.query(connection, _MAY_ASK)
    return dict(database.query(connection, _CONFIGURED)) if may_ask else {}
