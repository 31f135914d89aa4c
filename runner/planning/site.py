"""Look at databases: connect, and compare their files with their ledgers. Nothing here writes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from runner import database, files, ledger
from runner.database import Access
from runner.errors import LedgerChanged
from runner.model import Before
from runner.planning import compare, facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.config import Project, Series, Target
    from runner.database import Connection
    from runner.model import Migration
    from runner.planning.facts import Facts
    from runner.planning.step import Step

    Files = Mapping[str, tuple[Migration, ...]]
    Routines = Sequence[tuple[str, str, str | None]]  # schema, name, and what it returns, if that is said


class Site(NamedTuple):  # as in model: it starts faster
    """One series and its database, connected, with what was found there."""

    target: Target
    connection: Connection
    facts: Facts
    shape: ledger.Shape | None
    steps: tuple[Step, ...]
    objects: tuple[str, ...]  # up to four in the way, where there is no ledger

    @property
    def series(self) -> str:
        """Name of the series."""
        return self.target.series.name

    @property
    def access(self) -> Access:
        """The connection, and how to open another one to the same database."""
        found = self.facts
        another = partial(connect, self.target, writes=True)
        return Access(self.connection, another, found.notices_loss, found.is_direct, found.greets)

    @property
    def schemas(self) -> tuple[str, ...]:
        """What the files are answerable for: the schemas configured, else public and those they create."""
        return _schemas(self.target, [step.migration for step in self.steps if step.migration])

    @property
    def before(self) -> Before:
        """What the ledger says before anything is applied."""
        newest = compare.newest(self.steps)
        begun = tuple(step.version for step in self.steps if step.applied and step.applied.running)
        return Before(self.shape is not None, newest.version if newest else None, begun)


def read(project: Project, chosen: Sequence[Series]) -> Files:
    """Read the files of the chosen series, before any server is asked."""
    return {one.name: files.load(one.name, one.folder, root=project.root) for one in chosen}


def connect(target: Target, *, wait: float = 0, writes: bool = False) -> Connection:
    """Connect to the database of a series, as ``database.connect`` does; refuse one that is too old.

    Who ``writes`` is refused by a standby, too: of several hosts another one may answer each time.
    """
    name = f"runner:{target.series.name}"
    connection = database.connect(target.url, source=target.source, application=name, wait=wait)
    try:
        facts.check_age(connection.pgconn.server_version, source=target.source)
        if writes and database.is_standby(connection):
            from runner.planning import unfit  # noqa: PLC0415 - failures only

            raise unfit.in_recovery(connection, name=connection.info.dbname, source=target.source)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def look(migrations: Files, targets: Sequence[Target]) -> Iterator[tuple[Site, ...]]:
    """Connect to every target and compare its files with its ledger; the connections close at the end.

    All at once: what a server takes, and the way there, count for one. Does not write, and needs no more
    than the right to select from the ledger. Raises ``ConnectionLost`` for a server that falls silent.
    """

    def found(asked: tuple[Target, str]) -> Site:
        target, message = asked
        connection = connect(target)
        stack.callback(connection.close)
        try:
            with database.heeding(database.silence(target.source)):
                return _site(target, connection, migrations[target.series.name], message)
        except BaseException:  # the others may be given up already
            connection.close()
            raise

    with ExitStack() as stack:
        stack.enter_context(_lost(migrations, targets))
        # Written beforehand: what one thread does here, in Python, the other waits for.
        asked = [(target, _message(target, migrations[target.series.name])) for target in targets]
        yield tuple(database.together(found, asked, meanwhile=_load))


def _load() -> None:
    """Load what is needed as soon as the servers answer."""
    from runner.database import ask  # noqa: F401, PLC0415 - while they let us in
    from runner.ledger import read_rows, shape  # noqa: F401, PLC0415 - as above
    from runner.planning import preflight  # noqa: F401, PLC0415 - as above


@contextmanager
def _lost(migrations: Files, targets: Sequence[Target]) -> Iterator[None]:
    """Name a connection that breaks, and who keeps a table from us, while nothing is being applied."""
    try:
        yield
    except database.ConnectionBroken as error:
        from runner.planning import lost  # noqa: PLC0415 - failures only

        known = [(target, _schemas(target, migrations[target.series.name])) for target in targets]
        if found := lost.named(error, known):
            raise found from error
        raise


def _message(target: Target, migrations: tuple[Migration, ...]) -> str:
    wanted = {name for migration in migrations for name in migration.requires}
    message = facts.question(extensions=wanted) + ledger.SHAPE
    return message + facts.anything(schemas=_schemas(target, migrations))


def _site(target: Target, connection: Connection, migrations: tuple[Migration, ...], message: str) -> Site:
    about, shape_result, anything = database.ask(connection, message)
    found, shape = facts.answer(connection, about), ledger.shape(connection, shape_result)
    rows = ledger.read_rows(connection, shape, series=target.series.name) if shape else ()
    lacking = {name: reason for name, reason in found.absent.items() if reason} | found.closed
    steps = compare.compare(migrations, rows, lacking=lacking)
    objects: tuple[str, ...] = ()
    if shape is None:
        routines = replaced(target, migrations) if found.has_routines else ()
        if routines or database.rows(connection, anything) == [(True,)]:
            objects = objects_in(connection, _schemas(target, migrations), adopted=False, routines=routines)
    return Site(target, connection, found, shape, steps, objects)


def check_still(site: Site) -> None:
    """Raise ``LedgerChanged`` unless the ledger says what it said before the comparison. Does not write."""
    now = ledger.read(site.connection, series=site.series) or ()
    if set(now) != {step.applied for step in site.steps if step.applied}:
        raise LedgerChanged(
            f"The ledger of {site.series} has changed while its schema was compared: a runner is at work.",
            remedy="Look at `status`, then run again.",
        )


def objects_in(
    connection: Connection, schemas: tuple[str, ...], *, adopted: bool, routines: Routines = ()
) -> tuple[str, ...]:
    """Ask once more: mostly nothing is there, or a ledger, and this question takes the server long."""
    question = facts.objects(besides=ledger.TABLE, schemas=schemas, adopted=adopted, routines=routines)
    [result] = database.ask(connection, question)
    return facts.names(connection, result)


def _schemas(target: Target, migrations: Iterable[Migration]) -> tuple[str, ...]:
    made = (name for migration in migrations for name in files.made_schemas(migration.sql))
    return target.series.schemas or tuple(dict.fromkeys(("public", *made)))


def replaced(target: Target, migrations: Sequence[Migration]) -> Routines:
    """Return the routines that files would replace, those without a schema in the first that counts."""
    first, *_ = _schemas(target, migrations)
    found = (one for migration in migrations for one in files.replaced_routines(migration.sql))
    return [(place or first, name, returns) for place, name, returns in found]
