"""Through a real PgBouncer in transaction mode, where each transaction may get another server connection."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from runner.errors import PoolerFound
from tests.project import TWO, Project, make

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
[databases]
* = host={host} port=5432 user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
"""
INDEX = "-- runner: no-transaction\ncreate index concurrently if not exists i on public.one (id);\n"


@pytest.fixture
def pooled(url: str) -> Iterator[str]:
    """Return the URL of the database through a pooler with three server connections."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    options = conninfo_to_dict(url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    folder.chmod(0o755)
    (folder / "pgbouncer.ini").write_text(CONFIG.format(host=options["host"], port=port), encoding="utf-8")
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
        yield pooled
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


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
    with pytest.raises(PoolerFound, match="through a connection pooler") as caught:
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
