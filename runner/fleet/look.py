"""Look at one member of a fleet, in time, and give its errors the right names."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from runner import config as configuration
from runner import database, planning
from runner.config import Target
from runner.errors import ConnectionLost, Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from runner.config import Series
    from runner.fleet.member import Member
    from runner.model import Migration
    from runner.planning import Site

PATIENCE = 15.0  # seconds in which a server must answer what the runner asks before it changes anything


class Files(NamedTuple):
    """The one series of a fleet, and its files, which were read once for all members."""

    series: Series
    migrations: tuple[Migration, ...]

    def target(self, member: Member) -> Target:
        """Return where a member lives; messages call it by its name."""
        return Target(self.series, member.url, member.name, is_member=True)


def read(series: str | Sequence[str], config: Path | str | None) -> Files:
    """Read the files of the one series. Raises ``UsageError`` for several."""
    project = configuration.load(config)
    chosen = configuration.choose(project, series)
    if len(chosen) != 1:
        raise UsageError("A fleet is of one series.", remedy="Name the series.")
    return Files(chosen[0], planning.read(project, chosen)[chosen[0].name])


@contextmanager
def site(files: Files, member: Member, *, wait: float = 0, is_patient: bool = False) -> Iterator[Site]:
    """Connect to a member, as soon as it is there, and look at it.

    Each answer must come in time, then also what is asked later unless ``is_patient``.
    """
    target = files.target(member)
    database.check_database(target.url, source=target.source)
    if wait:
        database.connect(target.url, source=target.source, wait=wait).close()
    with named(member), ExitStack() as stack, ExitStack() as in_time:
        in_time.enter_context(database.heeding(silence(member)))
        [found] = stack.enter_context(planning.look({files.series.name: files.migrations}, [target]))
        if is_patient:
            in_time.close()
        yield found


def interrupted(member: Member) -> Interrupted:
    """Return the error of a member that was not looked at because all was to end."""
    return Interrupted(f"Interrupted before {member.name} was looked at.", remedy="Run again.")


@contextmanager
def named(member: Member) -> Iterator[None]:
    """Give an error of the driver a name, as the command line does."""
    try:
        yield
    except database.Error as error:
        if error.sqlstate is None:
            raise ConnectionLost(
                f"The connection to {member.name} was lost. What was applied before stays.",
                remedy="Run again.",
                notes=tuple(str(error).splitlines()),
            ) from error
        raise database.refused(error, who=f"The server of {member.name}") from error


def silence(member: Member) -> Callable[[float], None]:
    """Return whom to heed for ``ConnectionLost`` to be raised when its server has fallen silent."""
    return database.silence(member.name, seconds=PATIENCE)
