"""Tell what surrounds a database on its server: what files find there, and as whom they run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner import database, ledger, planning
from runner.files import blanked
from runner.schema import membership, premises, roles, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.membership import Membership
    from runner.schema.premises import Premises
    from runner.schema.roles import Role

_DEFAULTS = re.compile(r"\bdefault\s+privileges\b", re.IGNORECASE)

# Encoding 6 is UTF-8. Of provider c, libc, the locale is that of lc_collate and lc_ctype.
_QUESTION = """
    select
        pg_catalog.int4in(pg_catalog.textout(pg_catalog.current_setting('server_version_num'))),
        pg_catalog.concat(pg_catalog.pg_postmaster_start_time()),
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
        end,
        (select s.spcname from pg_catalog.pg_tablespace as s where s.oid = d.dattablespace)
    from pg_catalog.pg_database as d,
        lateral (select case d.datlocprovider when 'i' then 'icu' when 'b' then 'builtin' end) as p (name),
        lateral (select pg_catalog.to_jsonb(d)) as j (d)
    where d.datname = pg_catalog.current_database()
"""

_LOGIN = f"select (select applied_by from {ledger.TABLE} order by applied_at desc limit 1)"  # noqa: S608 - ours
_NUMBER = "select system_identifier from pg_catalog.pg_control_system()"


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
    tablespace: str  # of the database
    settings: dict[str, str]  # that decide how a file is understood
    memberships: list[Membership]  # of the role that migrates, also by way of others
    rights: list[str]  # of that role, on tablespaces and settings of the server
    follows: int | None = None  # on a standby, the number that it and its primary have in common
    premises: Premises | None = None  # for that role, unless it is a superuser or a file speaks of them


def look(connection: Connection) -> Around:
    """Return what surrounds the database of a connection. Does not write."""
    [result] = database.ask(connection, database.fill(_QUESTION, ledger=ledger.TABLE))
    [(version, started, name, owner, migrator, *rest)] = database.rows(connection, result)
    known, joined = roles.look(connection, migrator), membership.look(connection, migrator)
    rights = [] if known.is_superuser else roles.shared_rights(connection, migrator)
    follows = _number(connection) if database.is_standby(connection) else None
    found = settings.look(connection)
    place = None if known.is_superuser else premises.look(connection, migrator)
    return Around(*(version, started, name, owner, known, *rest, found, joined, rights, follows, place))


def seen(connection: Connection, migrations: Iterable[Migration]) -> Around:
    """Return what ``look`` does, with what files ask for by its name. Does not write."""
    live = look(connection)
    place = None if live.premises is None or premises.are_spoken_of(migrations) else live.premises
    return live._replace(settings=live.settings | settings.asked(connection, migrations), premises=place)


def visited(url: str, *, source: str, files: Iterable[Migration], is_steady: bool = False) -> Around:
    """Return what is ``seen`` at ``url``. Does not write.

    Where it ``is_steady``, no client, and no role but the one that migrates, sets how dates are read.
    """
    with database.connect(url, source=source) as connection:
        planning.check_age(connection.info.server_version, source=source)
        live = seen(connection, files)
        sure = unswayed(connection, live).settings if is_steady else {}
    dates = {name: value for name, value in sure.items() if name in settings.WRITTEN}
    return live._replace(settings=live.settings | dates)


def unswayed(connection: Connection, live: Around) -> Around:
    """Return ``live`` with the settings of who was logged in to migrate, whatever a client sets. Asks."""
    login = None
    if live.has_ledger:
        [(login,)] = database.query(connection, _LOGIN)
    return live._replace(settings=settings.unswayed(connection, live.settings, login))


def is_reached(live: Around, connection: Connection) -> bool:
    """Tell whether what happens on the server of a connection happens to the live database, too."""
    if live.follows is not None and _number(connection) == live.follows:
        return True
    return look(connection).started == live.started


def _number(connection: Connection) -> int | None:
    """Return the number of all servers that were one once; ``None`` where somebody has taken the right."""
    try:
        [(number,)] = database.query(connection, _NUMBER)
    except database.Error as error:
        if error.sqlstate is None:
            raise
        return None
    return int(number)


def speak_of_defaults(migrations: Iterable[Migration]) -> bool:
    """Tell whether any file says something about default privileges."""
    return any(_DEFAULTS.search(blanked(migration.sql)) for migration in migrations)
