"""Make the ledger, and read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from runner import database
from runner.errors import WrongDatabase
from runner.ledger import faults, trust
from runner.ledger.faults import TABLE
from runner.model import Applied

if TYPE_CHECKING:
    from runner.database import Connection
    from runner.ledger.trust import Shape

# The key has no name of ours: that of another tool's ledger, which was renamed, may still be in use.
_MAKE = """
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
    primary key (series, version)
);
"""

# To compress the texts takes the server longer than all else that it does to record them. What default
# privileges grant to others is taken back: nobody but the owner may touch the ledger.
_DRESS = """
alter table public.schema_migrations alter column sql set storage external;
do $runner$
declare
    other text;
begin
    execute (
        select pg_catalog.format(
            'comment on index %s is %L',
            i.indexrelid::pg_catalog.regclass,
            'rows of one series in order, and one row by version'
        )
        from pg_catalog.pg_index as i
        where i.indrelid = 'public.schema_migrations'::pg_catalog.regclass
    );
    if exists (
        select from pg_catalog.pg_class as c
        where c.oid = 'public.schema_migrations'::pg_catalog.regclass and c.relacl is not null
    ) then
        for other in
            select case x.grantee when 0 then 'public' else x.grantee::pg_catalog.regrole::text end
            from pg_catalog.pg_class as c, pg_catalog.aclexplode(c.relacl) as x
            where c.oid = 'public.schema_migrations'::pg_catalog.regclass and x.grantee <> c.relowner
        loop
            execute pg_catalog.format('revoke all on table public.schema_migrations from %s', other);
        end loop;
    end if;
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
    'Time the file took on the server, in milliseconds.';
comment on column public.schema_migrations.runner_version is
    'Version of the runner that applied the file.';
comment on column public.schema_migrations.running is
    'True from the start of a file outside any transaction to its end; left true, it was interrupted.';
"""

CREATE = _MAKE + faults.CHECK + _DRESS

# Under the lock: it fails where another runner has made a ledger since somebody looked.
APPEARED = "42P07"  # duplicate_table

# Microseconds since 1970: how a time is written is for the settings of the database to say. One that somebody
# wrote by hand, and Python does not know, is told as the nearest that it does.
_ROWS = """
    select series, version, name, checksum,
        (extract(epoch from least(greatest(applied_at, '0001-01-01 00:00+00'), '9999-12-31 23:59+00'))
            * 1000000)::bigint,
        applied_by, execution_ms, running
    from public.schema_migrations
"""
# Anybody may write a message into the log; whoever decodes it may leave it out.
_WAIT = """
    select from public.schema_migrations where series = {series} and version = {version};
    select pg_catalog.pg_logical_emit_message(true, 'migration runner', '');
    commit;
"""
_PATIENCE = "set local lock_timeout = '10s';"  # also where a transaction is open
_DIGITS = 3  # of a version, at least
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def read(connection: Connection, *, series: str) -> tuple[Applied, ...] | None:
    """Return the ledger's rows, or ``None`` when there is no ledger. Does not write.

    Raises what ``read_rows`` raises.
    """
    [result] = database.ask(connection, faults.SHAPE)
    found = trust.shape(connection, result)
    return read_rows(connection, found, series=series) if found else None


def read_rows(connection: Connection, found: Shape, *, series: str) -> tuple[Applied, ...]:
    """Return the rows of a ledger of this shape. Does not write.

    Raises ``LedgerUntrusted`` for a table that is not the runner's or may not be read, before anything
    is selected from it, and ``WrongDatabase`` when it records another series.
    """
    trust.check_shape(found)
    rows = tuple(_applied(*row) for row in _rows(connection))
    if odd := [row.version for row in rows if not _is_number(row.version)]:
        from runner.ledger import unnumbered  # noqa: PLC0415 - failures only

        raise unnumbered.refused(odd, [row.version for row in rows])
    if others := {row.series for row in rows} - {series}:
        raise WrongDatabase(
            f"This database belongs to series {', '.join(sorted(others))}, not {series}.",
            remedy=f"Point the URL of {series} at its own database.",
        )
    return rows


def _rows(connection: Connection) -> list[tuple[Any, ...]]:
    """Return the rows. Raises ``LockTimeout`` where somebody keeps all readers away from them."""
    try:
        *_, result = database.ask(connection, _PATIENCE + _ROWS)
    except database.Error as error:
        if error.sqlstate != database.LOCK_NOT_AVAILABLE:
            raise
        from runner.ledger import holders  # noqa: PLC0415 - start-up time

        database.roll_back(connection)
        raise holders.kept(connection, table=TABLE) from error
    return database.rows(connection, result)


def _is_number(version: str) -> bool:
    """Tell whether a version is written as the names of files write it, without needless zeros."""
    is_full = len(version) == _DIGITS or (len(version) > _DIGITS and version[0] != "0")
    return version.isascii() and version.isdigit() and is_full


def _applied(series: str, version: str, name: str, checksum: str, since: int, *rest: Any) -> Applied:  # noqa: ANN401 - as Applied has them
    return Applied(series, version, name, checksum, _1970 + timedelta(microseconds=since), *rest)


def make_durable(connection: Connection, *, series: str, version: str) -> bool:
    """Wait until a row, and all that was committed before it, is durable, on a synchronous standby as well.

    Returns whether the row is there.

    Something is written to the log, behind all that, and its commit is waited for (RecordTransactionCommit in
    PostgreSQL's xact.c), unless the database itself says that none is. Writes no row, and needs no right to.
    """
    wait = database.fill(_WAIT, series=series, version=version)
    results = database.run(connection, database.opening(connection, access="read write") + wait)
    return results[-3].ntuples == 1


def create(connection: Connection) -> None:
    """Create the ledger in the transaction at hand, which must hold the advisory lock. Writes.

    Raises ``LedgerUntrusted`` when an event trigger makes something else of it, or nothing.
    """
    try:
        database.run(connection, CREATE)
    except database.Error as error:
        if found := trust.of_making(error):
            raise found from error
        raise


def text(connection: Connection, row: Applied) -> str:
    """Return the SQL text that was applied."""
    query = "select sql from public.schema_migrations where series = %s and version = %s"
    [(applied,)] = database.query(connection, query, row.series, row.version)
    return str(applied)
