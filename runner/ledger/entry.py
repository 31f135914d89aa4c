"""Write the statements that record a file, and tell whether it is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from runner import __version__
from runner.database import fill
from runner.errors import ChecksumMismatch, LedgerChanged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.model import Applied, Migration


# Texts with fields, for ``statement`` and for psql.
RECORD = """
    insert into public.schema_migrations
        (series, version, name, checksum, sql, execution_ms, runner_version)
    values ({series}, {version}, {name}, {checksum}, {sql}, {ms}, {runner});
"""

# One that was interrupted begins anew.
RUNNING = """
    insert into public.schema_migrations
        (series, version, name, checksum, sql, execution_ms, runner_version, running)
    values ({series}, {version}, {name}, {checksum}, {sql}, 0, {runner}, true)
    on conflict (series, version) do update
        set name = excluded.name, checksum = excluded.checksum, sql = excluded.sql,
            applied_at = excluded.applied_at, applied_by = excluded.applied_by,
            runner_version = excluded.runner_version;
"""
# The row of a file that was begun outside any transaction, before it is applied within one.
FORGET = """
    delete from public.schema_migrations where series = {series} and version = {version} and running;
"""
DONE = """
    update public.schema_migrations set running = false, execution_ms = {ms}
    where series = {series} and version = {version};
"""
ACCEPT = """
    update public.schema_migrations set checksum = {checksum}, sql = {sql}, runner_version = {runner}
    where series = {series} and version = {version};
"""


def is_to_do(migration: Migration, rows: Iterable[Applied], *, previous: str | None) -> bool:
    """Compare the plan with the rows of the ledger as it is now; another runner may have been here.

    Raises ``LedgerChanged`` when ``previous`` was rolled back meanwhile, ``ChecksumMismatch`` when the
    file was applied with other content, or under another name.
    """
    recorded = {row.version: f"{row.checksum} {row.name}" for row in rows if not row.running}
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


def values(one: Migration | Applied) -> dict[str, Any]:
    """Return what a row says of a file, for ``fill``: each text takes of it what it names."""
    return one._asdict() | {"runner": __version__}


def statement(text: LiteralString, one: Migration | Applied, **ms: int) -> str:
    """Return one of the texts above for a file; those that name ``ms`` are given how long it took."""
    return fill(text, **values(one), **ms)
