"""A scratch database has the settings of who migrates, whoever looks and whatever a shell sets."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner.schema import around, scratch
from tests.conftest import new_database
from tests.project import Project, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

DATES = """
    create table if not exists a (
        id int primary key, d date default '01/02/2020', t timestamptz default '2020-01-01 00:00'
    );
"""
SHELLS = {
    "a time zone": {"PGTZ": "Europe/Berlin"},
    "dates": {"PGDATESTYLE": "German"},
    "options": {"PGOPTIONS": "-c timezone=Asia/Tokyo -c datestyle=SQL,DMY"},
    "a path": {"PGOPTIONS": "-c search_path="},
}
MEANING = {
    "text search": (
        "default_text_search_config", "'pg_catalog.simple'",
        "format('create index i on public.a (to_tsvector(%L, x))', current_setting('{name}'))",
    ),
    "a conflict": (
        "plpgsql.variable_conflict", "use_column",
        "(select format('create table public.made_%s ()', count(*)) from public.a where x = 'y')",
    ),
    "digits": (
        "extra_float_digits", "-10",
        "format('create table public.b (x text default %L)', (1 / 3::float8)::text)",
    ),
    "bytes": (
        "bytea_output", "escape",
        "format('create table public.b (x text default %L)', '\\x00ff'::bytea::text)",
    ),
}  # fmt: skip
MEANS = """
    create table public.a (x text);
    insert into public.a values ('y');
    do $$ declare x text := 'z'; begin execute {text}; end $$;
"""
FIRES = """
    create table public.a (id int);
    create function public.f() returns trigger language plpgsql as $$
        begin create table public.fired (); return new; end
    $$;
    create trigger t after insert on public.a for each row execute function public.f();
    insert into public.a values (1);
"""


@contextmanager
def roles(url: str, **settings: str) -> Iterator[None]:
    """Keep roles, which are superusers, with these settings."""
    for name, setting in settings.items():
        ask(url, f"create role {name} login superuser", f"alter role {name} {setting}")
    try:
        yield
    finally:
        for name in settings:
            ask(url, f"reassign owned by {name} to postgres", f"drop role {name}")


def ask(url: str, *texts: str) -> None:
    """Run statements, each by itself."""
    with psycopg.connect(url, autocommit=True) as db:
        for text in texts:
            db.execute(text.replace("{here}", db.info.dbname).encode())


def told(app: Project, *arguments: str, **environ: str) -> str:
    """Return what a command says, and how it exits."""
    done = app.run(CliRunner(), *arguments, **environ)
    return f"{done.exit_code}\n{done.output}"


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project whose file reads dates."""
    return make(tmp_path, app={"000_a.sql": DATES})


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_what_a_shell_sets_is_no_drift(app: Project, each_url: str, shell: dict[str, str]) -> None:
    """It was another one that migrated; what is different all the same is told."""
    app.migrate(each_url)
    assert told(app, "verify", "--drift", APP_URL=each_url, **shell).startswith("0\n")
    ask(each_url, "alter table public.a add column hand int")
    said = told(app, "verify", "--drift", APP_URL=each_url, **shell)
    assert said.startswith("4\n")
    assert "differs from its files in 1 place" in said
    assert "column public.a.hand is not in the files" in said


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_what_a_shell_sets_is_no_drift_on_a_server_that_is_named(
    app: Project, server: Server, server_15: Server, shell: dict[str, str]
) -> None:
    """Whether it was set for the migration, too: there a variable would count more than what a URL sets."""
    with new_database(server_15) as old:
        named = ("--scratch", server.url("postgres"))
        for migrates in ({}, shell) if "PGOPTIONS" not in shell else ({},):
            ask(old, "drop table if exists public.a, public.schema_migrations")
            assert told(app, "migrate", APP_URL=old, **migrates).startswith("0\n")
            assert told(app, "verify", "--drift", *named, APP_URL=old, **shell).startswith("0\n")


@pytest.mark.parametrize("setting", ["set timezone = 'Europe/Berlin'", "set datestyle = 'SQL, DMY'"])
@pytest.mark.parametrize(("migrates", "looks"), [("postgres", "t_one"), ("t_one", "postgres")])
def test_who_looks_is_no_drift(app: Project, url: str, setting: str, migrates: str, looks: str) -> None:
    """What counts is what the role has that was logged in to migrate."""
    with roles(url, t_one=setting):
        app.migrate(url.replace("postgres@", f"{migrates}@"))
        url = url.replace("postgres@", f"{looks}@")
        assert told(app, "verify", "--drift", APP_URL=url).startswith("0\n")


def test_members_of_a_fleet_may_be_migrated_by_several_roles(app: Project, url: str, other_url: str) -> None:
    """They are alike otherwise: each is held against what its own role made."""
    with roles(url, t_one="set timezone = 'Europe/Berlin'"):
        app.migrate(url)
        app.migrate(other_url.replace("postgres@", "t_one@"))
        ask(other_url, "reassign owned by t_one to postgres")
        fleet = app.root / "fleet.env"
        fleet.write_text(f"a={url}\nb={other_url}\n")
        assert told(app, "verify", "--drift", "--jobs", "1", "--fleet", str(fleet)).startswith("0\n")


def test_a_server_has_a_time_zone_of_its_own_in_each_shell(app: Project, server: Server, url: str) -> None:
    """A superuser is told which, where a variable hides it."""
    admin = server.url("postgres")
    ask(admin, "alter system set timezone = 'Asia/Tokyo'", "select pg_reload_conf()", "select pg_sleep(0.2)")
    try:
        app.migrate(url)
        assert told(app, "verify", "--drift", APP_URL=url, PGTZ="Europe/Berlin").startswith("0\n")
    finally:
        ask(admin, "alter system reset timezone", "select pg_reload_conf()")


def test_a_baseline_is_the_same_in_each_shell(app: Project, url: str) -> None:
    """It compares as verify does, before there is a ledger."""
    ask(url, DATES)
    assert told(app, "baseline", "app", "--to", "0", APP_URL=url, PGTZ="Asia/Tokyo").startswith("0\n")


def test_the_pages_are_the_same_in_each_shell(app: Project, url: str) -> None:
    """They are committed: who writes them has no part in how a date is read."""
    assert "written" in told(app, "docs", APP_URL=url)
    for shell in ({"PGTZ": "Asia/Tokyo"}, {"PGDATESTYLE": "German"}):
        assert "docs/schema is as it should be." in told(app, "docs", APP_URL=url, **shell)


def test_pages_are_written_of_files_that_read_dates_as_their_url_says(app: Project, url: str) -> None:
    """They would fail with PostgreSQL's own way, and have been applied."""
    app.write("app", {"000_a.sql": "create table a (d date default '31.12.2020');"})
    own = f"{url}{'&' if '?' in url else '?'}options=-c%20datestyle%3DGerman"
    app.migrate(own)
    assert told(app, "docs", APP_URL=own).startswith("0\n")


@pytest.mark.parametrize(("name", "value", "text"), MEANING.values(), ids=MEANING)
def test_what_a_database_sets_decides_what_a_file_means(
    tmp_path: Path, each_url: str, name: str, value: str, text: str
) -> None:
    """Also where it sets PostgreSQL's own value: that of a new server may be another."""
    app = make(tmp_path, app={"000_a.sql": MEANS.replace("{text}", text.replace("{name}", name))})
    ask(each_url, f"alter database {{here}} set {name} = {value}")
    app.migrate(each_url)
    assert told(app, "verify", "--drift", APP_URL=each_url).startswith("0\n")


def test_triggers_fire_as_they_do_live(tmp_path: Path, each_url: str) -> None:
    """A database may be set to replay what others have done."""
    app = make(tmp_path, app={"000_a.sql": FIRES})
    ask(each_url, "alter database {here} set session_replication_role = replica")
    app.migrate(each_url)
    assert told(app, "verify", "--drift", APP_URL=each_url).startswith("0\n")


def test_what_a_file_asks_for_may_be_set_for_the_whole_server(
    tmp_path: Path, server: Server, url: str
) -> None:
    """No view lists a setting of somebody's own, but for who knows its name."""
    text = "do $$ begin execute format('create table public.%I ()', current_setting('app.tenant')); end $$;"
    app = make(tmp_path, app={"000_a.sql": text})
    admin = server.url("postgres")
    known = "set app.tenant = 'seven'"  # alter system takes what its session has
    ask(admin, known, f"alter system {known}", "select pg_reload_conf()", "select pg_sleep(0.2)")
    try:
        app.migrate(url)
        assert told(app, "verify", "--drift", APP_URL=url).startswith("0\n")
    finally:
        ask(admin, "alter system reset app.tenant", "select pg_reload_conf()")


ASKS = """
    do $$ begin
        execute format('create table public.%I ()', coalesce(current_setting('app.guest', true), 'a'));
    end $$;
"""


def test_what_a_shell_sets_of_somebodys_own_is_no_drift(tmp_path: Path, url: str) -> None:
    """A file may ask for it, which had another when it ran, or none."""
    app = make(tmp_path, app={"000_a.sql": ASKS})
    app.migrate(url)
    shell = {"PGOPTIONS": "-c app.guest=seven"}
    assert told(app, "verify", "--drift", APP_URL=url, **shell).startswith("0\n")
    ask(url, "drop table public.a")
    assert "1 place" in told(app, "verify", "--drift", APP_URL=url, **shell)


def test_an_error_is_told_as_it_came_first(app: Project, url: str) -> None:
    """What fails with the settings at hand may fail for another reason without them."""
    app.write("app", {"000_a.sql": "select current_setting('datestyle')::int;"})
    said = told(app, "baseline", "app", "--to", "0", APP_URL=url, PGDATESTYLE="German")
    assert 'invalid input syntax for type integer: "German' in said


def test_settings_that_no_connection_has_room_for_are_left_out(app: Project, url: str) -> None:
    """PostgreSQL ends a connection that begins with more than 10,000 bytes."""
    long = "x y" * 4000
    ask(url, f"alter database {{here}} set app.long = '{long}'", "alter database {here} set app.short = '7'")
    app.write("app", {"001_b.sql": "create table b (); select current_setting('app.short');"})
    app.migrate(url)
    assert told(app, "verify", "--drift", APP_URL=url).startswith("0\n")


def told_at_last(app: Project, *arguments: str, **environ: str) -> str:
    """Return what a command says when the sessions before it have ended, which takes them a moment."""
    for _ in range(20):
        said = told(app, *arguments, **environ)
        if not said.startswith("5\n"):
            break
        time.sleep(0.1)
    return said


@pytest.mark.parametrize("who", ["role t_one", "database {here}"])
def test_one_connection_is_enough(app: Project, url: str, who: str) -> None:
    """A limit of one leaves none to look a second time."""
    one = url.replace("postgres@", "t_one@")
    with roles(url, t_one="nosuperuser"):
        ask(url, "alter database {here} owner to t_one", f"alter {who} connection limit 1")
        assert told_at_last(app, "migrate", APP_URL=one).startswith("0\n")
        assert told_at_last(app, "verify", "--drift", APP_URL=one).startswith("0\n")
        app.write("app", {"001_b.sql": "create table b (id int);"})
        assert told_at_last(app, "plan", "--locks", APP_URL=one).startswith("0\n")
        ask(url, "drop table public.schema_migrations")
        assert told_at_last(app, "baseline", "app", "--to", "0", APP_URL=one).startswith("0\n")


@pytest.mark.parametrize("name", ["template0", "template1", "postgres"])
def test_a_database_may_be_called_like_one_of_the_server(url: str, name: str) -> None:
    """A private server has templates of its own, which it does not drop."""
    live = around.visited(url, source="x", files=[])._replace(database=name)
    with (
        scratch.scratch_server(url, source="x", files=[], live=live) as server,
        scratch.built(server, []) as (connection, _),
    ):
        assert (connection.info.dbname == name) is (name == "postgres")
