"""Who logs in as the migrator of docs/roles.sql, and works as the owner, sees and ends his own sessions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.errors import LockHeld
from tests import roles
from tests.faults.stage import SLEEPY, files, finished, says, started
from tests.project import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import CliRunner

    from tests.faults.proxy import Proxy
    from tests.faults.stage import Witness
    from tests.servers import Server

CONCURRENT = """-- runner: no-transaction
create index concurrently if not exists later on public.t0 (id);
"""


@pytest.fixture
def url(each_url: str) -> str:
    """Let the proxy and the witness be those of every server in turn."""
    return each_url


@pytest.fixture
def migrator(each_server: Server, each_url: str) -> Iterator[str]:
    """Return the URL of the database for the migrator."""
    with roles.migrating(each_server, each_url) as url:
        yield url


@pytest.fixture
def far(migrator: str, far_url: str) -> str:
    """Return the same through the proxy, whose cut the server does not notice."""
    return far_url.replace("postgres@", f"{psycopg.conninfo.conninfo_to_dict(migrator)['user']}@")


def test_the_session_that_was_lost_is_ended(
    tmp_path: Path, far: str, migrator: str, proxy: Proxy, witness: Witness
) -> None:
    """It goes on and holds the lock: nobody waits for it, and what it did is rolled back."""
    app, proxy.keeps = make(tmp_path, app={"000_t0.sql": SLEEPY.format(n=0)}), True
    with started(app, far) as process:
        witness.caught_sleeping(process)
        proxy.cut_now()
        code, output = finished(process)
    assert (code, "error CONNECTION_LOST" in output) == (5, True), output
    witness.lock_gets_free()
    assert witness.agree() == []
    app.write("app", files(1))
    witness.converges(app, migrator)


def test_a_session_that_may_not_be_ended_is_waited_for(
    tmp_path: Path, each_url: str, far: str, proxy: Proxy, witness: Witness
) -> None:
    """Where nobody may end sessions, the server answers all the same: its ledger says that it is applied."""
    with psycopg.connect(each_url) as admin:
        admin.execute("revoke execute on function pg_terminate_backend from public")
    app, proxy.keeps = make(tmp_path, app=files(1, seconds=3)), True
    with started(app, far) as process:
        witness.caught_sleeping(process)
        proxy.cut_now()
        code, output = finished(process)
    assert (code, "error CONNECTION_LOST" in output) == (5, True), output
    assert "  applied  app/000_t0.sql" in output
    assert witness.agree() == ["000"]


def test_what_a_file_does_is_told_to_its_own_role(
    tmp_path: Path, each_url: str, migrator: str, runner: CliRunner
) -> None:
    """Phase and time, in the lines of the run, in status, and to another runner that waits for it."""
    app = make(tmp_path, app=files(1))
    app.migrate(migrator)
    app.write("app", {"001_later.sql": CONCURRENT})
    at = r"at app/001_later\.sql for "
    with psycopg.connect(each_url) as holder:
        holder.execute("insert into public.t0 values (0)")
        blocked = r"create index concurrently on public\.t0: waiting for writers before build; waits for "
        with started(app, migrator, "--heartbeat", "1") as process:
            assert re.match(rf"app/001_later\.sql, for \d s: {blocked}", says(process, " s: "))
            seen = app.run(runner, "status", APP_URL=migrator).output
            assert re.search(rf"at work is pid \d+ \(M-migrator, {at}\d+ s\); {blocked}", seen), seen
            with pytest.raises(LockHeld) as caught:
                list(app.events(migrator, wait_lock=0))
            held = rf"held by pid \d+, user M-migrator, {at}00:00:\d\d: {blocked}"
            assert re.match(held, caught.value.notes[0])
            holder.rollback()
            assert finished(process)[0] == 0
