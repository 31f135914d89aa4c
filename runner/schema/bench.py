"""Hold one scratch database in which files are applied, run again and rolled back, and are watched.

Files run as the role that migrates, and as a superuser where that lacks a right.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from runner import database, files, ledger
from runner.errors import RunnerError
from runner.model import Before
from runner.schema import beyond, premises, psql, roles, rows, scratch
from runner.schema.rows import Filler
from runner.schema.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
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
    """A server for scratch databases, and what a project says of its series."""

    url: str
    source: str  # how messages name it
    schemas: tuple[str, ...] = ()  # that count
    own: Path | None = None  # a folder of own rows
    role: str | None = None  # runs the files, else whoever connects
    premises: premises.Premises | None = None  # for that role


class Bench:
    """A scratch database, the files ``done`` in it, and the rows that were made.

    It ``is_spoiled`` when what follows would be judged wrongly, and ``could_not_apply`` the last file.
    ``lacked`` is what the server said when the role lacked a right, so that it is a superuser meanwhile.
    """

    def __init__(self, place: Place, *, watching: Connection, stack: ExitStack) -> None:
        self.url = place.url
        self.source = place.source
        self._stack = stack  # closes the sessions that run files
        self.connection = working = self._session()
        self.role = place.role
        self.lacked: str | None = None
        self.done: list[Migration] = []
        self.is_spoiled = self.could_not_apply = False
        self.watcher = Watcher(watching, working, schemas=place.schemas, role=place.role)
        self.filler = Filler(working, ledger.TABLE, watching, place.own)
        self._settings: Mapping[str, str] | None = None  # with which the session began
        self.look()

    def look(self) -> Moment:
        """Return the database as it is now."""
        moment = self.watcher.look()
        if self._settings is None:
            self._settings = psql.settings(moment.server)
        return moment

    def renew(self, *texts: str) -> None:
        """Go on in a new session, as psql does; with texts, only where ``migrate`` does behind them."""
        if not texts or any(map(files.ages, texts)):
            if not self.connection.closed:
                self.watcher.flush()
                self.connection.close()
            self.connection = self.watcher.working = working = self._session()
            self.filler.connection = self.filler.types.connection = working
            self._settings = None

    def _session(self) -> Connection:
        made = database.connect(self.url, source=self.source, application="runner:proof")
        return self._stack.enter_context(made)

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
        if migrations[0].in_transaction and any(files.remakes(one.sql) for one in migrations):
            self.renew()
        self.watcher.series = migrations[0].series
        before = Before(self.watcher.moment.has_ledger, self.done[-1].version if self.done else None)
        try:
            scratch.apply_all(self.connection, self.url, migrations, before, source=self.source)
        except RunnerError as error:
            return error
        finally:
            self.renew(*(one.sql for one in migrations))
        return None

    def _rise(self, error: database.Error) -> bool:
        """Make the role a superuser where it lacked a right; return whether it was none."""
        lacks_right = error.sqlstate == _NO_RIGHT and error.diag.source_function != _POLICY
        return lacks_right and self._rise_for(error.diag.message_primary or str(error))

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

        Where psql would but send the file to the server, so does this session, which is there already, unless
        a new one would begin with other settings.
        """
        text = psql.plain(file)
        if text is None or psql.settings(self.watcher.moment.server) != self._settings:
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
        self.renew(file.read_text(encoding="utf-8", errors="replace"))
        return said

    def _send(self, text: str) -> database.Error | None:
        self.renew()
        error = self._whole("begin", text)
        database.start_over(self.connection)
        self.renew(text)
        return error


@contextmanager
def bench(place: Place, done: Sequence[Migration], *, with_rows: bool) -> Iterator[Bench]:
    """Make a scratch database behind the files ``done``, with rows or without. Writes only there.

    Raises what a file raises that cannot be applied.
    """
    source, known = place.source, list(done)
    with (
        beyond.passing(place.url, known, source=source),
        scratch.scratch_database(place.url, source=source) as there,
        database.connect(there, source=source, application="runner:watch") as watching,
        ExitStack() as stack,
    ):
        if place.role:
            premises.give(watching, place.premises, role=place.role)
        made = Bench(place._replace(url=there), watching=watching, stack=stack)
        made.catch_up(done)
        made.done = known  # that list grows
        if with_rows:
            rows.fill(made.filler)
        else:
            rows.learn(made.filler, None)
        yield made
