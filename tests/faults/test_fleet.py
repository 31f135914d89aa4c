"""A fleet dies, or is cut off, with twenty databases at work: each ledger equals its objects."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import runner
from runner import Ending
from tests.conftest import new_database
from tests.faults.proxy import Proxy
from tests.faults.stage import LONG, PATIENCE, Witness, files, finished, rounds, until
from tests.project import make

if TYPE_CHECKING:
    import random
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.project import Project
    from tests.servers import Server

ROUNDS = 30 if LONG else 2
MEMBERS = 20
FILES = 4


class Stage(NamedTuple):
    """A project, its databases by name, directly and through a proxy, and who looks at each of them."""

    app: Project
    fleet: dict[str, str]
    far: dict[str, str]
    proxy: Proxy
    witnesses: tuple[Witness, ...]

    def file(self, fleet: dict[str, str]) -> str:
        """Write the file of a fleet and return its path."""
        path = self.app.root / "fleet.env"
        path.write_text("".join(f"{name}={url}\n" for name, url in fleet.items()))
        path.chmod(0o600)
        return str(path)

    def reset(self) -> None:
        """Empty every database."""
        for witness in self.witnesses:
            witness.db.execute("drop schema public cascade; create schema public")

    def recorded(self) -> list[int]:
        """Check each ledger against its objects, once nobody is at work; return how many files each has."""
        for witness in self.witnesses:
            witness.lock_gets_free(seconds=PATIENCE)
        return [len(witness.agree()) for witness in self.witnesses]

    def converges(self) -> None:
        """Check that the next run completes all."""
        visits = list(runner.migrate_fleet(self.fleet, config=self.app.file, jobs=MEMBERS))
        assert {visit.ending for visit in visits} == {Ending.DONE}, [visit.problem for visit in visits]
        assert self.recorded() == [FILES] * MEMBERS


@pytest.fixture
def stage(tmp_path: Path, server: Server) -> Iterator[Stage]:
    """Return twenty empty databases and a project of files that take a moment each."""
    with ExitStack() as stack:
        urls = [stack.enter_context(new_database(server)) for _ in range(MEMBERS)]
        proxy = stack.enter_context(Proxy(f"{server.host}/.s.PGSQL.5432"))
        far = [proxy.url(str(conninfo_to_dict(url)["dbname"])) for url in urls]
        opened = [stack.enter_context(psycopg.connect(url, autocommit=True)) for url in urls]
        names = [f"eu-{n}" for n in range(MEMBERS)]
        yield Stage(
            make(tmp_path, app=files(FILES, seconds=0.05)),
            dict(zip(names, urls, strict=True)),
            dict(zip(names, far, strict=True)),
            proxy,
            tuple(Witness(db) for db in opened),
        )


@contextmanager
def started(stage: Stage, fleet: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Migrate a fleet as a process, all members at once."""
    jobs = str(MEMBERS)
    command = ("migrate", "--fleet", stage.file(fleet), "--jobs", jobs, *arguments)
    with stage.app.process(*command) as process:
        try:
            yield process
        finally:
            process.kill()


def test_killed_at_random_moments(stage: Stage, rng: random.Random) -> None:
    """Whenever SIGKILL comes, each database has what its ledger says, and the next run completes all."""
    midway: list[bool] = []
    for _ in rounds(ROUNDS, midway):
        stage.reset()
        # Some are done then, and some not begun: who is at work goes on to the end of his message.
        with started(stage, stage.fleet, "--jobs", "5") as process:
            _wait_for_work(stage, process)
            time.sleep(rng.uniform(0, 0.6))
            process.kill()
        done = stage.recorded()
        midway.append(0 < sum(done) < FILES * MEMBERS)
        stage.converges()


def test_cut_at_random_moments(stage: Stage, rng: random.Random) -> None:
    """All connections break at once: nobody is told what is not so, and the next run completes all."""
    for _ in range(ROUNDS):
        stage.reset()
        with started(stage, stage.far, "--keep-going") as process:
            _wait_for_work(stage, process)
            time.sleep(rng.uniform(0, 0.3))
            stage.proxy.cut_now()
            code, output = finished(process, seconds=3 * PATIENCE)
        done = stage.recorded()
        assert "Traceback" not in output
        assert code in (0, 5), output
        if "COMMIT_UNKNOWN" not in output:
            assert sum(_told(output)) == sum(done), output
        stage.converges()


def test_two_fleets_at_once(stage: Stage) -> None:
    """Both end well, every file is applied once, and nobody waits for ever."""
    with started(stage, stage.fleet) as first, started(stage, stage.fleet) as second:
        endings = [finished(process, seconds=3 * PATIENCE) for process in (first, second)]
    assert [code for code, _ in endings] == [0, 0], endings
    assert stage.recorded() == [FILES] * MEMBERS


def _wait_for_work(stage: Stage, process: subprocess.Popen[str]) -> None:
    until(
        lambda: process.poll() is not None or any(witness.at_work() for witness in stage.witnesses),
        what="somebody at work",
    )


def _told(output: str) -> list[int]:
    """Return how many files each line says were applied."""
    counts = [
        line.partition(" applied")[0].rpartition(" ")[2] for line in output.splitlines() if " s)" in line
    ]
    return [int(count) if count.isdecimal() else 0 for count in counts]
