"""Give an application's tests a migrated template database, through pytest-postgresql.

In conftest.py::

    from pytest_postgresql import factories
    from runner import testing

    postgresql_template = factories.postgresql_noproc(load=[testing.load("auth")])
    postgresql = factories.postgresql("postgresql_template")

Each test then gets a clone, ``postgresql``, in some ten milliseconds.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING

from runner import database, door
from runner.errors import DatabaseMissing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.database import Connection

_PREFIX = "runner_kept_"
_SOURCE = "the test database"

# A database made from template1 holds nothing of its own: the server's own objects have lower numbers, what
# is made of them, or for a role, depends on it, and public has the owner, rights and comment it came with.
_EMPTY = """
    select exists (
        select from pg_catalog.pg_namespace
        where nspname = 'public' and nspowner = 'pg_database_owner'::pg_catalog.regrole
            and nspacl::text = '{pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}'
            and pg_catalog.obj_description(oid, 'pg_namespace') = 'standard public schema'
    ) and not exists (
        select from pg_catalog.pg_class where oid >= 16384
        union all select from pg_catalog.pg_proc where oid >= 16384
        union all select from pg_catalog.pg_type where oid >= 16384
        union all select from pg_catalog.pg_namespace where oid >= 16384
        union all select from pg_catalog.pg_extension where oid >= 16384
        union all select from pg_catalog.pg_foreign_data_wrapper where oid >= 16384
        union all select from pg_catalog.pg_cast where oid >= 16384
        union all select from pg_catalog.pg_publication
        union all select from pg_catalog.pg_largeobject_metadata
        union all select from pg_catalog.pg_default_acl
        union all select from pg_catalog.pg_depend where objid >= 16384
        union all (
            select from pg_catalog.pg_database as d
            left join pg_catalog.pg_shdepend as s on s.dbid = d.oid
            left join pg_catalog.pg_db_role_setting as r on r.setdatabase = d.oid
            left join pg_catalog.pg_shdescription as c
                on c.objoid = d.oid and c.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
            where d.datname = pg_catalog.current_database() and (
                s.dbid is not null or r.setdatabase is not null or c.objoid is not null
                or d.datacl is not null or d.datconnlimit <> -1
                or pg_catalog.pg_get_userbyid(d.datdba) <> current_user
            )
        )
    )
"""

# It is closed when it is complete; a process that dies before leaves an open one, which is dropped. What
# another role keeps is not for this one to clone or to drop.
_IS_OURS = "pg_catalog.pg_has_role(datdba, 'usage')"
_IS_KEPT = f"select from pg_catalog.pg_database where datname = %s and not datallowconn and {_IS_OURS}"
_IS_TAKEN = "select from pg_catalog.pg_database where datname = %s"
_OLD = f"""
    select datname from pg_catalog.pg_database
    where pg_catalog.regexp_replace(datname, '_[^_]*$', '') = pg_catalog.regexp_replace(%s, '_[^_]*$', '')
        and {_IS_OURS}
"""  # noqa: S608 - a condition of this module


def load(series: str, *, config: Path | str | None = None, keep: bool = True) -> Callable[..., None]:
    """Return a loader for ``load=`` of pytest-postgresql's process fixtures: it migrates their database.

    ``config`` is a pyproject.toml, by default the nearest to the working folder, else that of the package.

    With ``keep`` a copy of the result stays on the server, ``runner_kept_SERIES_CHECKSUM``, closed to
    connections, and the next session clones it instead of applying the files again, as long as each has the
    same number, name and checksum. It is made of a database that was as new, and when no file was skipped;
    replaced when a file changes; and may be dropped at any time. What belongs to no database, such as roles,
    is not made again: where files make that, say ``keep=False``.

    The loader writes, and raises ``RunnerError``.
    """

    def loader(
        *, host: str, port: str | int, user: str, dbname: str, password: str | None = None, **_: object
    ) -> None:
        url = database.compose(host=host, port=port, user=user, dbname=dbname, password=password)
        if keep and _is_empty(url) and (maintenance := _maintenance(url)):
            with closing(maintenance):
                _load(series, config, url, maintenance, dbname)
        else:
            door.migrate(series, url=url, config=config)

    return loader


def _maintenance(url: str) -> Connection | None:
    """Connect to where databases are made from; where the server has no such one, nothing is kept."""
    try:
        return database.connect(database.sibling(url, "postgres", source=_SOURCE), source=_SOURCE)
    except DatabaseMissing:
        return None


def _is_empty(url: str) -> bool:
    with database.connect(url, source=_SOURCE) as connection:
        return bool(database.query(connection, _EMPTY)[0][0])


def _load(series: str, config: Path | str | None, url: str, connection: Connection, name: str) -> None:
    """Clone what is kept, or migrate and keep. One process at a time does so on a server."""
    kept = _kept_name(series, config)
    try:
        database.take_turn(connection, "runner_kept")
        if database.query(connection, _IS_KEPT, kept):
            database.execute(connection, "alter database {} is_template false", name)
            database.execute(connection, "drop database {}", name)
            database.execute(connection, "create database {} template {} is_template true", name, kept)
            return
        [done] = door.migrate(series, url=url, config=config)
        for (old,) in database.query(connection, _OLD, kept):
            database.execute(connection, "drop database {}", old)
        if not done.skipped and not database.query(connection, _IS_TAKEN, kept):
            database.execute(connection, "create database {} template {}", kept, name)
            # From here on it is kept.
            database.execute(connection, "alter database {} allow_connections false", kept)
    except database.Error as error:
        raise database.refused(error) from error


def _kept_name(series: str, config: Path | str | None) -> str:
    """Return the name for what the files of a series make; PostgreSQL takes 63 bytes of a name."""
    files = "\n".join(f"{migration.label} {migration.checksum}" for migration in door.files(series, config))
    return f"{_PREFIX}{series[:30]}_{hashlib.sha256(files.encode()).hexdigest()[:16]}"
