"""W5: the specs files into twenty fresh databases, by --fleet, by threads on psycopg, by each tool's loop.

    python -m benchmarks.runner.fleet [ROUNDS [TOOL,TOOL]]

Other tools know one database per process, so theirs is a loop that keeps two processes going, as `xargs -P 2`
does. The runner and the floor have four jobs. Rounds are interleaved; a ratio is the median of the ratios of
each round. Writes FLEET.md when every tool takes part.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.runner import filesets, machine, measure, peers, server
from benchmarks.runner.model import Command, Failed, Target
from benchmarks.runner.peers.common import environ

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.runner.model import FileSet, Peer
    from benchmarks.runner.server import Server

MEMBERS, ROUNDS = 20, 3
JOBS, PROCESSES = 4, 2
OWN, FLOOR, AT_ONCE = "runner --fleet", "floor with threads", "floor with threads, at once"
LOOPS = ("dbmate", "psql", "alembic", "yoyo", "node-pg-migrate")
_ROOT = Path(__file__).parents[2]
_LEDGER, _FLOORS = "select count(*) from public.schema_migrations", "select count(*) from floor"


class Taken(NamedTuple):
    """What one run took: seconds, the largest process, and how long the server was at work, all added up."""

    seconds: float
    peak_mib: float
    server_seconds: float


class Contestant(NamedTuple):
    """A name, how many work at once, how files lie in its folder, and what it runs."""

    name: str
    at_once: int
    write: Callable[[FileSet, Path], None]
    commands: Callable[[Sequence[Target], Path], list[Command]]
    recorded: str | None


def contestants(running: Server, loops: Sequence[str]) -> tuple[list[Contestant], dict[str, str]]:
    """Return who takes part, and why others do not."""
    found, absent = peers.find(running, ("runner", *loops))
    own = next(peer for peer in found if peer.name == "runner")
    first = [
        Contestant(OWN, JOBS, own.write, _fleet, _LEDGER),
        Contestant(FLOOR, JOBS, own.write, partial(_floor, "0"), _FLOORS),
        Contestant(AT_ONCE, JOBS, own.write, partial(_floor, "1"), _FLOORS),
    ]
    return first + [_loop(peer) for peer in found if peer is not own], absent


def _loop(peer: Peer) -> Contestant:
    def commands(targets: Sequence[Target], work: Path) -> list[Command]:
        return [one for target in targets for one in _commands(peer, target, work / target.database)]

    return Contestant(f"{peer.name}, two at a time", PROCESSES, peer.write, commands, peer.recorded)


def _commands(peer: Peer, target: Target, work: Path) -> list[Command]:
    work.mkdir()  # a tool may write there what is for one database
    return peer.commands("migrate", [target], work) or []


def _fleet(targets: Sequence[Target], work: Path) -> list[Command]:
    config, members = work / "pyproject.toml", work / "fleet.env"
    entry = f"sql = '{targets[0].folder}'\ndatabase = 'specs'\nurl = 'DATABASE_URL'\n"
    config.write_text(f"[tool.runner.databases.specs]\n{entry}")
    members.write_text("".join(f"{one.database}={one.url}\n" for one in targets))
    members.chmod(0o600)
    arguments = ("-m", "runner", "migrate", "--config", str(config), "--fleet", str(members))
    more = ("--jobs", str(JOBS))
    return [Command(Path(sys.executable), (*arguments, *more), environ(PYTHONPATH=str(_ROOT)))]


def _floor(at_once: str, targets: Sequence[Target], _: Path) -> list[Command]:
    urls = [one.url for one in targets]
    arguments = ("-m", "benchmarks.runner.fleet_floor", str(JOBS), at_once, str(targets[0].folder), *urls)
    return [Command(Path(sys.executable), arguments, environ(PYTHONPATH=str(_ROOT)))]


def once(running: Server, one: Contestant, files: FileSet, folder: Path) -> Taken:
    """Let somebody migrate new databases, and check that it did."""
    place = folder / "".join(filter(str.isalnum, one.name))  # dbmate takes a comma in a path for two of them
    if not place.exists():
        place.mkdir()
        one.write(files, place)
    names = server.create(running, MEMBERS)
    targets = [Target(files, place, name, running.url(name)) for name in names]
    with TemporaryDirectory(dir=folder) as work:
        commands = one.commands(targets, Path(work))
        seconds, peak = _run(commands, Path(work), one.at_once)
    taken = Taken(seconds, peak, server.busy_seconds(running, names))
    for name in names:
        if server.count(running, name, one.recorded) not in (
            (files.tables, len(files.files)),
            (files.tables, None),
        ):
            raise Failed(f"{one.name} left {name} unfinished")
    return taken


def _run(commands: Sequence[Command], work: Path, at_once: int) -> tuple[float, float]:
    """Run processes, some at a time; return seconds from the first start to the last end, and the largest."""
    folders = [work / str(number) for number in range(len(commands))]
    for folder in folders:
        folder.mkdir()
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        runs = list(pool.map(lambda command, folder: measure.run([command], folder), commands, folders))
    return time.perf_counter() - began, max((run.peak_mib for run in runs), default=0)


def page(results: dict[str, list[Taken]], at_once: dict[str, int], absent: dict[str, str]) -> str:
    """Return the table, and whether the runner is as fast as it has to be."""
    own = results[OWN]
    lines = [
        "|  | seconds | of the floor | outside the server | peak memory |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, taken in results.items():
        busy = median(1 - one.server_seconds / one.seconds / at_once[name] for one in taken)
        lines.append(
            f"| {name} | {median(one.seconds for one in taken):.2f} | {ratio(taken, results[FLOOR]):.2f} "
            f"| {max(busy, 0):.0%} | {max(one.peak_mib for one in taken):.0f} MiB |"
        )
    loops = {name: ratio(own, taken) for name, taken in results.items() if name not in (OWN, FLOOR, AT_ONCE)}
    said = [_verdict("≤ 0.8 of the floor with threads", ratio(own, results[FLOOR]), 0.8)]
    if loops:
        fastest = max(loops, key=lambda name: loops[name])
        said.append(_verdict(f"≤ 0.5 of the fastest loop ({fastest})", loops[fastest], 0.5))
    missing = [f"- {name} is absent: {reason}" for name, reason in absent.items()]
    return "\n".join([*lines, "", *said, *missing]) + "\n"


def ratio(some: Sequence[Taken], others: Sequence[Taken]) -> float:
    """Return the median of the ratios of each round."""
    return median(one.seconds / other.seconds for one, other in zip(some, others, strict=False))


def _verdict(text: str, value: float, limit: float) -> str:
    return f"- {text}: {'yes' if value <= limit else '**NO**'} ({value:.2f})"


def main() -> None:
    """Measure, and write the page."""
    _, *given = sys.argv
    rounds = int(given[0]) if given else ROUNDS
    loops = given[1].split(",") if given[1:] else LOOPS
    where = machine.describe()
    with server.running() as running, TemporaryDirectory() as kept:
        folder = Path(kept)
        (folder / "files").mkdir()
        files = filesets.make("specs", folder / "files")
        found, absent = contestants(running, loops)
        results: dict[str, list[Taken]] = {one.name: [] for one in found}
        for number in range(rounds):
            for one in reversed(found) if number % 2 else found:
                try:
                    results[one.name].append(once(running, one, files, folder))
                except Failed as error:
                    absent[one.name] = str(error)
                    continue
                print(f"{one.name}: {results[one.name][-1]}", file=sys.stderr)
        text = page(
            {name: taken for name, taken in results.items() if taken},
            {one.name: one.at_once for one in found},
            absent,
        )
    head = f"# Twenty fresh databases\n\n{where}.\n\nMedians of {rounds} rounds.\n\n"
    if tuple(loops) == LOOPS:
        Path(__file__).with_name("FLEET.md").write_text(head + text)
    print(head + text)


if __name__ == "__main__":
    main()
