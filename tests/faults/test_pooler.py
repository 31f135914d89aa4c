"""Through a real PgBouncer in transaction mode, where each transaction may get another server connection.

In session mode it is as good as none; in statement mode nothing can be applied.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from runner import schema
from runner.errors import PoolerFound
from tests import servers
from tests.faults.stage import LONG, PROMPT, Witness, files, finished, rounds, started, until
from tests.project import ROOT, TWO, Project, make

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping

CONFIG = """
[databases]
* = host={host} port=5432 user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
server_round_robin = 1
"""
FILES = 12
STOPS = 20 if LONG else 3
INDEX = "-- runner: no-transaction\ncreate index concurrently if not exists i on public.one (id);\n"


@contextmanager
def pooler(url: str, mode: str, *, size: int = 3) -> Iterator[str]:
    """Yield the URL of the database through a pooler in this mode, with so many server connections."""
    with pooling(url, mode, size=size) as (pooled, _):
        yield pooled


@contextmanager
def pooling(url: str, mode: str, *, size: int = 3) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Yield the same, and the pooler's process."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    with servers.free_port() as port:
        yield from _pooling(program, conninfo_to_dict(url), port, mode, size)


def _pooling(
    program: str, options: Mapping[str, object], port: int, mode: str, size: int
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    folder.chmod(0o755)
    text = CONFIG.format(host=options["host"], port=port, mode=mode, size=size)
    (folder / "pgbouncer.ini").write_text(text, encoding="utf-8")
    user = {"user": "pgserver"} if os.geteuid() == 0 else {}
    process = subprocess.Popen(
        [program, "-q", str(folder / "pgbouncer.ini")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **user,  # type: ignore[call-overload] # PgBouncer, too, refuses root
    )
    pooled = f"postgresql://postgres@127.0.0.1:{port}/{options['dbname']}"
    try:
        _wait_for(pooled)
        yield pooled, process
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


@pytest.fixture
def pooled(url: str) -> Iterator[str]:
    """Return the URL of the database through a pooler in transaction mode."""
    with pooler(url, "transaction") as pooled:
        yield pooled


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def test_the_real_schema_is_applied(pooled: str, url: str) -> None:
    """Lock, settings, file and record share one server connection, because they share a transaction."""
    environ = {"DATABASE_URL_AUTH": pooled}
    process = subprocess.run(
        [sys.executable, "-m", "runner", "migrate", "auth"],
        cwd=Path(__file__).parents[2],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    with psycopg.connect(url) as db:
        assert db.execute("select count(*) from public.schema_migrations").fetchone() == (4,)
        assert db.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)


def test_retention_keeps_what_it_was_told_in_whatever_session(pooled: str, url: str) -> None:
    """Earlier runs have told the sessions of the pool another interval; rows of a hundred days stay."""
    command = [sys.executable, "-m", "runner", "migrate", "auth", "--url", url]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    script = ["-f", str(ROOT / "docs" / "operations" / "retention.sql"), pooled]

    def run(keep: str) -> str:
        words = [schema.psql_program(), "-X", "-vtrail=audit_logs", f"-vkeep={keep}", *script]
        return subprocess.run(words, check=True, capture_output=True, text=True).stderr

    with ExitStack() as stack:
        for _ in range(3):  # at once, so that the pool has three sessions
            stack.enter_context(psycopg.connect(pooled)).execute("select")
    assert all("0 rows from before" in run("30 days") for _ in range(4))
    with psycopg.connect(url, autocommit=True) as db:
        row = "insert into public.audit_logs (action, timestamp) values ('user.login', %s)"
        db.execute(row, (datetime.now(UTC) - timedelta(days=100),))
        assert all("0 rows from before" in run("400 days") for _ in range(4))
        assert db.execute("select count(*) from public.audit_logs").fetchone() == (1,)


def test_runners_at_once_apply_each_file_once(pooled: str, url: str, tmp_path: Path) -> None:
    """The lock belongs to the transaction, so no pooled connection keeps it, and nobody loses it."""
    app = make(tmp_path, app={f"{i:03}_t{i}.sql": f"create table public.t{i} (id int);" for i in range(8)})
    crowd = [app.process("migrate", APP_URL=pooled) for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0] for process in crowd]
    assert [process.returncode for process in crowd] == [0] * 4, outputs
    with psycopg.connect(url) as db:
        assert db.execute("select count(*) from public.schema_migrations").fetchone() == (8,)
        assert db.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)


def test_no_setting_stays_behind_in_the_pool(pooled: str, tmp_path: Path) -> None:
    """What a file or the runner set is gone from every server connection of the pool."""
    files = TWO | {"002_set.sql": "set search_path = pg_temp; set lock_timeout = '7s'; select 1;"}
    make(tmp_path, app=files).migrate(pooled)
    with psycopg.connect(pooled, autocommit=True) as one, psycopg.connect(pooled, autocommit=True) as two:
        for connection in (one, two, one, two):
            with connection.transaction():
                row = connection.execute(
                    "select current_setting('lock_timeout'), current_setting('search_path')"
                )
                assert row.fetchone() == ("0", '"$user", public')


def test_a_file_without_a_transaction_is_refused(pooled: str, url: str, tmp_path: Path) -> None:
    """A session lock would stay on a pooled connection: refused before anything runs, with the remedy."""
    app = make(tmp_path, app=TWO | {"002_index.sql": INDEX})
    with pytest.raises(PoolerFound, match="through a connection pooler in transaction mode") as caught:
        app.migrate(pooled)
    assert "own port" in (caught.value.remedy or "")
    with psycopg.connect(url) as db:
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)
    assert len(app.migrate(url)) == 3


def test_looking_works(pooled: str, tmp_path: Path) -> None:
    """status, plan and verify see the same as without a pooler."""
    app: Project = make(tmp_path, app=TWO)
    app.migrate(pooled)
    for command in ("status", "plan", "verify"):
        process = app.process(command, APP_URL=pooled)
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0, output


def test_a_busy_pool_is_known_for_what_it_is_too(pooled: str, tmp_path: Path) -> None:
    """Others work through the same pool all the time, and take the server connections by turns."""
    app = make(tmp_path, app=TWO | {"002_index.sql": INDEX})
    done = threading.Event()

    def work() -> None:
        with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as db:
            while not done.is_set():
                db.execute("select pg_sleep(0.001)")

    with ThreadPoolExecutor() as crowd:
        workers = [crowd.submit(work) for _ in range(2)]
        try:
            for _ in range(10):
                with pytest.raises(PoolerFound, match="in transaction mode"):
                    app.migrate(pooled)
        finally:
            done.set()
        assert [worker.result() for worker in workers] == [None, None]


def test_in_session_mode_a_file_without_a_transaction_is_applied(url: str, tmp_path: Path) -> None:
    """Each client has a server connection of its own; no lock stays behind."""
    with pooler(url, "session") as pooled:
        app = make(tmp_path, app=TWO | {"002_index.sql": INDEX})
        assert len(app.migrate(pooled)) == 3
        assert app.migrate(pooled) == []
    with psycopg.connect(url) as db:
        assert db.execute("select bool_and(not running) from public.schema_migrations").fetchone() == (True,)
        assert db.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)


def test_a_pool_without_a_second_connection_is_not_waited_for(url: str, tmp_path: Path) -> None:
    """Nobody can tell which mode it is: refused after a few seconds, with the remedy."""
    with pooler(url, "session", size=1) as pooled:
        app = make(tmp_path, app=TWO | {"002_index.sql": INDEX})
        with pytest.raises(PoolerFound, match="connection pooler"):
            app.migrate(pooled)


@pytest.mark.parametrize("file", ["000_one.sql", "002_index.sql"])
def test_statement_mode_is_called_by_its_name(url: str, tmp_path: Path, file: str) -> None:
    """It allows no transaction, so nothing runs; looking works as far as one message is enough for it."""
    with pooler(url, "statement") as pooled:
        app = make(tmp_path, app=TWO if file in TWO else {"000_index.sql": INDEX})
        for command in ("status", "plan"):
            process = app.process(command, APP_URL=pooled)
            output, _ = process.communicate(timeout=30)
            assert process.returncode == 0, output
        for more in (["verify"], ["verify", "--drift"], ["migrate"]):
            process = app.process(*more, APP_URL=pooled)
            output, _ = process.communicate(timeout=30)
            assert process.returncode == 2, output
            assert "POOLER_FOUND: A connection pooler in statement mode is in the way" in output
            assert "Use the server's own port" in output


# ------------------------------------------------------------------ a batch that ends before its time

# Of the second message and later ones, only the last commit is waited for.
MESSAGES = pytest.mark.parametrize("length", [0, 300_000], ids=["one message", "three files in each"])


@MESSAGES
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda n: n.name)
def test_a_run_ended_within_a_batch_leaves_ledger_and_objects_equal(  # noqa: PLR0913 - fixtures
    pooled: str, tmp_path: Path, witness: Witness, rng: random.Random, *, number: int, length: int
) -> None:
    """The pooler ends the session of a client that is gone, and passes on the request to cancel."""
    app = make(tmp_path, app=files(FILES, seconds=0.03, length=length))
    midway: list[bool] = []
    for _ in rounds(STOPS, midway):
        witness.db.execute("drop schema public cascade; create schema public")
        with started(app, pooled) as process:
            until(witness.at_work, what="a file at work")
            time.sleep(rng.uniform(0, FILES * 0.03))
            process.send_signal(number)
            _, output = finished(process)
        until(lambda: witness.lock_is_free() and not witness.at_work(), seconds=PROMPT, what="a free lock")
        recorded = witness.agree()
        if number == signal.SIGTERM:
            assert output.count("  applied  ") == len(recorded), output
        midway.append(0 < len(recorded) < FILES)
        app.migrate(pooled)
        assert len(witness.agree()) == FILES


@MESSAGES
def test_an_error_within_a_batch_is_the_right_files(
    pooled: str, tmp_path: Path, witness: Witness, length: int
) -> None:
    """Those before it stay, none behind it runs, and no lock stays on a connection of the pool."""
    broken = {"005_t5.sql": "create table public.t5 (id int);\nselect 1 / 0;\n"}
    app = make(tmp_path, app=files(FILES, length=length) | broken)
    with started(app, pooled) as process:
        code, output = finished(process)
    assert (code, "app/005_t5.sql:2" in output) == (1, True), output
    assert len(witness.agree()) == 5
    assert witness.lock_is_free()
    app.write("app", {"005_t5.sql": files(FILES, length=length)["005_t5.sql"]})
    app.migrate(pooled)
    assert len(witness.agree()) == FILES


def test_a_pooler_that_dies_within_a_batch_loses_nothing(
    tmp_path: Path, url: str, witness: Witness, rng: random.Random
) -> None:
    """What was told is recorded; the rest is unknown, and said to be, because nobody answers any more."""
    app = make(tmp_path, app=files(FILES, seconds=0.03))
    with pooling(url, "transaction") as (pooled, pgbouncer), started(app, pooled) as process:
        until(lambda: len(witness.agree()) > 1, what="the second file")
        time.sleep(rng.uniform(0, 0.1))
        pgbouncer.kill()
        code, output = finished(process, seconds=30)
    until(lambda: witness.lock_is_free() and not witness.at_work(), seconds=PROMPT, what="a free lock")
    assert code in (1, 5), output
    assert output.count("  applied  ") <= len(witness.agree())
    assert "Traceback" not in output
    app.migrate(url)
    assert len(witness.agree()) == FILES
