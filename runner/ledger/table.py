"""Make the ledger, read it, and decide whether it can be trusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from runner import database
from runner.errors import LedgerUntrusted, WrongDatabase
from runner.model import Applied

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from runner.database import Connection

TABLE = "public.schema_migrations"

# What default privileges grant to others is taken back: nobody but the owner may touch the ledger.
CREATE = """
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
    running boolean not null default false,
    constraint schema_migrations_pkey primary key (series, version)
);
do $runner$
declare
    other text;
begin
    for other in
        select case x.grantee when 0 then 'public' else x.grantee::pg_catalog.regrole::text end
        from pg_catalog.pg_class as c, pg_catalog.aclexplode(c.relacl) as x
        where c.oid = 'public.schema_migrations'::pg_catalog.regclass and x.grantee <> c.relowner
    loop
        execute pg_catalog.format('revoke all on table public.schema_migrations from %s', other);
    end loop;
end
$runner$;
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
comment on column public.schema_migrations.running is
    'True from the start of a file outside any transaction to its end; left true, it was interrupted.';
comment on index public.schema_migrations_pkey is 'rows of one series in order, and one row by version';
"""

HELD, APPEARED = "MG002", "MG003"  # SQLSTATEs of our own

# Takes the lock and creates the ledger, which another runner may have done since somebody looked.
FIRST = (
    f"""
do $runner$
begin
    if not pg_catalog.pg_try_advisory_xact_lock(
        pg_catalog.hashtextextended('public.schema_migrations', 0)
    ) then
        raise exception 'the advisory lock is held' using errcode = '{HELD}';
    end if;
    if pg_catalog.to_regclass('public.schema_migrations') is not null then
        raise exception 'there is a ledger by now' using errcode = '{APPEARED}';
    end if;
end
$runner$;
"""
    + CREATE
)

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
    "running boolean",
]

# The ledger's owner decides what is recorded. A superuser is a member of every role, so membership
# says nothing for him: there the owner must be a superuser too, or own the database.
SHAPE = """
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
    where c.oid = pg_catalog.to_regclass('public.schema_migrations');
"""

# Microseconds since 1970: how a time is written is for the database's settings to say.
_ROWS = """
    select series, version, name, checksum, (extract(epoch from applied_at) * 1000000)::bigint, applied_by,
        execution_ms, running
    from public.schema_migrations
"""
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


class Shape(NamedTuple):  # as in model: it starts faster
    """What the catalog says of the ledger: ``plain`` is a table without triggers, rules and row security."""

    plain: bool
    columns: list[str]
    owner: str
    trusted: bool  # its owner is this role, or one it is a member of
    readable: bool
    role: str


def shape(connection: Connection, result: PGresult) -> Shape | None:
    """Return the ledger's shape from the result of ``SHAPE``; ``None`` when there is no ledger."""
    found = database.rows(connection, result)
    return Shape(*found[0]) if found else None


def read(connection: Connection, *, series: str) -> tuple[Applied, ...] | None:
    """Return the ledger's rows, or ``None`` when there is no ledger. Does not write.

    Raises what ``read_rows`` raises.
    """
    [result] = database.ask(connection, SHAPE)
    found = shape(connection, result)
    return read_rows(connection, found, series=series) if found else None


def read_rows(connection: Connection, found: Shape, *, series: str) -> tuple[Applied, ...]:
    """Return the rows of a ledger of this shape. Does not write.

    Raises ``LedgerUntrusted`` for a table that is not the runner's or may not be read, before anything
    is selected from it, and ``WrongDatabase`` when it records another series.
    """
    _check_shape(found)
    rows = tuple(_applied(*row) for row in database.query(connection, _ROWS))
    if odd := [row.version for row in rows if not (row.version.isascii() and row.version.isdigit())]:
        raise LedgerUntrusted(
            f"{TABLE} records a version that is no number: {odd[0]!r}.",
            remedy="Somebody wrote it by hand: find out why, and delete the row.",
        )
    if others := {row.series for row in rows} - {series}:
        raise WrongDatabase(
            f"This database belongs to series {', '.join(sorted(others))}, not {series}.",
            remedy=f"Point the URL of {series} at its own database.",
        )
    return rows


def _applied(series: str, version: str, name: str, checksum: str, since: int, *rest: Any) -> Applied:  # noqa: ANN401 - as Applied has them
    return Applied(series, version, name, checksum, _1970 + timedelta(microseconds=since), *rest)


def _check_shape(found: Shape) -> None:
    if not found.plain or found.columns != _COLUMNS:
        raise LedgerUntrusted(
            f"{TABLE} is not the runner's ledger: it has other columns, or triggers, rules or row security.",
            remedy="Another tool may have made it. Rename it, or use a database of its own.",
        )
    if not found.readable:
        raise LedgerUntrusted(
            f"Role {found.role} may not read {TABLE}.",
            remedy=f"As its owner: grant select on {TABLE} to {found.role};",
        )


def check_owner(found: Shape) -> None:
    """Raise ``LedgerUntrusted`` unless the ledger belongs to the role that migrates, or one it is in."""
    if not found.trusted:
        raise LedgerUntrusted(
            f"{TABLE} belongs to {found.owner}, and {found.role} is not a member of it.",
            remedy=f"Migrate as {found.owner}, or find out who made the table.",
        )


def create(connection: Connection) -> None:
    """Create the ledger in the transaction at hand, which must hold the advisory lock. Writes."""
    database.run(connection, CREATE)


def text(connection: Connection, row: Applied) -> str:
    """Return the SQL text that was applied."""
    [(applied,)] = database.query(
        connection,
        "select sql from public.schema_migrations where series = %s and version = %s",
        row.series,
        row.version,
    )
    return str(applied)
