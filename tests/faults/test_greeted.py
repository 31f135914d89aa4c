"""Where a trigger sets what sessions begin with, each file finds it, as with a psql for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner.apply.event import Outcome, Retrying
from tests.planning.test_bundle import psql, write
from tests.project import Project, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import Server

TABLE = (
    "create table t{n} (day date default '01/02/2020', tenant text default current_setting('app.tenant'));"
)
ALONE = "-- runner: no-transaction\ncreate index concurrently on t1 (day);"
UNSEEN = "do $$ begin execute 're' || 'set all'; execute 'set ro' || 'le none'; end $$;"
FILES = {
    "000_t.sql": TABLE.format(n=0) + UNSEEN,
    "001_t.sql": TABLE.format(n=1) + "set datestyle = 'ISO, MDY'; set search_path = public; reset role;",
    "002_t.sql": ALONE,
    "003_t.sql": TABLE.format(n=3),
    "004_t.sql": TABLE.format(n=4),
}
ROLES = """
    create role owning nologin; create role greeted login in role owning;
    create schema tenant authorization owning; grant all on schema public to owning;
"""
GREET = """
    create or replace function public.greet() returns event_trigger language plpgsql as $$
    begin
        if session_user = 'greeted' then
            perform set_config('role', 'owning', false), set_config('datestyle', 'German', false),
                set_config('app.tenant', 'seven', false), set_config('search_path', 'tenant', false);
        end if;
    end $$;
"""
TRIGGER = "create event trigger greeting on login execute function public.greet()"
OBJECTS = """
    select c.relname, pg_get_userbyid(c.relowner), c.relnamespace::regnamespace::text,
        (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef as d where d.adrelid = c.oid and d.adnum = 1)
    from pg_class as c
    where c.relname ~ '^t[0-9]' order by 1
"""
DAY = "'2020-02-01'::date"
EXPECTED = [
    ("t0", "owning", "tenant", DAY),
    ("t1", "owning", "tenant", DAY),
    ("t1_day_idx", "owning", "tenant", None),
    ("t3", "owning", "tenant", DAY),
    ("t4", "owning", "tenant", DAY),
]


@pytest.fixture
def greeted(server: Server, url: str) -> Iterator[str]:
    """Return the URL of a database for a role that a trigger makes another one, with settings."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"{ROLES}{GREET}{TRIGGER}")
        yield f"postgresql://greeted@/{admin.info.dbname}?host={server.host}"
        admin.execute("drop event trigger greeting; drop owned by owning cascade")
        admin.execute("drop role greeted; drop role owning")


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project whose files undo what they find."""
    return make(tmp_path, app=FILES)


def _migrate(app: Project, url: str, server: Server) -> None:  # noqa: ARG001 - as the others
    app.migrate(url)


def _fleet(app: Project, url: str, server: Server) -> None:  # noqa: ARG001 - as the others
    (app.root / "fleet.env").write_text(f'one="{url}"\n', encoding="utf-8")
    (app.root / "fleet.env").chmod(0o600)
    done = app.run(CliRunner(), "migrate", "--fleet", str(app.root / "fleet.env"))
    assert done.exit_code == 0, done.output


def _bundle(app: Project, url: str, server: Server) -> None:
    done = psql(server, write(CliRunner(), app, "app", app.root / "b.sql", APP_URL=url), url)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("way", [_migrate, _fleet, _bundle])
def test_each_file_finds_what_a_trigger_sets(
    way: Callable[[Project, str, Server], None], app: Project, server: Server, url: str, greeted: str
) -> None:
    """Role, path, settings, and those of somebody's own, whatever the file before it has reset."""
    way(app, greeted, server)
    with psycopg.connect(url) as db:
        assert db.execute(OBJECTS).fetchall() == EXPECTED


def test_a_file_that_is_tried_again_finds_it_too(app: Project, url: str, greeted: str) -> None:
    """What its first try left is given back in a way that forgets what the trigger has set."""
    app.write("app", {"005_t.sql": "create table t5 (day date default '01/02/2020'); drop table t4;"})
    app.migrate(greeted, to=4)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("begin; lock table tenant.t4")
        events = app.events(greeted, lock_timeout=0.1)
        assert any(isinstance(event, Retrying) for event in events)
        db.execute("rollback")
        assert [type(event) for event in events][-1] is Outcome
        assert db.execute(OBJECTS).fetchall() == [*EXPECTED[:-1], ("t5", "owning", "tenant", DAY)]


def test_what_it_sets_is_no_drift(app: Project, url: str, greeted: str) -> None:
    """The files are compared with what they make of the same settings."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(GREET.replace(", set_config('search_path', 'tenant', false)", ""))
    app.migrate(greeted)
    told = app.run(CliRunner(), "verify", "--drift", APP_URL=greeted).output
    assert "event trigger greeting is not in the files" in told
    assert "01.02.2020" not in told
    assert " has default " not in told
