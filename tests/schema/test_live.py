"""Comparing, adopting and proving do nothing to the live server, whatever the files hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from tests.project import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

# All of them reach beyond the database: openly, from a block, from functions that run while a file does.
REACHING = {
    "a password": "alter role t_role password 'other'",
    "attributes and settings": "alter role t_role createdb; alter role t_role set work_mem = '9MB'",
    "a role made anew": "drop role t_role; create role t_role",
    "a membership": "grant pg_monitor to t_role",
    "a role from a block": "do $$ begin execute 'alter role t_role pass' || 'word ''other'''; end $$",
    "a role from a function": "create function public.f() returns int language plpgsql as"
    " 'begin execute ''alter role t_role superuser''; return 1; end'; select public.f()",
    "a role from a default": "create function public.g() returns int language plpgsql security definer as"
    " 'begin alter role t_role login; return 1; end'; create table public.t (id int default public.g());"
    " insert into public.t default values",
    "a database's settings": "do $$ begin execute format('alter database %I set work_mem = ''9MB''',"
    " current_database()); end $$",
    "a database by its name": "alter database {name} connection limit 7",
    "a comment on a role": "comment on role t_role is 'other'",
    "a slot": "-- runner: no-transaction\nselect pg_create_logical_replication_slot('t_slot', 'pgoutput')",
    "a subscription": "create subscription t_sub connection 'dbname=x' publication p with (connect = false)",
    "the server's settings": "-- runner: no-transaction\nalter system set work_mem = '9MB'",
}
SHARED = """
    select 'role', r.rolname, r::text from pg_authid as r where rolname !~ '^pg_'
    union all
    select 'membership', m.member::regrole::text, m.roleid::regrole::text from pg_auth_members as m
    where m.member::regrole::text !~ '^pg_'
    union all
    select 'setting', s.setdatabase::text, s::text from pg_db_role_setting as s
    union all
    select 'database', d.datname, d.datconnlimit::text from pg_database as d
    union all
    select 'comment', s.objoid::text, s.description from pg_shdescription as s
    union all
    select 'slot', slot_name, '' from pg_replication_slots
    union all
    select 'subscription', subname, '' from pg_subscription
    union all
    select 'setting of the server', name, setting from pg_file_settings
    order by 1, 2, 3
"""


@pytest.fixture
def role(each_server: Server) -> Iterator[psycopg.Connection]:
    """Return a connection to a server with a role of its own."""
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as connection:
        connection.execute("create role t_role password 'own'")
        connection.execute("alter role t_role set work_mem = '3MB'")
        yield connection
        connection.execute("drop role t_role")


@pytest.mark.parametrize("command", [("baseline", "app", "--to", "12", "--despite-drift"), ("prove",)])
def test_the_live_server_is_as_it_was(
    tmp_path: Path, each_url: str, role: psycopg.Connection, command: tuple[str, ...]
) -> None:
    """Roles, memberships, settings, databases, slots and subscriptions are the same before and after."""
    database = each_url.partition("?")[0].rpartition("/")[2]
    files = {f"{n:03}_a.sql": text.format(name=database) for n, text in enumerate(REACHING.values())}
    app = make(tmp_path, app=files)
    before = role.execute(SHARED).fetchall()
    for arguments in (command, ("verify", "--drift")):
        result = app.run(CliRunner(), *arguments, APP_URL=each_url)
        assert result.exit_code in (0, 4), result.output
        assert role.execute(SHARED).fetchall() == before


def test_what_a_proof_leaves_on_its_server_is_a_finding(tmp_path: Path, url: str) -> None:
    """A role that a file makes is to be undone as well."""
    app = make(tmp_path, app={"000_one.sql": "create role t_made; create table public.one (id int)"})
    (app.root / "app" / "rollback").mkdir()
    app.write("app/rollback", {"000_one.sql": "drop table public.one; delete from public.schema_migrations"})
    result = app.run(CliRunner(), "prove", APP_URL=url)
    said = [line.strip() for line in result.stdout.splitlines()]
    assert said[said.index("undo (1)") + 1] == "role t_made is left over"
