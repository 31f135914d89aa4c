"""Keep a throw-away database for as long as a block lasts, on a server where files may do no harm.

A file runs what it likes: a `do` block, a function or an extension may reach roles, settings of other
databases, other servers and the machine, and no reading of the file can tell. So a scratch database is never
made on the server of a configured URL, but on a private one, or where somebody says that it may be.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from runner import apply, database, embedded, ledger, planning
from runner.database import Access
from runner.errors import RunnerError, ServerUnusable
from runner.model import Before, Limits
from runner.schema import alike, around, beyond, catalog, cluster, roles

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.around import Around
    from runner.schema.catalog import Snapshot

PREFIX = "runner_scratch_"
OPTION = "--scratch URL or RUNNER_SCRATCH_URL"


class Server(NamedTuple):
    """A server where files may run, and for which live database it has been made ready."""

    url: str
    source: str  # how people refer to it: a private PostgreSQL 18, the scratch server
    around: Around
    is_private: bool
    made: tuple[str, ...]  # roles

    @property
    def role(self) -> str | None:
        """The role made here as whom files run: it may do what the one that migrates may do."""
        name = self.around.migrator.name
        return name if name in self.made else None

    @property
    def name(self) -> str | None:
        """The name of the live database where a scratch database can have it, which files may call it by."""
        name = self.around.database
        return name if self.is_private and name not in ("template0", "template1") else None


@contextmanager
def scratch_server(  # noqa: PLR0913 - options, keyword-only
    url: str,
    *,
    source: str,
    files: Sequence[Migration],
    scratch: str | None = None,
    live: Around | None = None,
    also: Sequence[str] = (),
) -> Iterator[Server]:
    """Yield a server for scratch databases that is not that of ``url``, made ready for ``files``.

    That of the URL ``scratch``, else a private one of the same major version as that of ``url`` or newer,
    where ``also`` are roles. Those that files name are there, without login, and a session begins with what
    the database sets for files, ``live`` where it is known. Raises ``ServerUnusable`` without such a server.
    """
    live = live or around.visited(url, source=source, files=files)
    if scratch:
        with _given(scratch, live, files) as server:
            yield server
        return
    wanted = {*live.extensions, *(name for one in files for name in one.requires)}
    programs = cluster.choose(live.version // 10000, wanted)
    if programs is None:
        raise ServerUnusable(
            f"There is no PostgreSQL {live.version // 10000} or newer here for a scratch database, "
            f"and files are not run on the server of {source} for a comparison: they might change it.",
            remedy=f"Name a server for it: {OPTION}; or {embedded.EXTRA}.",
        )
    with cluster.running(programs, superuser=alike.administrator(live)) as there:
        told = f"a private PostgreSQL {programs.version}"
        with database.connect(there, source=told) as connection:
            alike.speak_alike(connection, live.locale)
            made = roles.make(connection, files, live, also=also)
            alike.make_tablespaces(connection, live.tablespaces, own=live.tablespace)
            roles.give(connection, live.migrator.name, live.rights)
            ready = alike.set_alike(connection, there, live, source=told)
        yield Server(ready, told, live, is_private=True, made=made)


@contextmanager
def _given(scratch: str, live: Around, files: Sequence[Migration]) -> Iterator[Server]:
    told = "the scratch server"
    scratch = database.with_settings(scratch, {"jit": "off"}, source=told)  # instead of what a client sets
    with database.connect(scratch, source=told) as connection:
        _check(connection, live)
        made = roles.make(connection, files, live)
        try:
            if live.migrator.name in made:
                roles.give(connection, live.migrator.name, live.rights)
            there = alike.set_alike(connection, scratch, live, source=told)
            yield Server(there, told, live, is_private=False, made=made)
        finally:
            roles.drop(connection, made)


def _check(connection: Connection, live: Around) -> None:
    """Raise ``ServerUnusable`` for a server that is the live one or leads it, too old, or no spare one."""
    version = connection.info.server_version
    reason = remedy = None
    if version // 10000 < live.version // 10000:  # and may not know what the next line asks for
        reason = f"is PostgreSQL {version // 10000}, older than the live one"
        remedy = f"Name one of version {live.version // 10000} or newer."
    elif around.is_reached(live, connection):
        which = "the live one" if live.follows is None else "the primary of the live one, or a copy of it"
        reason = f"is {which}: files that reach beyond their database would change it"
        remedy = "Name another."
    elif not roles.is_superuser(connection):
        reason = "lets this role not do what files may do"
        remedy = "Connect as a superuser: it is a server for nothing else."
    if reason:
        raise ServerUnusable(f"The scratch server {reason}.", remedy=remedy)


@contextmanager
def scratch_database(url: str, *, source: str, name: str | None = None) -> Iterator[str]:
    """Create an empty database on the server of ``url`` and yield its URL; it is dropped at the end. Writes.

    Dropped also after an error or Ctrl-C; only a killed process leaves one behind, which its name tells:
    runner_scratch_ and the process id.
    """
    name = name or f"{PREFIX}{os.getpid()}_{secrets.token_hex(4)}"
    with database.connect(url, source=source, application="runner:scratch") as connection:
        database.drop(connection, name)  # a new server has a database postgres
        database.create_empty(connection, name)
        there = database.sibling(url, name, source=source)
        try:
            yield there
        finally:
            beyond.release(there, source=source)
            database.drop(connection, name)


@contextmanager
def built(
    server: Server, migrations: Sequence[Migration], *, schemas: Collection[str] = ()
) -> Iterator[tuple[Connection, Snapshot]]:
    """Yield a connection to a scratch database that holds what ``migrations`` make, and how it was before.

    ``schemas`` are those that count, none for all. Raises ``ServerUnusable`` when the server refuses an
    extension that a file requires.
    """
    with (
        beyond.passing(server.url, migrations, source=server.source),
        scratch_database(server.url, source=server.source, name=server.name) as there,
    ):
        with database.connect(there, source=server.source) as connection:
            alike.adopt(connection, server.around, migrations)
            if server.role:  # what an administrator did before it, files may do here by themselves
                roles.rise(connection, server.role)
            else:  # a role of somebody's server stays what it is
                alike.let_make(connection, server.around.migrator.name)
        with database.connect(there, source=server.source) as connection:
            check_extensions(connection, migrations, source=server.source)
            before = catalog.snapshot(connection, besides=ledger.TABLE, server=False, schemas=schemas)
            try:
                apply_all(connection, there, migrations, Before(has_ledger=False), source=server.source)
            except RunnerError as error:
                error.notes += (f"It was run on {server.source}. Where that lacks something: {OPTION}.",)
                raise
            if not server.role:
                database.run(connection, "set role none")  # to compare takes a superuser
            yield connection, before


def apply_all(
    connection: Connection, url: str, migrations: Sequence[Migration], before: Before, *, source: str
) -> None:
    """Apply files as ``migrate`` does, however long a statement takes. Writes."""
    access = Access(connection, partial(database.connect, url, source=source))
    for _ in apply.apply(access, migrations, before, Limits(statement_timeout=0)):
        pass


def check_extensions(connection: Connection, migrations: Sequence[Migration], *, source: str) -> None:
    """Raise ``ServerUnusable`` when a scratch database cannot have an extension that a file requires."""
    wanted = {name for migration in migrations for name in migration.requires}
    lacking = planning.refused(connection, wanted)
    for migration in migrations:
        if missing := [name for name in migration.requires if name in lacking]:
            raise ServerUnusable(
                f"A scratch database on {source} cannot have the extension {missing[0]}, which "
                f"{migration.path} requires: {lacking[missing[0]]}.",
                remedy=f"Name a server that can: {OPTION}.",
            )
