"""Write the statements that record a file, and those that ask whether it is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import __version__
from runner.database import fill, pieces
from runner.errors import ChecksumMismatch, LedgerChanged

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from runner.database import Connection, Error
    from runner.model import Migration


# Texts with fields, for ``fill`` and for psql.
RECORD = """
    insert into public.schema_migrations
        (series, version, name, checksum, sql, execution_ms, runner_version)
    values ({series}, {version}, {name}, {checksum}, {sql}, {ms}, {runner});
"""

RUNNING = """
    insert into public.schema_migrations
        (series, version, name, checksum, sql, execution_ms, runner_version, running)
    values ({series}, {version}, {name}, {checksum}, {sql}, 0, {runner}, true)
    on conflict (series, version) do update
        set name = excluded.name, checksum = excluded.checksum, sql = excluded.sql,
            applied_at = excluded.applied_at, applied_by = excluded.applied_by,
            runner_version = excluded.runner_version;
"""
DONE = """
    update public.schema_migrations set running = false, execution_ms = {ms}
    where series = {series} and version = {version};
"""

# Null, which the column refuses, in another transaction: a check for which no statement of its own is needed.
_RECORD_WITHIN = RECORD.replace(
    "{ms}", "case when pg_catalog.pg_current_xact_id_if_assigned()::text = {xid} then {ms} end"
)
_NOT_NULL_VIOLATION = "23502"


def recheck_message(migration: Migration, *, previous: str | None) -> str:
    """Return a query, for under the lock, of the rows of ``migration`` and of the version before it.

    With each version comes its identity, checksum and name.
    """
    return fill(
        """
        select version, checksum || ' ' || name, running from public.schema_migrations
        where series = {series} and version in ({version}, {previous});
        """,
        series=migration.series,
        version=migration.version,
        previous=previous,
    )


def pairs(result: PGresult) -> dict[str, str]:
    """Return version and identity of the rows that ``recheck_message`` gave; one that is running is none."""
    rows = ([result.get_value(i, column) or b"" for column in range(3)] for i in range(result.ntuples))
    return {version.decode(): identity.decode() for version, identity, running in rows if running == b"f"}


def is_to_do(migration: Migration, recorded: dict[str, str], *, previous: str | None) -> bool:
    """Compare the plan with what the ledger says under the lock; another runner may have been here.

    Raises ``LedgerChanged`` when ``previous`` was rolled back meanwhile, ``ChecksumMismatch`` when the
    file was applied with other content, or under another name.
    """
    if previous is not None and previous not in recorded:
        raise LedgerChanged(
            f"{migration.series} {previous} is no longer recorded: somebody rolled it back just now.",
            remedy="Look at `status`, then run again.",
        )
    identity = recorded.get(migration.version)
    if identity not in (None, f"{migration.checksum} {migration.name}"):
        raise ChecksumMismatch(
            f"Another runner has just applied {migration.path} with other content or under another name.",
            remedy="Run one version of the files only; see `verify` for the difference.",
        )
    return identity is None


def record_message(migration: Migration, *, ms: int) -> str:
    """Return the insert of the ledger row of ``migration``, applied in ``ms`` milliseconds."""
    return "".join(record_pieces(migration, ms=ms))


def record_pieces(
    migration: Migration, *, ms: int, xid: str | None = None, connection: Connection | None = None
) -> list[str]:
    """Return that insert in pieces, because the text of a file may be long.

    With ``xid`` it fails in any transaction but that one, as ``is_elsewhere`` tells.
    """
    return pieces(
        RECORD if xid is None else _RECORD_WITHIN,
        connection=connection,
        xid=xid,
        series=migration.series,
        version=migration.version,
        name=migration.name,
        checksum=migration.checksum,
        sql=migration.sql,
        ms=ms,
        runner=__version__,
    )


def is_elsewhere(error: Error) -> bool:
    """Tell whether a record was refused because its transaction is not the one it belongs to."""
    at = (error.sqlstate, error.diag.table_name, error.diag.column_name)
    return at == (_NOT_NULL_VIOLATION, "schema_migrations", "execution_ms")


def running_message(migration: Migration) -> str:
    """Return the insert of a row that says the file has begun; one that was interrupted begins anew."""
    return fill(
        RUNNING,
        series=migration.series,
        version=migration.version,
        name=migration.name,
        checksum=migration.checksum,
        sql=migration.sql,
        runner=__version__,
    )


def done_message(migration: Migration, *, ms: int) -> str:
    """Return the update of a row that says the file is done, in ``ms`` milliseconds."""
    return fill(DONE, series=migration.series, version=migration.version, ms=ms)


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
