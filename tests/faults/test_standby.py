"""A list of hosts, or a URL by itself, may lead to a standby: its answers are not taken for the primary's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from runner import config, door, fleet
from runner.apply.event import Outcome
from runner.errors import CommitUnknown, LockTimeout, ServerUnusable
from tests.faults import bad
from tests.faults.proxy import Fault, Proxy
from tests.faults.stage import until
from tests.project import TWO, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.errors import RunnerError
    from tests.servers import Server


@pytest.fixture(scope="module")
def primary() -> Iterator[Server]:
    """Return a server that others follow."""
    with bad.started() as server:
        yield server


@pytest.fixture(scope="module")
def standby(primary: Server) -> Iterator[Server]:
    """Return one that follows it."""
    with bad.started(copy_of=primary) as server:
        yield server


@pytest.fixture
def database(primary: Server, standby: Server) -> Iterator[str]:
    """Return the URL of an empty database on the primary, which the standby has, too."""
    with bad.database(primary) as url:
        _follow(primary, standby)
        yield url


def _follow(primary: Server, standby: Server) -> None:
    """Wait until the standby has all that the primary has."""
    [(at,)] = bad.query(primary.url("postgres"), "select pg_current_wal_lsn()")
    until(
        lambda: bad.query(standby.url("postgres"), f"select pg_last_wal_replay_lsn() >= '{at}'") == [(True,)]
    )


@contextmanager
def _listed(primary: Server, standby: Server, url: str) -> Iterator[tuple[Proxy, str]]:
    """Yield a proxy before the primary, and a URL whose list of hosts has that and the standby."""
    with Proxy(f"{primary.host}/.s.PGSQL.5432") as proxy:
        port = conninfo_to_dict(proxy.url("x"))["port"]
        yield proxy, f"postgresql://postgres@/{bad.name(url)}?host=127.0.0.1,{standby.host}&port={port},5432"


def test_a_standby_does_not_know_what_was_committed(
    tmp_path: Path, primary: Server, standby: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers when the primary is out of reach, and lags behind: nothing is said to be rolled back."""
    monkeypatch.setattr("runner.apply.fate._LOST", 1.0)
    app = make(tmp_path, app=TWO)
    bad.query(standby.url("postgres"), "select pg_wal_replay_pause()")
    try:
        with _listed(primary, standby, database) as (proxy, url):
            proxy.refuse_after_fault = True
            proxy.plant(Fault.LOSE_ANSWER, when=b"commit;")
            with pytest.raises(CommitUnknown):
                app.migrate(url)
    finally:
        bad.query(standby.url("postgres"), "select pg_wal_replay_resume()")
    assert bad.recorded(database) == ["000", "001"], "the primary had all of it"


def test_a_second_connection_to_a_standby_is_no_fault_of_a_file(
    tmp_path: Path, primary: Server, standby: Server, database: str
) -> None:
    """Of a fleet all members are looked at first; who then finds a standby says so, and of which member."""
    app = make(tmp_path, app=TWO)
    with _listed(primary, standby, database) as (proxy, url):

        def refuse(*_: object) -> None:
            proxy.refuse = True

        [visit] = fleet.migrate_fleet({"acme": url}, config=app.file, on_event=refuse)
    assert visit.problem
    assert _told(visit.problem) == _unusable("acme", database)
    assert bad.recorded(database) == []


def test_nor_is_a_new_session_on_a_standby(
    tmp_path: Path, primary: Server, standby: Server, database: str
) -> None:
    """One is begun behind a file that sets something for new ones: what is committed stays told."""
    setting = f"alter database {bad.name(database)} set work_mem = '5MB';"
    app = make(tmp_path, app=TWO | {"000_one.sql": setting})
    with _listed(primary, standby, database) as (proxy, url):
        events = app.events(url)
        while not isinstance(next(events), Outcome):
            pass
        proxy.refuse = True
        with pytest.raises(ServerUnusable) as caught:
            list(events)
    assert _told(caught.value) == _unusable("APP_URL", database)
    assert bad.recorded(database) == ["000"]


TABLES = """
    create table public.one (id int);
    create table public.p (id int) partition by range (id);
    create table public.q partition of public.p for values from (0) to (9);
"""
BEGUN = {
    "index": "-- runner: no-transaction\ncreate index concurrently i on public.one (id);",
    "partition": "-- runner: no-transaction\nalter table public.p detach partition public.q concurrently;",
}
WRECKED = """
    select exists (select from pg_index where not indisvalid)
        or exists (select from pg_inherits where inhdetachpending)
"""


@pytest.mark.parametrize("begun", BEGUN)
def test_what_the_primary_is_at_is_no_wreck_on_a_standby(
    tmp_path: Path, primary: Server, standby: Server, database: str, begun: str
) -> None:
    """Of locks and progress it does not know: nothing is accused, and nobody is told to drop it."""
    app = make(tmp_path, app={"000_one.sql": TABLES, "001_two.sql": BEGUN[begun]})
    there = standby.url(bad.name(database))
    app.migrate(database, to=0)
    with psycopg.connect(database) as blocker:
        blocker.execute("insert into public.one values (1); insert into public.p values (1)")
        with app.process("migrate", APP_URL=database) as process:
            until(lambda: bad.query(database, WRECKED) == [(True,)] or process.poll() is not None)
            assert process.poll() is None
            _follow(primary, standby)
            found = bad.run(app, "verify", there, *["--drift"] * (begun == "index"))
            status = bad.run(app, "status", there)
            blocker.rollback()
    assert (found.exit_code, "a standby does not know which ones" in found.stderr) == (0, True), found.output
    assert "pending (at work or interrupted)" in status.stdout


def test_a_question_that_a_standby_gives_up_is_asked_again(
    tmp_path: Path, primary: Server, standby: Server, database: str
) -> None:
    """In favour of what it replays: nobody has to correct anything."""
    app = make(tmp_path, app=TWO)
    app.migrate(database)
    _follow(primary, standby)
    there = standby.url(bad.name(database))
    bad.query(there, "alter system set max_standby_streaming_delay = 0")
    bad.query(there, "select pg_reload_conf()")

    def ask() -> None:
        with door.sites(config.load(app.file), "app", url=there) as [site]:
            site.connection.execute("select pg_sleep(60) from (select count(*) from public.one) as x")

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        until(
            lambda: (
                bad.query(there, "select 1 from pg_stat_activity where wait_event = 'PgSleep'")
                or asked.done()
            )
        )
        bad.query(database, "drop table public.one")
        problem = asked.exception(timeout=30)
    bad.query(standby.url("postgres"), "alter system reset max_standby_streaming_delay")
    bad.query(standby.url("postgres"), "select pg_reload_conf()")
    assert isinstance(problem, LockTimeout)
    words = "canceling statement due to conflict with recovery"
    assert (problem.exit_code, problem.message) == (5, f"The server gave up a question: {words}")
    assert "ask the primary" in (problem.remedy or "")


def test_files_do_not_reach_a_standby_by_its_primary(
    tmp_path: Path, primary: Server, standby: Server, database: str
) -> None:
    """A scratch database there would make for the live one whatever files do beyond their own."""
    app = make(tmp_path, app=TWO | {"001_two.sql": "create role t_reaching;"})
    app.migrate(database)
    bad.query(database, "drop role t_reaching")
    _follow(primary, standby)
    there, scratch = standby.url(bad.name(database)), primary.url("postgres")
    result = bad.run(app, "verify", there, "--drift", "--scratch", scratch)
    told = "error SERVER_UNUSABLE: The scratch server is the primary of the live one, or a copy of it: "
    assert (result.exit_code, told in result.stderr) == (2, True), result.output


POSTS = """
    create table public.posts (account int);
    create index on public.posts (account);
    comment on column public.posts.account is 'References auth.one.id (cross-database, no foreign key).';
    insert into public.posts values (7);
"""


def test_who_looks_for_a_row_on_a_standby_is_told_that_it_may_lag(
    tmp_path: Path, primary: Server, standby: Server, database: str
) -> None:
    """What its primary has by now is no orphan: nobody deletes a row for that."""
    app = make(tmp_path, auth=TWO, specs={"000_posts.sql": POSTS})
    with bad.database(primary) as other:
        bad.query(database, TWO["000_one.sql"])
        bad.query(other, POSTS)
        _follow(primary, standby)
        environ = {"AUTH_URL": standby.url(bad.name(database)), "SPECS_URL": other}
        result = app.run(CliRunner(), "orphans", "specs", **environ)
        on_primary = app.run(CliRunner(), "orphans", "specs", **environ | {"AUTH_URL": database})
    told = "auth was read on a standby, which may lag behind: look on its primary"
    assert (result.exit_code, told in result.stderr) == (4, True), result.output
    assert (on_primary.exit_code, "standby" in on_primary.stderr) == (4, False)


def _told(problem: RunnerError) -> tuple[str, str, str | None]:
    return problem.name, problem.message, problem.remedy


def _unusable(source: str, url: str) -> tuple[str, str, str]:
    message = f"The server of {source} ({bad.name(url)}) is a standby, which takes no changes."
    return "SERVER_UNUSABLE", message, "Point the URL at the primary."
