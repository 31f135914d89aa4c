"""Hold one scratch database in which files are applied, run again and rolled back, and are watched."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from runner import apply, database, ledger
from runner.database import Access
from runner.errors import RunnerError
from runner.model import Before, Limits
from runner.schema import psql, rows, scratch
from runner.schema.moment import Watcher
from runner.schema.rows import Filler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.database import Connection
    from runner.model import Migration
    from runner.schema.moment import Moment


class Place(NamedTuple):
    """A server for scratch databases, how messages name it, the schemas that count, a folder of own rows."""

    url: str
    source: str
    schemas: tuple[str, ...] = ()
    own: Path | None = None


class Bench:
    """A scratch database, the files ``done`` in it, and the rows that were made.

    It ``is_spoiled`` when what follows would be judged wrongly, and ``could_not_apply`` the last file.
    """

    def __init__(self, place: Place, *, working: Connection, watching: Connection) -> None:
        self.connection = working
        self.url = place.url
        self.source = place.source
        self.done: list[Migration] = []
        self.is_spoiled = False
        self.could_not_apply = False
        self.watcher = Watcher(watching, working, schemas=place.schemas)
        self.filler = Filler(working, ledger.TABLE, place.own)
        self.look()

    @property
    def has_rows(self) -> bool:
        """Whether rows were made that a file may trip over."""
        return any(self.filler.made.values())

    def look(self) -> Moment:
        """Return the database as it is now."""
        return self.watcher.look()

    def apply(self, *migrations: Migration) -> RunnerError | None:
        """Apply files as ``migrate`` does; return what went wrong. Writes."""
        access = Access(self.connection, lambda: database.connect(self.url, source=self.source))
        previous = self.done[-1].version if self.done else None
        try:
            before = Before(self.watcher.moment.has_ledger, previous)
            for _ in apply.apply(access, migrations, before, Limits(statement_timeout=0)):
                pass
        except RunnerError as error:
            return error
        return None

    def run(self, migration: Migration) -> database.Error | None:
        """Run a file as psql -1 would, or psql alone for a file without a transaction. Writes."""
        begin = "begin read write; set local" if migration.in_transaction else "set"
        settings = f"{begin} row_security = off; {begin.rpartition(';')[2]} statement_timeout = 0"
        database.run(self.connection, settings)  # as migrate does
        error = database.failure(database.send(self.connection, migration.sql))
        if migration.in_transaction:
            ended = database.send(self.connection, "rollback" if error else "commit")
            error = error or database.failure(ended)  # what is deferred fails at the end
        return error

    def psql(self, file: Path) -> str | None:
        """Run a file with psql, as a DBA does; return the error it told. Writes."""
        said = psql.run_file(file, self.url, source=self.source)
        self.watcher.settle()
        return said


@contextmanager
def bench(place: Place, done: Sequence[Migration], *, with_rows: bool) -> Iterator[Bench]:
    """Make a scratch database behind the files ``done``, with rows or without. Writes only there.

    Raises what a file raises that cannot be applied.
    """
    source = place.source
    with (
        scratch.scratch_database(place.url, source=source) as there,
        database.connect(there, source=source, application="runner:proof") as working,
        database.connect(there, source=source, application="runner:watch") as watching,
    ):
        made = Bench(place._replace(url=there), working=working, watching=watching)
        made.watcher.series = done[0].series if done else ""
        if error := made.apply(*done) if done else None:
            raise error
        made.done += done
        made.look()
        if with_rows:
            rows.fill(made.filler)
        else:
            rows.learn(made.filler, None)
        yield made
