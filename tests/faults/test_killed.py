"""The runner's process dies without a word: objects and ledger agree, and the next run converges."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.stage import (
    LONG,
    SLEEPY,
    SLOW_COMMIT,
    Witness,
    distribution,
    files,
    finished,
    rounds,
    started,
    until,
    waits,
)
from tests.project import make

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.project import Project

KILLS = 100 if LONG else 8
FILES = 12


@pytest.mark.parametrize("length", [0, 300_000], ids=["one message", "three files in each"])
def test_killed_at_random_moments(
    tmp_path: Path, url: str, witness: Witness, rng: random.Random, length: int
) -> None:
    """Whenever SIGKILL comes, the objects are those of the ledger and the next run completes them."""
    app = make(tmp_path, app=files(FILES, seconds=0.02, length=length))
    began = time.monotonic()
    witness.converges(app, url)
    span = time.monotonic() - began
    frees: list[float] = []
    midway: list[bool] = []
    reached: list[int] = []
    for _ in rounds(KILLS, midway):
        witness.db.execute("drop schema public cascade; create schema public")
        recorded = _kill(app, url, witness, after=rng.uniform(0, span))
        frees.append(witness.lock_gets_free())
        assert witness.agree()[: len(recorded)] == recorded, "what was recorded stays"
        reached.append(len(witness.agree()))
        midway.append(0 < reached[-1] < FILES)
        witness.converges(app, url)
    print(f"{sum(midway)} midway, at {sorted(set(reached))}; lock free after {distribution(frees)}")  # noqa: T201 - pytest -rP shows it


def _kill(app: Project, url: str, witness: Witness, *, after: float) -> list[str]:
    """Kill a run some seconds after it has connected; return what is recorded then."""
    witness.lock_gets_free()  # no session of the run before may be taken for this one's
    with started(app, url) as process:
        until(lambda: witness.runners() or process.poll() is not None, what="a runner")
        time.sleep(after)
        process.kill()
        return witness.agree()


def test_killed_in_the_last_statement(tmp_path: Path, url: str, witness: Witness, rng: random.Random) -> None:
    """Killed in a file's last statement: it is rolled back and the lock is free within two seconds."""
    app = make(tmp_path, app=files(3))
    frees = []
    for number in (0, 1) * (10 if LONG else 1):
        witness.db.execute("drop schema public cascade; create schema public")
        app.write("app", files(3) | {f"{number:03}_t{number}.sql": SLEEPY.format(n=number)})
        with started(app, url) as process:
            witness.caught_sleeping(process)
            time.sleep(rng.uniform(0, 1))
            process.kill()
            frees.append(witness.lock_gets_free())
        assert len(witness.agree()) == number
        app.write("app", files(3))
        witness.converges(app, url)
    print(f"lock free after {distribution(frees)}")  # noqa: T201 - pytest -rP shows it


def test_a_stopped_runner_holds_nothing_up(tmp_path: Path, url: str, witness: Witness) -> None:
    """The server goes on with what it has, waits for the runner in no transaction, and the lock is free."""
    app = make(tmp_path, app=files(3) | {"001_t1.sql": SLEEPY.format(n=1).replace("60", "0.5")})
    with started(app, url) as process:
        witness.caught_sleeping(process, "001")
        process.send_signal(signal.SIGSTOP)
        until(lambda: witness.agree() == ["000", "001", "002"])
        until(witness.lock_is_free)
        process.send_signal(signal.SIGCONT)
        code, output = finished(process)
    assert code == 0, output
    assert "3 applied" in output


def test_killed_while_the_server_commits(tmp_path: Path, url: str, witness: Witness) -> None:
    """Killed after commit was sent: the file is there with its row, or neither."""
    slow = files(1)["000_t0.sql"] + SLOW_COMMIT.format(n=0, seconds=0.5)
    app = make(tmp_path, app={"000_t0.sql": slow})
    with started(app, url) as process:
        witness.caught_sleeping(process)
        process.kill()
        witness.lock_gets_free()
    assert witness.agree() in ([], ["000"])
    witness.converges(app, url)


def test_a_stopped_runner_keeps_the_second_waiting(tmp_path: Path, url: str, witness: Witness) -> None:
    """While a stopped runner holds the lock, the second waits and names it; after its death it goes on."""
    app = make(tmp_path, app=files(2) | {"000_t0.sql": SLEEPY.format(n=0)})
    with started(app, url) as first:
        holder = witness.caught_sleeping(first)
        first.send_signal(signal.SIGSTOP)
        app.write("app", files(2))
        with started(app, url) as second:
            line = waits(second)
            assert f"pid {holder.pid}" in line
            assert "at app/000_t0.sql" in line
            assert witness.agree() == []
            assert second.poll() is None
            first.kill()
            code, output = finished(second)
            assert code == 0, output
            assert "2 applied" in output
    assert witness.agree() == ["000", "001"]


def test_a_second_runner_gives_up_on_a_stopped_one(tmp_path: Path, url: str, witness: Witness) -> None:
    """With a short wait it exits 5 and names the holder, and changes nothing."""
    app = make(tmp_path, app={"000_t0.sql": SLEEPY.format(n=0)})
    with started(app, url) as first:
        holder = witness.caught_sleeping(first)
        first.send_signal(signal.SIGSTOP)
        with started(app, url, "--wait-lock", "0") as second:
            code, output = finished(second)
        assert code == 5, output
        assert "LOCK_HELD" in output
        assert f"pid {holder.pid}" in output
    witness.lock_gets_free()
    assert witness.agree() == []
