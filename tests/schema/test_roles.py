"""The roles of a scratch server, and the one that files run as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner.model import Migration
from runner.schema import cluster, roles, scratch
from tests.project import make
from tests.servers import NEWEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.project import Project
    from tests.servers import Server

EVENT = """
    create or replace function public.e() returns event_trigger language plpgsql as 'begin end';
    do $$ begin if not exists (select from pg_event_trigger) then
        create event trigger e on sql_drop execute function public.e(); end if; end $$;
"""
POLICY = """
    create table if not exists public.t (id int, x int);
    update public.t set x = 7;
    alter table public.t enable row level security;
    alter table public.t force row level security;
"""
TWICE = "it cannot be run twice: query would be affected by row-level security"


def undo(text: str, version: str) -> str:
    """Return a rollback without the questions that a real one asks."""
    return f"{text}\ndelete from public.schema_migrations where version = '{version}';"


def migration(text: str) -> Migration:
    """Return a migration with a text."""
    return Migration("app", "000", "one", "one.sql", text, "")


NAMED = {
    'grant select on t to r_a, "R b" with grant option': {"r_a", "R b"},
    "alter table t owner to r_a": {"r_a"},
    "create policy p on t for select to r_a using (true)": {"r_a"},
    "create role r_a; grant r_a, r_c to r_b": {"r_b", "r_c"},
    "drop role r_a; create role r_a; alter role r_a login": {"r_a"},
    "revoke admin option for r_a, r_b from r_c": {"r_a", "r_b", "r_c"},
    "-- needs: create role r_a; grant r_d to r_a\nalter table t owner /* it's */ to -- x\n r_a": {"r_a"},
    "do $$ begin -- create role r_a\n execute 'alter table t owner to r_a'; end $$": {"r_a"},
    "grant pg_monitor to public": set(),
    "create role r_a; alter role r_a rename to r_b; grant select on t to r_b": set(),
    'alter user r_a rename to "R b"; alter table t owner to "R b"': {"r_a"},
    "alter default privileges for role r_a grant select on tables to r_b": {"r_a", "r_b"},
}


@pytest.mark.parametrize(("text", "names"), NAMED.items())
def test_the_roles_that_files_name_are_found(text: str, names: set[str]) -> None:
    """Not those that a file makes, the server's own, or words that stand for somebody."""
    assert roles.named([migration(text)]) == names


@pytest.fixture
def plain(tmp_path: Path, each_server: Server, plain_url: str) -> Iterator[tuple[Project, str]]:
    """Return a project and the URL of a database whose migrator may make databases, and is in a group."""
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as admin:
        admin.execute('create role r_group; grant r_group to "Plain-role"; alter role "Plain-role" createdb')
        yield make(tmp_path, app={}), plain_url
        admin.execute("drop role r_group")


def test_files_run_as_a_role_that_may_do_what_the_migrator_may(
    plain: tuple[Project, str], each_server: Server
) -> None:
    """It has the same attributes and is a member of the same roles; nobody else has or is any."""
    with scratch.scratch_server(plain[1], source="x", files=[]) as server:
        assert server.role == "Plain-role"
        with psycopg.connect(server.url) as connection:
            found = connection.execute(
                "select rolname, rolcreatedb, rolsuper, rolcanlogin,"
                " pg_has_role(rolname, 'r_group', 'member')"
                " from pg_roles where rolname in ('Plain-role', 'r_group') order by 1"
            ).fetchall()
            assert connection.info.server_version // 10000 == each_server.version
    assert found == [("Plain-role", True, False, False, True), ("r_group", False, False, False, True)]


def test_a_file_that_needs_a_superuser_is_proven_as_one(plain: tuple[Project, str]) -> None:
    """Its second run and its rollback too; the next file is run by an ordinary role again."""
    app, url = plain
    app.write("app", {"000_a.sql": EVENT, "001_b.sql": POLICY, "002_c.sql": "update public.t set x = 1;"})
    rollbacks = {
        "000_a.sql": undo("drop event trigger e; drop function public.e();", "000"),
        "001_b.sql": undo("drop table public.t;", "001"),
    }
    (app.root / "app" / "rollback").mkdir()
    app.write("app/rollback", rollbacks)
    told = app.run(CliRunner(), "prove", APP_URL=url).stdout.splitlines()
    needed = 'as a superuser: permission denied to create event trigger "e"'
    assert told[1] == f"  proven   app/000_a.sql, {needed}"
    assert told[2].startswith("  failed   app/001_b.sql: ")
    assert any(
        "it cannot be run twice: query would be affected by row-level security" in line for line in told
    )
    hidden = "app/002_c.sql failed: query would be affected by row-level security policy"
    assert any(hidden in line for line in told)  # no right is lacking: a superuser would see what it does not


@pytest.mark.parametrize("backslash", ["", "\n\\echo"])
def test_a_rollback_that_needs_a_superuser_has_one(plain: tuple[Project, str], backslash: str) -> None:
    """A DBA is one, often; whether psql runs it or a session that does the same."""
    app, url = plain
    app.write("app", {"000_a.sql": "create table if not exists public.t (id int);"})
    (app.root / "app" / "rollback").mkdir()
    text = "set local session_replication_role = 'replica'; drop table public.t;"
    app.write("app/rollback", {"000_a.sql": undo(text, "000") + backslash})
    told = app.run(CliRunner(), "prove", APP_URL=url).stdout
    assert "  proven   app/000_a.sql, as a superuser: " in told
    assert 'permission denied to set parameter "session_replication_role"' in told


def test_a_postgres_that_is_no_superuser_is_none_here(tmp_path: Path) -> None:
    """The private server's superuser has another name then, and postgres the rights it has there."""
    programs = cluster.choose(NEWEST, ())
    assert programs
    with cluster.running(programs, superuser="platform") as live:
        with psycopg.connect(live, autocommit=True) as admin:
            admin.execute("create role postgres login createdb")
            admin.execute("create database app owner postgres")
        url = live.replace("template1", "app").replace("platform@", "postgres@")
        app = make(tmp_path, app={"000_a.sql": POLICY})
        told = app.run(CliRunner(), "prove", APP_URL=url).stdout
    assert TWICE in told
