"""The server itself goes down, at once and without a word to anybody, and comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests import servers
from tests.faults.proxy import Fault, Proxy
from tests.faults.stage import SLEEPY, Witness, files, finished, started
from tests.project import make

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """Return a server that only these tests use, and that keeps what was committed."""
    with servers.running(servers.NEWEST) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as db:
            db.execute("alter role postgres set synchronous_commit = on")
        yield server


@pytest.fixture
def own_url(own: Server) -> str:
    """Return the URL of an empty database on that server."""
    with psycopg.connect(own.url("postgres"), autocommit=True) as db:
        db.execute("drop database if exists app with (force)")
        db.execute("create database app")
    return own.url("app")


def _crash(server: Server) -> None:
    """End all of the server's processes at once, and start it again: it recovers from its log."""
    data = str(Path(server.host) / "data")
    servers._run(server.version, "pg_ctl", "-w", "-D", data, "-m", "immediate", "restart")


def test_crashed_in_a_file(tmp_path: Path, own: Server, own_url: str) -> None:
    """An immediate restart in a file: exit code 5, nothing of the file remains, the next run converges."""
    app = make(tmp_path, app=files(3) | {"001_t1.sql": SLEEPY.format(n=1)})
    with started(app, own_url) as process:
        with psycopg.connect(own_url, autocommit=True) as db:
            Witness(db).caught_sleeping(process, "001")
        _crash(own)
        code, output = finished(process)
    assert code == 5, output
    assert "error CONNECTION_LOST" in output
    assert "001_t1.sql" in output
    assert "Traceback" not in output
    with psycopg.connect(own_url, autocommit=True) as db:
        witness = Witness(db)
        assert witness.agree() == ["000"]
        assert witness.lock_is_free()
        app.write("app", files(3))
        witness.converges(app, own_url)


def test_crashed_before_the_commit_arrived(tmp_path: Path, own: Server, own_url: str) -> None:
    """A crash may give a transaction's id to another one: that one's commit is not taken for the file's."""
    app = make(tmp_path, app=files(1) | {"001_nothing.sql": "select 1;"})
    app.migrate(own_url, to=0)
    with Proxy(f"{own.host}/.s.PGSQL.5432") as proxy:
        proxy.plant(Fault.HOLE, when=b"commit;")
        with started(app, proxy.url("app")) as process:
            assert proxy.struck.wait(20)
            _crash(own)
            with psycopg.connect(own_url, autocommit=True) as db:
                for _ in range(50):  # the ids that the crash set free
                    db.execute("comment on database app is 'still here'")
            proxy.cut_now()
            code, output = finished(process)
    assert code == 5, output
    assert "committed and recorded" not in output
    with psycopg.connect(own_url, autocommit=True) as db:
        assert db.execute("select array_agg(version) from public.schema_migrations").fetchone() == (["000"],)
    assert len(app.migrate(own_url)) == 1
