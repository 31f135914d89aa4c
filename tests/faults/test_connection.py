"""What is between the runner and its server loses, delays and cuts: nobody is told what is not so."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from runner import database
from runner.apply.event import Outcome
from runner.errors import CannotConnect, CommitUnknown, ConnectionLost, RunnerError
from tests.faults.proxy import Fault, Proxy
from tests.faults.stage import (
    LONG,
    PROMPT,
    SLEEPY,
    SLOW_COMMIT,
    Witness,
    files,
    finished,
    rounds,
    says,
    started,
    until,
)
from tests.project import make

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from tests.project import Project

    Line = tuple[Proxy, str]

CUTS = 300 if LONG else 8
FILES = 12
COMMIT = b"commit;"


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project of three files."""
    return make(tmp_path, app=files(3))


@pytest.fixture
def line(proxy: Proxy, far_url: str) -> Line:
    """Return the proxy together with its URL."""
    return proxy, far_url


def _run(
    app: Project, url: str, *, behind: int | None = None, then: Callable[[], None] | None = None
) -> tuple[list[str], RunnerError | None]:
    """Migrate; return the versions told as applied, and the error. Do ``then`` behind a file."""
    told = []
    try:
        for event in app.events(url):
            if isinstance(event, Outcome):
                told.append(event.migration.version)
                if then and event.migration.number == behind:
                    then()
    except RunnerError as error:
        return told, error
    return told, None


def _is_truthful(told: list[str], error: RunnerError | None, recorded: list[str]) -> bool:
    """Tell whether a run that was cut said what is so; what is unknown may be either."""
    if isinstance(error, CommitUnknown):
        return recorded[: len(told)] == told
    return recorded == told


# ------------------------------------------------------------------ the commit


def test_the_answer_to_the_commit_is_lost(app: Project, far_url: str, proxy: Proxy, witness: Witness) -> None:
    """The commit is done, its answer lost: the run finds out, and never says that it was rolled back."""
    proxy.plant(Fault.LOSE_ANSWER, when=COMMIT)
    told, error = _run(app, far_url)
    assert proxy.struck.is_set()
    recorded = witness.agree()
    assert recorded[:1] == ["000"], "the server has committed"
    assert _is_truthful(told, error, recorded), f"{recorded} recorded, {told} told, {error}"
    if error:
        assert "rolls it back" not in f"{error.message} {error.remedy}"
    witness.converges(app, far_url)


def test_the_answer_is_lost_and_the_server_out_of_reach(
    app: Project, far_url: str, proxy: Proxy, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nobody can be asked either, the run says that it does not know, and the next one converges."""
    monkeypatch.setattr("runner.apply.fate._LOST", 1.0)
    proxy.refuse_after_fault = True
    proxy.plant(Fault.LOSE_ANSWER, when=COMMIT)
    told, error = _run(app, far_url)
    assert isinstance(error, CommitUnknown)
    assert error.exit_code == 5
    assert "status" in str(error.remedy)
    assert told == []
    assert witness.agree() == ["000", "001", "002"], "the server had all of them"
    proxy.refuse = False
    witness.converges(app, far_url)


def test_the_commit_itself_is_lost(app: Project, far_url: str, proxy: Proxy, witness: Witness) -> None:
    """Cut before the commit reached the server: it is rolled back, and nobody says that it is applied."""
    proxy.plant(Fault.CUT, when=COMMIT)
    told, error = _run(app, far_url)
    assert proxy.struck.is_set()
    assert told == []
    assert isinstance(error, CommitUnknown | ConnectionLost)
    assert error.exit_code == 5
    witness.lock_gets_free()
    assert witness.agree() == []
    witness.converges(app, far_url)


def test_cut_while_the_server_commits(tmp_path: Path, far_url: str, proxy: Proxy, witness: Witness) -> None:
    """Cut during a slow commit: whatever the server makes of it, the run does not say the opposite."""
    app = make(tmp_path, app={"000_t0.sql": files(1)["000_t0.sql"] + SLOW_COMMIT.format(n=0, seconds=1)})
    with started(app, far_url) as process:
        witness.caught_sleeping(process)
        proxy.cut_now()
        code, output = finished(process)
    until(witness.lock_is_free)
    told = output.count("  applied  app/")
    assert "Traceback" not in output
    if code == 0 or "COMMIT_UNKNOWN" not in output:
        assert told == len(witness.agree()), output
    witness.converges(app, far_url)


def test_the_command_line_tells_of_a_lost_answer(
    app: Project, far_url: str, proxy: Proxy, witness: Witness
) -> None:
    """Exit code and text of a lost answer fit what is recorded."""
    proxy.plant(Fault.LOSE_ANSWER, when=COMMIT)
    with started(app, far_url) as process:
        code, output = finished(process)
    recorded = witness.agree()
    assert recorded[:1] == ["000"]
    assert "Traceback" not in output
    assert "rolled back" not in output
    assert "rolls it back" not in output
    assert code in (0, 5), output
    if code == 0:
        assert recorded == ["000", "001", "002"]
    witness.converges(app, far_url)


# ------------------------------------------------------------------ cuts anywhere


@pytest.fixture(params=[100, 3], ids=["one message", "several"])
def _most(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so many files go into a message; of the second one and later ones only the last commit waits."""
    monkeypatch.setattr("runner.apply.run._MOST", request.param)
    monkeypatch.setattr("runner.apply.run._QUICK", 60_000)


@pytest.mark.usefixtures("_most")
@pytest.mark.parametrize("way", ["sent", "received"])
def test_cut_after_any_number_of_bytes(
    tmp_path: Path, line: Line, witness: Witness, rng: random.Random, way: str
) -> None:
    """Cut behind any byte, either way: ledger and objects agree, the run was truthful, the next converges."""
    proxy, far_url = line
    app = make(tmp_path, app=files(7))
    assert _run(app, far_url) == ([f"{n:03}" for n in range(7)], None)
    total = getattr(proxy, way)
    endings: list[str] = []
    for _ in range(CUTS // 2):
        witness.db.execute("drop schema public cascade; create schema public")
        after = rng.randrange(1, total)
        proxy.first = None
        proxy.reset = rng.random() < 0.5
        setattr(proxy, f"cut_{way}", after)
        told, error = _run(app, far_url)
        setattr(proxy, f"cut_{way}", None)
        witness.lock_gets_free()
        recorded = witness.agree()
        assert _is_truthful(told, error, recorded), f"{after} of {total}: {recorded}, {told}, {error!r}"
        assert isinstance(error, CannotConnect | ConnectionLost | CommitUnknown), f"{after}: {error!r}"
        endings.append(error.name)
        witness.converges(app, far_url)
    print(f"{way}: {total} bytes; {Counter(endings)}")  # noqa: T201 - pytest -rP shows it


@pytest.mark.usefixtures("_most")
@pytest.mark.parametrize("who", ["network", "server"])
def test_lost_at_any_moment_of_a_message(
    tmp_path: Path, line: Line, witness: Witness, rng: random.Random, who: str
) -> None:
    """The network cut, or the session ended, while the server is at any of the files: what was told is so."""
    proxy, far_url = line
    app = make(tmp_path, app=files(FILES, seconds=0.02))
    reached: list[int] = []
    midway: list[bool] = []
    endings: list[str] = []
    for _ in rounds(CUTS // 2, midway):
        witness.db.execute("drop schema public cascade; create schema public")
        proxy.first = None
        app.migrate(far_url, to=0)  # of the first message behind a history each commit is told of at once
        behind = rng.randrange(1, FILES)
        proxy.reset = rng.random() < 0.5
        told, error = _run(app, far_url, behind=behind, then=lambda: _lose(proxy, witness, who, rng))
        witness.lock_gets_free()
        recorded = witness.agree()
        assert _is_truthful(["000", *told], error, recorded), (
            f"behind {behind}: {recorded}, {told}, {error!r}"
        )
        assert error is None or isinstance(error, ConnectionLost | CommitUnknown), repr(error)
        endings.append(error.name if error else "done")
        reached.append(len(recorded))
        midway.append(0 < len(recorded) < FILES)
        witness.converges(app, far_url)
    print(f"{who}: {Counter(endings)} at {sorted(set(reached))}")  # noqa: T201 - pytest -rP shows it


def _lose(proxy: Proxy, witness: Witness, who: str, rng: random.Random) -> None:
    """Break the connection within the time of a file or two, from either end."""
    time.sleep(rng.uniform(0, 0.06))
    if who == "network":
        proxy.cut_now()
        return
    for session in witness.runners():
        witness.db.execute("select pg_terminate_backend(%s)", (session.pid,))


def test_cut_before_anything_is_changed(app: Project, far_url: str, proxy: Proxy, witness: Witness) -> None:
    """Lost while looking at the database: an error with a name and exit code 5, as anywhere else."""
    app.migrate(far_url, to=0)
    for query in (b"pg_is_in_recovery", b"c.relkind::text", b"from public.schema_migrations"):
        proxy.struck.clear()
        proxy.plant(Fault.CUT, when=query)
        with started(app, far_url) as process:
            code, output = finished(process)
        assert proxy.struck.is_set()
        assert "Traceback" not in output
        assert "error CONNECTION_LOST" in output
        assert code == 5, output
        assert witness.agree() == ["000"]
    witness.converges(app, far_url)


def test_cut_in_the_middle_of_a_file(tmp_path: Path, far_url: str, proxy: Proxy, witness: Witness) -> None:
    """Only a part of a big file reaches the server: nothing of the message is run, and the error says so."""
    for place in (0, 2500, 4999):
        witness.db.execute("drop schema public cascade; create schema public")
        lines = ["insert into public.t1 values (0);\n"] * 5000
        lines.insert(place, "-- it breaks here\n")
        second = files(2)["001_t1.sql"] + "".join(lines)
        app = make(tmp_path / str(place), app=files(2) | {"001_t1.sql": second})
        proxy.struck.clear()
        proxy.plant(Fault.CUT, when=b"-- it breaks here")
        told, error = _run(app, far_url)
        assert proxy.struck.is_set()
        assert isinstance(error, ConnectionLost)
        assert "000_t0.sql" in error.message
        assert told == witness.agree() == []
        witness.lock_gets_free()
        witness.converges(app, far_url)


# ------------------------------------------------------------------ slow and silent


def test_slow_answers_are_waited_for(app: Project, far_url: str, proxy: Proxy, witness: Witness) -> None:
    """A second's delay of every answer makes the run slower, and nothing else.

    The server may answer a message in one piece: so the last file is one by itself, and its record another.
    """
    alone = "-- runner: no-transaction\ncreate table public.t2 (id int constraint t2_id unique);"
    app.write("app", {"002_t2.sql": alone})
    proxy.delay = 1.0
    proxy.plant(Fault.SLOW, when=b"create table public.t2")
    began = time.monotonic()
    assert _run(app, far_url) == (["000", "001", "002"], None)
    assert time.monotonic() - began > 2 * proxy.delay
    assert witness.agree() == ["000", "001", "002"]


def test_a_vanished_server_is_noticed(far_url: str) -> None:
    """The system asks after a silent server within a minute, and gives up on one that does not confirm."""
    with (
        database.connect(far_url, source="APP_URL") as connection,
        socket.socket(fileno=os.dup(connection.fileno())) as one,
    ):
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
        idle, interval, count, unconfirmed = (one.getsockopt(socket.IPPROTO_TCP, name) for name in names)
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert idle + interval * count <= 120
    assert 0 < unconfirmed <= 120_000


def test_silence_at_the_beginning_ends(far_url: str, proxy: Proxy, app: Project, witness: Witness) -> None:
    """A server that accepts and never answers is given up after connect_timeout."""
    proxy.plant(Fault.HOLE, when=b"postgres")
    with started(app, f"{far_url}?connect_timeout=2") as process:
        code, output = finished(process)
    assert code == 5, output
    assert "error CANNOT_CONNECT" in output
    assert witness.agree() == []


def test_silence_in_a_file_is_ended_by_ctrl_c(
    tmp_path: Path, far_url: str, proxy: Proxy, witness: Witness
) -> None:
    """When nothing is answered any more, the process can be stopped, and says that it does not know."""
    app = make(tmp_path, app=files(2) | {"001_t1.sql": SLEEPY.format(n=1)})
    with started(app, far_url) as process:
        witness.caught_sleeping(process, "001")
        says(process, "applied")
        proxy.silence()
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, output = finished(process)
        took = time.monotonic() - began
        print(f"gone after {took:.2f} s")  # noqa: T201 - pytest -rP shows it
    assert took < PROMPT
    assert code == 5, output
    assert "error COMMIT_UNKNOWN" in output
    assert "001_t1.sql" in output
    assert witness.agree() == ["000"]


def test_a_runner_killed_in_silence_leaves_nothing(
    tmp_path: Path, far_url: str, proxy: Proxy, witness: Witness
) -> None:
    """Killed while nothing passes: once the server learns of it, the file is gone and the lock is free."""
    app = make(tmp_path, app=files(2) | {"001_t1.sql": SLEEPY.format(n=1)})
    with started(app, far_url) as process:
        witness.caught_sleeping(process, "001")
        proxy.silence()
        process.kill()
        process.wait()
        assert not witness.lock_is_free(), "the server cannot know yet"
        proxy.cut_now()
        print(f"lock free after {witness.lock_gets_free():.2f} s")  # noqa: T201 - pytest -rP shows it
    assert witness.agree() == ["000"]
    app.write("app", files(2))
    witness.converges(app, far_url)
