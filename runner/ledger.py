"""Keep the ledger, ``public.schema_migrations``: one row per applied file, beside what the file made.

The only module that names the table. The row is written in the transaction of the file it records.
Every name is qualified, so that no search_path decides what the runner reads or writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import __version__
from runner.database import fill, query, run
from runner.errors import LedgerUntrusted, WrongDatabase
from runner.model import Applied

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg.pq.abc import PGresult

    from runner.database import Connection
    from runner.model import Migration

TABLE = "public.schema_migrations"

_CREATE = """
create table public.schema_migrations (
    series text not null,
    version text not null,
    name text not null,
    checksum text not null,
    sql text not null,
    applied_at timestamptz not null default pg_catalog.now(),
    applied_by text not null default session_user,
    execution_ms bigint not null,
    runner_version text not null,
    constraint schema_migrations_pkey primary key (series, version)
);
revoke all on table public.schema_migrations from public;
comment on table public.schema_migrations is
    'Ledger of the migration runner, one row per applied file; the runner and the rollbacks write it.';
comment on column public.schema_migrations.series is
    'Series of files this database belongs to, such as auth.';
comment on column public.schema_migrations.version is 'Number of the file as its name writes it: 000.';
comment on column public.schema_migrations.name is 'Name of the file behind its number, without the suffix.';
comment on column public.schema_migrations.checksum is
    'sha256: and the digest of the file; line ends, trailing blanks and final newlines do not count.';
comment on column public.schema_migrations.sql is 'Text of the file as it was sent to the server.';
comment on column public.schema_migrations.applied_at is 'Start of the transaction that applied the file.';
comment on column public.schema_migrations.applied_by is 'Role that was logged in.';
comment on column public.schema_migrations.execution_ms is
    'Time the file took, in milliseconds, as the runner saw it.';
comment on column public.schema_migrations.runner_version is
    'Version of the runner that applied the file.';
comment on index public.schema_migrations_pkey is 'rows of one series in order, and one row by version';
"""

_COLUMNS = [
    "series text",
    "version text",
    "name text",
    "checksum text",
    "sql text",
    "applied_at timestamp with time zone",
    "applied_by text",
    "execution_ms bigint",
    "runner_version text",
]

# The ledger's owner decides what is recorded. A superuser is a member of every role, so membership
# says nothing for him: there the owner must be a superuser too, or own the database.
_SHAPE = """
    select
        c.relkind = 'r'
            and not c.relrowsecurity
            and not exists (select from pg_catalog.pg_trigger as t where t.tgrelid = c.oid)
            and not exists (select from pg_catalog.pg_rewrite as r where r.ev_class = c.oid),
        array(
            select a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
            from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            order by a.attnum
        ),
        o.rolname,
        o.oid = m.oid
            or case
                when m.rolsuper then o.rolsuper or o.oid = d.datdba
                else pg_catalog.pg_has_role(m.oid, o.oid, 'member')
            end,
        pg_catalog.has_table_privilege(c.oid, 'select'),
        m.rolname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_roles as o on o.oid = c.relowner
    join pg_catalog.pg_roles as m on m.rolname = current_user
    join pg_catalog.pg_database as d on d.datname = pg_catalog.current_database()
    where c.oid = pg_catalog.to_regclass('public.schema_migrations')
"""

_ROWS = """
    select series, version, name, checksum, applied_at, applied_by, execution_ms, runner_version
    from public.schema_migrations
"""

# Tries to take the advisory lock until the transaction ends: the transaction's id, or null if it is held.
LOCK = """
    select case
        when pg_catalog.pg_try_advisory_xact_lock(
            pg_catalog.hashtextextended('public.schema_migrations', 0)
        )
            then pg_catalog.pg_current_xact_id()::text
    end as xid;
"""

_HOLDER = """
    select a.pid, a.usename, a.application_name
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.database = (
            select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()
        )
        and (l.classid::bigint << 32) | l.objid::bigint
            = pg_catalog.hashtextextended('public.schema_migrations', 0)
"""


def read(connection: Connection, *, series: str) -> tuple[Applied, ...] | None:
    """Return the ledger's rows, or ``None`` when there is no ledger. Does not write.

    Raises ``LedgerUntrusted`` for a table that is not the runner's or may not be read, and
    ``WrongDatabase`` when it records another series.
    """
    shape = query(connection, _SHAPE)
    if not shape:
        return None
    plain, columns, _, _, readable, role = shape[0]
    if not plain or columns != _COLUMNS:
        raise LedgerUntrusted(
            f"{TABLE} is not the runner's ledger: it has other columns, or triggers, rules or row security.",
            remedy="Another tool may have made it. Rename it, or use a database of its own.",
        )
    if not readable:
        raise LedgerUntrusted(
            f"Role {role} may not read {TABLE}.",
            remedy=f"As its owner: grant select on {TABLE} to {role};",
        )
    rows = tuple(Applied(*row) for row in query(connection, _ROWS))
    if others := {row.series for row in rows} - {series}:
        raise WrongDatabase(
            f"This database belongs to series {', '.join(sorted(others))}, not {series}.",
            remedy=f"Point the URL of {series} at its own database.",
        )
    return rows


def check_owner(connection: Connection) -> None:
    """Raise ``LedgerUntrusted`` unless the ledger belongs to the role that migrates, or one it is in."""
    for _, _, owner, trusted, _, role in query(connection, _SHAPE):
        if not trusted:
            raise LedgerUntrusted(
                f"{TABLE} belongs to {owner}, and {role} is not a member of it.",
                remedy=f"Migrate as {owner}, or find out who made the table.",
            )


def create(connection: Connection) -> None:
    """Create the ledger in the transaction at hand, which must hold the advisory lock. Writes."""
    run(connection, _CREATE)


def text(connection: Connection, row: Applied) -> str:
    """Return the SQL text that was applied."""
    [(applied,)] = query(
        connection,
        "select sql from public.schema_migrations where series = %s and version = %s",
        row.series,
        row.version,
    )
    return str(applied)


def holders(connection: Connection) -> tuple[str, ...]:
    """Return who holds the advisory lock, a line each."""
    rows = query(connection, _HOLDER)
    return tuple(f"held by pid {pid}, user {user}, application {name}" for pid, user, name in rows)


def recheck_message(migration: Migration, *, previous: str | None) -> str:
    """Return a query, for under the lock, of the rows of ``migration`` and of the version before it."""
    return fill(
        """
        select version, checksum from public.schema_migrations
        where series = {series} and version in ({version}, {previous});
        """,
        series=migration.series,
        version=migration.version,
        previous=previous,
    )


def xid(results: Iterable[PGresult]) -> str:
    """Return the transaction id that ``LOCK`` gave, empty while somebody else holds the lock."""
    [value] = [r.get_value(0, 0) for r in results if r.nfields and r.fname(0) == b"xid"]
    return (value or b"").decode()


def accept_message(migration: Migration) -> str:
    """Return the update of a ledger row to the file as it is now."""
    return fill(
        """
        update public.schema_migrations set checksum = {checksum}, sql = {sql}, runner_version = {runner}
        where series = {series} and version = {version};
        """,
        series=migration.series,
        version=migration.version,
        checksum=migration.checksum,
        sql=migration.sql,
        runner=__version__,
    )


def record_message(migration: Migration, *, ms: int) -> str:
    """Return the insert of the ledger row of ``migration``, applied in ``ms`` milliseconds."""
    return fill(
        """
        insert into public.schema_migrations
            (series, version, name, checksum, sql, execution_ms, runner_version)
        values ({series}, {version}, {name}, {checksum}, {sql}, {ms}, {runner});
        """,
        series=migration.series,
        version=migration.version,
        name=migration.name,
        checksum=migration.checksum,
        sql=migration.sql,
        ms=ms,
        runner=__version__,
    )
