"""Keep a throw-away database for as long as a block lasts, and build one from files."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner import apply, database, embedded, ledger
from runner.database import Access
from runner.errors import EmbeddedUnavailable, ServerUnusable
from runner.model import Before
from runner.schema import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.model import Migration
    from runner.schema.catalog import Snapshot

PREFIX = "runner_scratch_"


@contextmanager
def scratch_database(url: str, *, source: str) -> Iterator[str]:
    """Create an empty database on the server of ``url`` and yield its URL; it is dropped at the end. Writes.

    Dropped also after an error or Ctrl-C; only a killed process leaves one behind, which its name tells:
    runner_scratch_ and the process id.
    """
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(4)}"
    with database.connect(url, source=source, application="runner:scratch") as connection:
        database.create_empty(connection, name)
        try:
            yield database.sibling(url, name, source=source)
        finally:
            database.drop(connection, name)


def scratch_server(url: str, *, source: str, home: Path) -> tuple[str, str]:
    """Return the URL and the name of a server where scratch databases may be made.

    That of ``url`` when its role may create databases, else the embedded one under ``home``.
    """
    with database.connect(url, source=source) as connection:
        if database.may_create(connection):
            return url, source
    try:
        return embedded.start(home).url("postgres"), "the embedded server"
    except EmbeddedUnavailable as error:
        raise ServerUnusable(
            f"The role of {source} may not create the scratch database, and there is no embedded PostgreSQL.",
            remedy=f"Grant it createdb, or {embedded.EXTRA}.",
            notes=(error.message, *error.notes),
        ) from error


def expected(migrations: Sequence[Migration], url: str, *, source: str) -> Snapshot:
    """Return the schema that ``migrations`` make in an empty database on the server of ``url``."""
    with scratch_database(url, source=source) as there, database.connect(there, source=source) as connection:
        access = Access(connection, lambda: database.connect(there, source=source))
        for _ in apply.apply(access, migrations, Before(has_ledger=False)):
            pass
        return catalog.snapshot(connection, besides=ledger.TABLE)
