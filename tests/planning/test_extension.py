"""Which extensions a server would create: it is asked, whatever its catalogs say."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from unittest.mock import patch

import psycopg
import pytest
from click.testing import CliRunner

from runner import config, database, planning
from runner.config import Target
from runner.errors import FileRefused
from runner.planning import State, extension, facts
from tests import servers
from tests.cli import lines
from tests.project import ROOM, Project, make

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runner.planning import Site
    from tests.servers import Server

# What pgextwlist does: an owner's `create extension` is done as the superuser.
PROVIDER = """
    create function public.provide() returns event_trigger language plpgsql security definer as $$
    begin
        if pg_catalog.current_setting('provider.busy', true) is distinct from 'on' then
            perform pg_catalog.set_config('provider.busy', 'on', true);
            create extension if not exists {};
            perform pg_catalog.set_config('provider.busy', 'off', true);
        end if;
    end
    $$;
    create event trigger provider on ddl_command_start when tag in ('CREATE EXTENSION')
        execute function public.provide();
"""
FORBIDDEN = "this extension is not allow-listed"
FORBIDDING = f"""
    create function public.forbid() returns event_trigger language plpgsql as $$
    begin
        raise exception '{FORBIDDEN}' using errcode = '{{}}';
    end
    $$;
    create event trigger forbids on ddl_command_start when tag in ('CREATE EXTENSION')
        execute function public.forbid();
"""

NOWHERE = "-- runner: requires-extension nowhere\ncreate extension if not exists nowhere;"


@pytest.fixture
def name(each_server: Server) -> str:
    """Return the name of an extension that the catalogs call a superuser's."""
    return each_server.untrusted


@pytest.fixture
def app(tmp_path: Path, name: str) -> Project:
    """Return a project with a file that requires it, and one behind it."""
    needing = f"-- runner: requires-extension {name}\ncreate extension if not exists {name};"
    return make(tmp_path, app={"000_needing.sql": needing, "001_next.sql": "select 1;"})


def look(app: Project, url: str) -> AbstractContextManager[tuple[Site, ...]]:
    """Look at a database with the files of the project."""
    loaded = config.load(app.file)
    return planning.look(planning.read(loaded, loaded.series), [Target(loaded.series[0], url, "APP_URL")])


def _bound(sites: tuple[Site, ...]) -> list[Site]:
    """Return what was found as if the role were no superuser."""
    return [site._replace(facts=site.facts._replace(is_free=False)) for site in sites]


def skipped(app: Project, url: str, *command: str) -> list[str]:
    """Return why a command calls files skipped, from its document."""
    done = app.run(CliRunner(), *command, "--json", APP_URL=url)
    assert done.exit_code == 0, done.output
    [entry] = json.loads(done.stdout)["databases"]
    steps = entry.get("steps") or entry["skipped"]
    return [step["reason"] for step in steps if step["state"] == "skipped"]


def installed(db: psycopg.Connection) -> list[str]:
    """Return the extensions of a database, but the one that every database has."""
    return [n for (n,) in db.execute("select extname from pg_extension order by 1") if n != "plpgsql"]


def test_the_server_refuses_in_its_own_words(
    app: Project, plain_url: str, db: psycopg.Connection, name: str
) -> None:
    """What only a superuser may create stays pending, and the line says why; the next file is applied."""
    assert skipped(app, plain_url, "status") == [facts.ADMINISTRATOR]
    done = app.run(CliRunner(), "migrate", APP_URL=plain_url)
    assert done.exit_code == 0, done.output
    words = f'permission denied to create extension "{name}"'
    assert f"skipped (needs {name}: {words}) app/000_needing.sql" in lines(done)
    assert skipped(app, plain_url, "migrate") == [words]
    assert installed(db) == []


def test_an_extension_the_provider_allows_is_made_against_the_catalogs(
    app: Project, plain_url: str, db: psycopg.Connection, name: str
) -> None:
    """The catalogs call it a superuser's; the server creates it, so the file is applied."""
    db.execute(PROVIDER.format(name).encode())
    assert skipped(app, plain_url, "plan") == [facts.ADMINISTRATOR]
    assert installed(db) == []
    assert skipped(app, plain_url, "migrate") == []
    assert installed(db) == [name]
    assert len(db.execute("select from public.schema_migrations").fetchall()) == 2


def test_what_is_pending_only_by_asking_is_looked_at_as_well(
    app: Project, plain_url: str, db: psycopg.Connection, name: str
) -> None:
    """A file that must not be sent is refused before anything is, and counts for --expect."""
    db.execute(PROVIDER.format(name).encode())
    assert app.run(CliRunner(), "migrate", "--expect", "1", APP_URL=plain_url).exit_code == 4
    app.write("app", {"000_needing.sql": f"-- runner: requires-extension {name}\ncommit;"})
    done = app.run(CliRunner(), "migrate", APP_URL=plain_url)
    assert (done.exit_code, "FILE_REFUSED" in done.stderr) == (1, True)
    assert db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,)


def test_an_extension_the_provider_forbids_is_skipped_against_the_catalogs(
    app: Project, each_url: str, db: psycopg.Connection, name: str
) -> None:
    """The catalogs know no reason; the server says no, so the file waits and the next one goes on."""
    db.execute(FORBIDDING.format("42501").encode())
    assert skipped(app, each_url, "plan") == []
    done = app.run(CliRunner(), "migrate", APP_URL=each_url)
    assert (done.exit_code, f"(needs {name}: {FORBIDDEN})" in done.stdout) == (0, True), done.output
    db.execute("drop event trigger forbids")
    assert skipped(app, each_url, "migrate") == []
    assert installed(db) == [name]


def test_another_error_is_no_refusal(app: Project, each_url: str, db: psycopg.Connection) -> None:
    """The file itself runs into it, and fails where everybody can see it."""
    db.execute(FORBIDDING.format("P0001").encode())
    done = app.run(CliRunner(), "migrate", APP_URL=each_url)
    assert done.exit_code == 1
    assert f"app/000_needing.sql failed: {FORBIDDEN}" in done.stderr


def test_an_extension_an_administrator_has_created_counts(
    app: Project, plain_url: str, db: psycopg.Connection, name: str
) -> None:
    """The role may not create it and need not."""
    db.execute(f"create extension {name}".encode())
    assert skipped(app, plain_url, "status") == []
    assert skipped(app, plain_url, "migrate") == []
    assert len(db.execute("select from public.schema_migrations").fetchall()) == 2


def test_an_extension_in_a_schema_that_the_role_may_not_use_is_refused(
    app: Project, plain_url: str, db: psycopg.Connection, name: str
) -> None:
    """What it brings cannot be named; the right pasted, the file is applied. Nobody else is told of it."""
    db.execute(f'create schema "The parts"; create extension {name} schema "The parts"'.encode())
    grant = 'grant usage on schema "The parts" to "Plain-role"'
    assert skipped(app, plain_url.replace("Plain-role@", "postgres@"), "plan") == []
    for command in ("status", "plan", "migrate", "migrate"):
        assert [reason.endswith(f": {grant}") for reason in skipped(app, plain_url, command)] == [True]
    app.write("app", {"002_other.sql": NOWHERE})
    assert len(skipped(app, plain_url, "migrate")) == 2, "that another one is asked for changes nothing"
    db.execute(grant.encode())
    assert len(skipped(app, plain_url, "migrate")) == 1
    assert len(db.execute("select from public.schema_migrations").fetchall()) == 2


def test_asking_leaves_nothing_behind(each_url: str, db: psycopg.Connection, name: str) -> None:
    """What is tried is rolled back; of the unknown one the server's words are kept."""
    with database.connect(each_url, source="x") as connection:
        found = extension.refused(connection, [name, "nope"])
    assert found.keys() == {"nope"}
    assert "nope" in found["nope"]
    assert installed(db) == []


def test_an_extension_that_needs_another_one_is_not_refused(server_15: Server) -> None:
    """A file may create both, one behind the other."""
    with database.connect(server_15.url("postgres"), source="x") as connection:
        assert extension.refused(connection, [server_15.dependent]) == {}


def test_nobody_is_asked_when_nothing_pending_needs_it(
    app: Project, each_url: str, db: psycopg.Connection, name: str
) -> None:
    """Neither for a file that is applied, nor for an extension that is there."""
    db.execute(f"create extension {name}".encode())
    db.execute(FORBIDDING.format("P0001").encode())
    app.write("app", {"000_needing.sql": f"-- runner: requires-extension {name}\nselect 1;"})
    assert skipped(app, each_url, "migrate") == []
    db.execute(f"drop extension {name}".encode())
    assert skipped(app, each_url, "migrate") == []


def test_reading_asks_nobody(app: Project, plain_url: str, db: psycopg.Connection) -> None:
    """Status and plan write nothing, not even for a moment: a role with select alone may run them."""
    assert len(skipped(app, plain_url, "migrate")) == 1
    db.execute("create role looks login; grant select on public.schema_migrations to looks")
    try:
        url = plain_url.replace("Plain-role@", "looks@") + "&options=-cdefault_transaction_read_only%3Don"
        assert skipped(app, url, "status") == [facts.ADMINISTRATOR]
        assert skipped(app, url, "plan") == [facts.ADMINISTRATOR]
    finally:
        db.execute("drop owned by looks; drop role looks")


def test_a_scratch_database_is_asked_as_well(app: Project, url: str) -> None:
    """Prove and docs find it refused in the server's words, and say so."""
    app.write("app", {"000_needing.sql": NOWHERE})
    proved = app.run(CliRunner(), "prove", APP_URL=url)
    words = 'app/000_needing.sql (needs nowhere: extension "nowhere" is not available)'
    assert f"skipped {words}" in lines(proved)
    docs = app.run(CliRunner(), "docs", APP_URL=url)
    assert (docs.exit_code, 'extension "nowhere" is not available' in docs.stderr) == (2, True)


@pytest.mark.skipif(servers.PROGRAMS[15] == servers.SYSTEM_15, reason="every server here has the extension")
def test_drift_says_which_extension_the_scratch_database_cannot_have(
    tmp_path: Path, server_15: Server
) -> None:
    """It is there on the live server; on the private one it cannot be had."""
    name = server_15.untrusted
    app = make(tmp_path, app={"000_needing.sql": NOWHERE.replace("nowhere", name)})
    with psycopg.connect(server_15.url("postgres"), autocommit=True) as admin:
        admin.execute("create database lacking")
        try:
            lacking = server_15.url("lacking")
            app.migrate(lacking)
            done = app.run(CliRunner(), "verify", "--drift", APP_URL=lacking)
        finally:
            admin.execute("drop database lacking with (force)")
    assert (done.exit_code, "SERVER_UNUSABLE" in done.stderr) == (2, True), done.output
    assert "A scratch database on a private PostgreSQL 1" in done.stderr
    assert f'the extension {name}, which app/000_needing.sql requires: extension "{name}" is' in done.stderr


@pytest.mark.parametrize("case", [("", "", 0), ("", "nope", 1), (FORBIDDING.format("42501"), "", 1)])
def test_no_server_is_asked_what_a_superuser_may(
    app: Project, each_url: str, db: psycopg.Connection, name: str, case: tuple[str, str, int]
) -> None:
    """But whether it has the extension at all, and where somebody's event trigger sees what is created."""
    made, other, asked = case
    if made:
        db.execute(made.encode())
    app.write("app", {"000_needing.sql": f"-- runner: requires-extension {other or name}\nselect 1;"})
    with look(app, each_url) as sites, patch.object(extension, "_try", wraps=extension._try) as tried:
        [site] = planning.check_and_ask(sites)
    assert tried.call_count == asked
    assert site.steps[0].state is (State.SKIPPED if asked else State.PENDING)


OWN_TRIGGER = FORBIDDING.format("42501")
OWN_SETTING = "do $$ begin execute 'alter database ' || current_database() || ' set a.b = 1'; end $$"


@pytest.mark.parametrize(("own", "is_asked"), [("", False), (OWN_TRIGGER, True), (OWN_SETTING, True)])
def test_databases_that_are_alike_are_asked_once(
    app: Project, url: str, other_url: str, own: str, is_asked: bool
) -> None:
    """To create an extension takes a while; one that has a trigger or settings of its own is asked itself.

    So it is where the role is no superuser, whom nobody would be asked for.
    """
    app.write("app", {"000_needing.sql": "-- runner: requires-extension vector\nselect 1;"})
    if own:
        with psycopg.connect(other_url, autocommit=True) as other:
            other.execute(own.encode())
    given: set[planning.Given] = set()
    states = []
    with patch.object(extension, "_try", wraps=extension._try) as asked:
        for one in (url, other_url, other_url):
            with look(app, one) as sites:
                states += [site.steps[0].state for site in planning.ask(_bound(sites), given=given)]
    assert asked.call_count == (3 if is_asked else 1)
    forbidden = State.SKIPPED if own == OWN_TRIGGER else State.PENDING
    assert states == [State.PENDING, forbidden, forbidden]


def test_what_is_refused_is_asked_again(app: Project, plain_url: str) -> None:
    """Only what a server creates is remembered: whoever may not here, may elsewhere."""
    given: set[planning.Given] = set()
    with look(app, plain_url) as sites:
        [site] = planning.ask(sites, given=given)
    assert (site.steps[0].state, given) == (State.SKIPPED, set())


def test_a_file_that_must_not_be_sent_is_told_without_waiting_for_the_server(app: Project, url: str) -> None:
    """Files are read while the server tries; what it is at is ended, and the session is good again."""
    app.write("app", {"000_needing.sql": "-- runner: requires-extension vector\ncommit;"})
    began = time.monotonic()
    with look(app, url) as sites, patch.object(extension, "_TRY", "select pg_catalog.pg_sleep(60);"):
        with pytest.raises(FileRefused, match=r"000_needing\.sql"):
            planning.check_and_ask(_bound(sites))
        assert time.monotonic() - began < 2 + ROOM
        assert database.query(sites[0].connection, "select 1") == [(1,)]
