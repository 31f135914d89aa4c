"""Hold one scratch database in which files are applied, run again and rolled back, and are watched.

Files run as the role that migrates, and as a superuser where that lacks a right.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from runner import database, ledger
from runner.errors import RunnerError
from runner.model import Before
from runner.schema import leftovers, psql, roles, rows, scratch
from runner.schema.rows import Filler
from runner.schema.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.moment import Moment

_BEGIN = """
    begin isolation level read committed read write;  -- as migrate does
    set local row_security = off; set local statement_timeout = 0
"""
_NO_RIGHT = "42501"
_POLICY = "check_enable_rls"  # the place in PostgreSQL that refuses what a policy would hide


class Place(NamedTuple):
    """A server for scratch databases, how messages name it, and what a project says of its series.

    ``schemas`` are those that count, ``own`` is a folder of own rows, ``role`` runs the files, else whoever
    connects.
    """

    url: str
    source: str
    schemas: tuple[str, ...] = ()
    own: Path | None = None
    role: str | None = None


class Bench:
    """A scratch database, the files ``done`` in it, and the rows that were made.

    It ``is_spoiled`` when what follows would be judged wrongly, and ``could_not_apply`` the last file.
    ``lacked`` is what the server said when the role lacked a right, so that it is a superuser meanwhile.
    """

    def __init__(self, place: Place, *, working: Connection, watching: Connection) -> None:
        self.connection = working
        self.url = place.url
        self.source = place.source
        self.role = place.role
        self.lacked: str | None = None
        self.done: list[Migration] = []
        self.is_spoiled = False
        self.could_not_apply = False
        self.watcher = Watcher(watching, working, schemas=place.schemas, role=place.role)
        self.filler = Filler(working, ledger.TABLE, watching, place.own)
        self._settings = psql.settings(self.look().server)

    @property
    def has_rows(self) -> bool:
        """Whether rows were made that a file may trip over."""
        return any(self.filler.made.values())

    def look(self) -> Moment:
        """Return the database as it is now."""
        return self.watcher.look()

    def apply(self, *migrations: Migration) -> RunnerError | None:
        """Apply files as ``migrate`` does; return what went wrong. Writes."""
        error = self._apply(migrations)
        if error and isinstance(error.__cause__, database.Error) and self._rise(error.__cause__):
            return self._apply(migrations)
        return error

    def catch_up(self, done: Sequence[Migration]) -> None:
        """Apply files that were proven; those that needed a superuser then do so again. Writes."""
        if done:
            self._rise_for("")
            error = self._apply(done)
            self.lower()
            if error:
                raise error
        self.look()

    def _apply(self, migrations: Sequence[Migration]) -> RunnerError | None:
        before = Before(self.watcher.moment.has_ledger, self.done[-1].version if self.done else None)
        try:
            scratch.apply_all(self.connection, self.url, migrations, before, source=self.source)
        except RunnerError as error:
            return error
        return None

    def _rise(self, error: database.Error) -> bool:
        """Make the role a superuser where it lacked a right; return whether it was none."""
        if error.sqlstate != _NO_RIGHT or error.diag.source_function == _POLICY:
            return False
        return self._rise_for(error.diag.message_primary or str(error))

    def _rise_for(self, reason: str) -> bool:
        if self.role is None or not roles.rise(self.watcher.connection, self.role):
            return False
        self.lacked = reason
        return True

    def lower(self) -> None:
        """Let the role have its own rights again, after a file that needed more."""
        if self.role and self.lacked is not None:
            roles.lower(self.watcher.connection, self.role)
        self.lacked = None

    def run(self, migration: Migration) -> database.Error | None:
        """Run a file as psql -1 would, or psql alone for a file without a transaction. Writes."""
        if migration.in_transaction:
            return self._whole(_BEGIN, migration.sql)
        database.run(self.connection, "set row_security = off; set statement_timeout = 0")
        return database.failure(database.send(self.connection, migration.sql))

    def _whole(self, begin: str, text: str) -> database.Error | None:
        """Run a text in a transaction, at whose end fails what is deferred."""
        database.run(self.connection, begin)
        error = database.failure(database.send(self.connection, text))
        ended = database.send(self.connection, "rollback" if error else "commit")
        return error or database.failure(ended)

    def psql(self, file: Path) -> str | None:
        """Run a file as a DBA does with psql; return the error it told. Writes.

        Where psql would but send the file to the server, so does this session, which is there already.
        """
        text = psql.plain(file)
        if text is None or self._speaks_otherwise():
            return self._run_file(file)
        error = self._send(text)
        if error and self._rise(error):
            error = self._send(text)
        return psql.told(error, text, file) if error else None

    def _run_file(self, file: Path) -> str | None:
        said = psql.run_file(file, self.url, source=self.source)
        if said and psql.lacks_right(said) and self._rise_for(said):
            said = psql.run_file(file, self.url, source=self.source)
        self.watcher.settle()
        return said

    def _send(self, text: str) -> database.Error | None:
        database.start_over(self.connection)
        error = self._whole("begin", text)
        database.start_over(self.connection)
        return error

    def _speaks_otherwise(self) -> bool:
        """Tell whether a new session would begin with other settings than this one."""
        return psql.settings(self.watcher.moment.server) != self._settings


@contextmanager
def bench(place: Place, done: Sequence[Migration], *, with_rows: bool) -> Iterator[Bench]:
    """Make a scratch database behind the files ``done``, with rows or without. Writes only there.

    Raises what a file raises that cannot be applied.
    """
    source, files = place.source, list(done)
    with (
        leftovers.passing(place.url, files, source=source),
        scratch.scratch_database(place.url, source=source) as there,
    ):
        if place.role:
            _hand_over(there, place.role, source=source)
        with (
            database.connect(there, source=source, application="runner:proof") as working,
            database.connect(there, source=source, application="runner:watch") as watching,
        ):
            if place.role:
                database.run(watching, "set role none")
            made = Bench(place._replace(url=there), working=working, watching=watching)
            made.watcher.series = done[0].series if done else ""
            made.catch_up(done)
            made.done = files  # that list grows
            if with_rows:
                rows.fill(made.filler)
            else:
                rows.learn(made.filler, None)
            yield made


def _hand_over(url: str, role: str, *, source: str) -> None:
    """Make a role the owner of a database, as whom every session works there. Writes."""
    with database.connect(url, source=source) as connection:
        name = roles.quoted(connection.info.dbname)
        database.run(connection, f"alter database {name} owner to {roles.quoted(role)}")
        roles.work_as(connection, role)
