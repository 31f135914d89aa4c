"""Somebody asks the runner to stop, or ends its session on the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from runner.apply.event import Outcome, Started
from runner.errors import ConnectionLost, SqlFailed
from tests.faults.proxy import Fault, Proxy
from tests.faults.stage import (
    LONG,
    PROMPT,
    SLEEPY,
    SLOW_COMMIT,
    Witness,
    files,
    finished,
    started,
    until,
    waits,
)
from tests.project import ROOT, make

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.project import Project

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
FILES = 12
WAITING = "select count(*) from pg_locks where not granted and relation = to_regclass('schema_migrations')"
LOUD = """
    create table public.t1 (id int);
    create index t1_id on public.t1 (id);
    do $$ begin
        for n in 1..100 loop
            raise warning '%: %', n, repeat('!', 5000);
        end loop;
    end $$;
"""
ALONE = "-- runner: no-transaction\n"
ALL = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
SOME = BOTH if LONG else pytest.mark.parametrize("number", [signal.SIGTERM], ids=["SIGTERM"])
STOPS = 50 if LONG else 2


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project whose second file takes a minute."""
    return make(tmp_path, app=files(3) | {"001_t1.sql": SLEEPY.format(n=1)})


def _applied(output: str) -> int:
    return sum(line.startswith("  applied  ") for line in output.splitlines())


# ------------------------------------------------------------------ signals


@ALL
def test_a_signal_cancels_the_statement(app: Project, url: str, witness: Witness, number: int) -> None:
    """In a long statement: cancelled on the server, rolled back, gone within two seconds, exit code 1."""
    with started(app, url) as process:
        witness.caught_sleeping(process, "001")
        began = time.monotonic()
        process.send_signal(number)
        code, output = finished(process)
        took = time.monotonic() - began
        assert not witness.sleeping(), "the statement goes on without its runner"
        assert witness.lock_is_free()
    print(f"gone after {took:.2f} s")  # noqa: T201 - pytest -rP shows it
    assert took < PROMPT
    assert code == 1, output
    assert "error INTERRUPTED" in output
    assert "Traceback" not in output
    assert witness.agree() == ["000"]
    app.write("app", files(3))
    witness.converges(app, url)


@ALL
def test_a_signal_cancels_a_question(tmp_path: Path, url: str, witness: Witness, number: int) -> None:
    """Of a command that only reads, too, nothing goes on at the server; a terminal may be closed."""
    app = make(tmp_path, app=files(1))
    app.migrate(url)
    with witness.db.transaction():
        witness.db.execute("lock table public.schema_migrations in access exclusive mode")
        with app.process("verify", APP_URL=url) as process:
            until(lambda: witness.db.execute(WAITING).fetchone() == (1,), what="a question that waits")
            began = time.monotonic()
            _send(process, number, times=2 if number == signal.SIGHUP else 1)  # by the shell and the system
            code, output = finished(process)
            assert time.monotonic() - began < PROMPT
        assert witness.db.execute(WAITING).fetchone() == (0,)
    assert (code, "error INTERRUPTED" in output) == (1, True), output


@SOME
def test_a_signal_ends_the_wait_for_the_lock(app: Project, url: str, witness: Witness, number: int) -> None:
    """While another runner holds the lock: gone within two seconds, exit code 1, the other undisturbed."""
    with started(app, url) as first:
        witness.caught_sleeping(first, "001")
        with started(app, url) as second:
            waits(second)
            began = time.monotonic()
            second.send_signal(number)
            code, output = finished(second)
            assert time.monotonic() - began < PROMPT
            assert code == 1, output
            assert "error INTERRUPTED" in output
        assert witness.sleeping("001")
        assert first.poll() is None
    witness.lock_gets_free()
    assert witness.agree() == ["000"]


@BOTH
def test_a_signal_too_late_is_told_as_such(
    tmp_path: Path, far_url: str, proxy: Proxy, witness: Witness, number: int
) -> None:
    """When the commit is done but its answer still on its way, nobody is told that it was rolled back.

    On a machine with more to do the run may be over before, or nothing be heard of it in time.
    """
    app = make(tmp_path, app=files(2))
    proxy.delay = 0.3
    proxy.plant(Fault.SLOW, when=b"commit;")
    with started(app, far_url) as process:
        until(lambda: witness.agree()[:1] == ["000"], what="the first commit")
        process.send_signal(number)
        code, output = finished(process)
    recorded = witness.agree()
    assert recorded[:1] == ["000"]
    assert "Traceback" not in output
    if LONG or "error COMMIT_UNKNOWN" not in output:
        assert _applied(output) == len(recorded), f"recorded: {recorded}, told: {output}"
        assert code == 1 or (code == 0 and not LONG), output
    witness.converges(app, far_url)


@SOME
def test_a_signal_while_the_server_commits(tmp_path: Path, url: str, witness: Witness, number: int) -> None:
    """In a slow commit: cancelled or carried out, but said as it is, and gone within two seconds.

    On a machine with more to do the server may not answer within the one second that it is given.
    """
    app = make(tmp_path, app={"000_t0.sql": files(1)["000_t0.sql"] + SLOW_COMMIT.format(n=0, seconds=30)})
    with started(app, url) as process:
        witness.caught_sleeping(process)
        began = time.monotonic()
        process.send_signal(number)
        code, output = finished(process)
        assert time.monotonic() - began < PROMPT
    if LONG or "error COMMIT_UNKNOWN" not in output:
        assert code == 1, output
        assert _applied(output) == len(witness.agree()), output
        assert witness.lock_is_free()
    witness.lock_gets_free()


def test_sigterm_counts_where_ctrl_c_is_ignored(app: Project, url: str, witness: Witness) -> None:
    """A shell starts background jobs with SIGINT ignored; SIGTERM ends such a runner all the same."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited
    try:
        process = app.process("migrate", APP_URL=url)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        witness.caught_sleeping(process, "001")
        began = time.monotonic()
        process.terminate()
        until(lambda: process.poll() is not None or time.monotonic() - began > PROMPT)
        took = time.monotonic() - began
        process.kill()
        code, output = finished(process)
    assert took < PROMPT, output
    assert code == 1, output
    witness.lock_gets_free()
    assert witness.agree() == ["000"]


@SOME
def test_signals_at_random_moments(
    tmp_path: Path, url: str, witness: Witness, number: int, rng: random.Random
) -> None:
    """Whenever the signal comes, what is told as applied is recorded, and nothing else is."""
    app = make(tmp_path, app=files(FILES, seconds=0.02))
    midway = 0
    for _ in range(STOPS):
        witness.db.execute("drop schema public cascade; create schema public")
        witness.lock_gets_free()  # no session of the run before may be taken for this one's
        with started(app, url) as process:
            until(lambda: witness.runners() or process.poll() is not None, what="a runner")
            time.sleep(rng.uniform(0, 0.5))
            process.send_signal(number)
            code, output = finished(process)
        recorded = witness.agree()
        assert _applied(output) == len(recorded), f"recorded: {recorded}, told: {output}"
        assert code == 1 or len(recorded) == FILES, output  # too late to matter in the second case
        assert "Traceback" not in output
        midway += 0 < len(recorded) < FILES
        witness.lock_gets_free()
        witness.converges(app, url)
    print(f"{STOPS} signals, {midway} midway")  # noqa: T201 - pytest -rP shows it


@SOME
@pytest.mark.parametrize("is_fleet", [False, True], ids=["one", "fleet"])
def test_a_signal_ends_a_run_whose_output_nobody_reads(
    tmp_path: Path, url: str, witness: Witness, number: int, is_fleet: bool
) -> None:
    """A full pipe holds it up; a second after the signal a stream is given up, then it ends as always."""
    app = make(tmp_path, app=files(1) | {"001_t1.sql": LOUD, "002_t2.sql": SLEEPY.format(n=2)})
    (tmp_path / "fleet").write_text(f"one={url}\n")
    arguments = ("--fleet", str(tmp_path / "fleet")) if is_fleet else ()
    with started(app, url, *arguments) as process:
        witness.caught_sleeping(process, "002")
        time.sleep(0.3)  # it begins to write
        process.send_signal(number)
        assert process.wait(2 * PROMPT) == 1
    assert witness.lock_is_free()
    assert witness.agree() == ["000", "001"]


def test_an_impatient_ctrl_c(app: Project, url: str, witness: Witness) -> None:
    """A second and a third Ctrl-C, right behind the first, change nothing in the database."""
    with started(app, url) as process:
        witness.caught_sleeping(process, "001")
        _send(process, signal.SIGINT, times=3)
        code, _ = finished(process)
        assert code != 0
    witness.lock_gets_free()
    assert witness.agree() == ["000"]
    app.write("app", files(3))
    witness.converges(app, url)


def _send(process: subprocess.Popen[str], number: int, *, times: int) -> None:
    for _ in range(times):
        if process.poll() is None:
            process.send_signal(number)
            time.sleep(0.02)


# ------------------------------------------------------------------ an administrator


def test_terminated_in_a_file(app: Project, url: str, witness: Witness) -> None:
    """pg_terminate_backend in a file: it is rolled back, said so, exit code 5, later files do not run."""
    with started(app, url) as process:
        pid = witness.caught_sleeping(process, "001").pid
        witness.db.execute("select pg_terminate_backend(%s)", (pid,))
        code, output = finished(process)
    assert code == 5, output
    assert "error CONNECTION_LOST" in output
    assert "001_t1.sql" in output
    assert _applied(output) == 1
    assert witness.agree() == ["000"]
    app.write("app", files(3))
    witness.converges(app, url)


def test_cancelled_in_a_file(app: Project, url: str, witness: Witness) -> None:
    """pg_cancel_backend in a file is the file's error: rolled back, 57014, later files do not run."""
    with started(app, url) as process:
        pid = witness.caught_sleeping(process, "001").pid
        witness.db.execute("select pg_cancel_backend(%s)", (pid,))
        code, output = finished(process)
    assert code == 1, output
    assert "error SQL_FAILED" in output
    assert "57014" in output
    assert witness.agree() == ["000"]
    app.write("app", files(3))
    witness.converges(app, url)


def test_terminated_between_files(tmp_path: Path, url: str, witness: Witness) -> None:
    """A session ended between two files: the second is not applied, the error says that nothing was lost."""
    app = make(
        tmp_path, app=files(3) | {"001_t1.sql": f"{ALONE}create index concurrently t0_no on public.t0 (id);"}
    )
    events = app.events(url)
    assert next(isinstance(e, Outcome) for e in events if isinstance(e, Outcome))
    [session] = witness.runners()
    witness.db.execute("select pg_terminate_backend(%s)", (session.pid,))
    until(lambda: not witness.runners())
    with pytest.raises(ConnectionLost, match="001_t1"):
        list(events)
    assert witness.agree() == ["000"]
    app.write("app", files(3))
    witness.converges(app, url)


def test_terminated_between_messages(
    tmp_path: Path, url: str, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session ended behind a message: the error names a file, and none of the next message is applied."""
    monkeypatch.setattr("runner.apply.run._MOST", 2)
    monkeypatch.setattr("runner.apply.run._QUICK", 60_000)
    app = make(tmp_path, app=files(4))
    events = app.events(url)
    assert next(True for event in events if isinstance(event, Started) and event.migration.number == 2)
    [session] = witness.runners()
    witness.db.execute("select pg_terminate_backend(%s)", (session.pid,))
    until(lambda: not witness.runners())
    with pytest.raises(ConnectionLost, match="002_t2"):
        list(events)
    assert witness.agree() == ["000", "001"]
    witness.converges(app, url)


def test_cancelled_between_files(tmp_path: Path, url: str, witness: Witness) -> None:
    """A cancel between two files meets no statement and does no harm."""
    app = make(tmp_path, app=files(3))
    events = app.events(url)
    assert next(isinstance(e, Outcome) for e in events if isinstance(e, Outcome))
    [session] = witness.runners()
    witness.db.execute("select pg_cancel_backend(%s)", (session.pid,))
    try:
        list(events)
    except SqlFailed as error:  # it may arrive when the next file has begun
        assert error.sqlstate == "57014"  # noqa: PT017 - both endings are right
    witness.agree()
    witness.converges(app, url)


def test_terminated_while_the_runner_is_stopped(app: Project, url: str, witness: Witness) -> None:
    """A session ended behind the runner's back: nobody is told that the file is applied, nothing remains."""
    with started(app, url) as process:
        pid = witness.caught_sleeping(process, "001").pid
        process.send_signal(signal.SIGSTOP)
        witness.db.execute("select pg_terminate_backend(%s)", (pid,))
        until(lambda: not witness.runners())
        process.send_signal(signal.SIGCONT)
        code, output = finished(process)
    assert code == 5, output
    assert _applied(output) == 1
    assert "Traceback" not in output
    assert witness.agree() == ["000"]
    app.write("app", files(3))
    witness.converges(app, url)


def test_terminated_while_waiting_for_the_lock(app: Project, url: str, witness: Witness) -> None:
    """A waiting runner whose session is ended says so; the one that works goes on."""
    with started(app, url) as first:
        witness.caught_sleeping(first, "001")
        with started(app, url) as second:
            waits(second)
            for idle in (r.pid for r in witness.runners() if r.state == "idle"):
                witness.db.execute("select pg_terminate_backend(%s)", (idle,))
            code, output = finished(second)
            assert code == 5, output
            assert "error CONNECTION_LOST" in output
        assert witness.sleeping("001")
    witness.lock_gets_free()
    assert witness.agree() == ["000"]


@ALL
def test_a_signal_within_exec_ends_with_the_exit_code(tmp_path: Path, number: int) -> None:
    """As when it comes while a module with dataclasses is loaded: handled is handled, code 1."""
    (tmp_path / "probe.py").write_text(
        "import os, sys\nfrom unittest import mock\nfrom runner import cli\n"
        f"kill = 'os.kill(os.getpid(), {number:d})'\n"
        "with mock.patch.object(cli, 'cli', lambda **_: exec(kill)):\n"
        "    try:\n        cli.main()\n    except KeyboardInterrupt:\n        sys.exit(1)\n"
    )
    command = [sys.executable, "-m", "probe"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, cwd=tmp_path, env=environ, check=False).returncode == 1
