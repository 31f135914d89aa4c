"""The scripts of the guides, run by roles that are no superusers, and see and end only what those may."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests import roles, servers
from tests.faults import bad
from tests.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from tests.roles import Site
    from tests.servers import Server

LONG = "operations/long_transactions"
FREEZE = "alembic/freeze"


def script(server: Server, url: str, name: str, *options: str, code: int = 0) -> str:
    """Run a script of the guides; return all it printed."""
    command = [server.psql, "-X", "-q", "-At", *options, "-f", f"docs/{name}.sql", url]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(each_server: Server) -> Iterator[Site]:
    """Return both databases with the roles of docs/roles.sql, on every server in turn."""
    with roles.made(each_server) as site:
        yield site


@pytest.fixture
def old(each_url: str, each_server: Server) -> Iterator[dict[str, str]]:
    """Return the URLs of an old database for its owner, its application and the administrator."""
    with psycopg.connect(each_url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute("create role old_owner login; create role old_app login")
        admin.execute(f'alter database "{name}" owner to old_owner'.encode())
        admin.execute("create table public.notes (note text); grant all on public.notes to old_app")
    urls = {role: each_url.replace("postgres@", f"{role}@") for role in ("old_owner", "old_app", "postgres")}
    yield urls
    options = "-c default_transaction_read_only=off"
    with psycopg.connect(each_server.url("postgres"), autocommit=True, options=options) as admin:
        admin.execute(f'alter database "{name}" owner to postgres'.encode())
    with psycopg.connect(each_url, autocommit=True, options=options) as admin:
        for role in ("old_app", "old_owner"):
            admin.execute(f"drop owned by {role} cascade; drop role {role}".encode())


def is_read_only(url: str) -> bool:
    """Tell whether a new session of a database cannot write."""
    with psycopg.connect(url) as connection:
        return connection.execute("show default_transaction_read_only").fetchone() == ("on",)


def test_an_owner_who_may_not_end_a_session_freezes_nothing(each_server: Server, old: dict[str, str]) -> None:
    """Else it would write behind the dump; what the hint says makes the freeze whole."""
    with psycopg.connect(old["old_app"], autocommit=True) as writer:
        said = script(each_server, old["old_owner"], FREEZE, code=3)
        assert "old_owner may not end the sessions of old_app\n" in said
        assert "HINT:  Run this as a superuser; or, to end those of roles that are none: grant" in said
        assert not is_read_only(old["old_owner"])
        writer.execute("insert into public.notes values ('in the dump')")
        with psycopg.connect(old["postgres"], autocommit=True) as admin:
            admin.execute(said.partition("none: ")[2].splitlines()[0].encode())
        assert script(each_server, old["old_owner"], FREEZE) == "1\n"
        with pytest.raises(psycopg.OperationalError):
            writer.execute("insert into public.notes values ('lost')")
    assert is_read_only(old["old_app"])


def test_a_session_of_a_superuser_is_ended_by_none_but_one(each_server: Server, old: dict[str, str]) -> None:
    """A member of pg_signal_backend may not; alone, or with sessions of its own, an owner needs no right."""
    with psycopg.connect(old["postgres"], autocommit=True) as admin, psycopg.connect(old["old_owner"]):
        admin.execute("grant pg_signal_backend to old_owner")
        said = script(each_server, old["old_owner"], FREEZE, code=3)
        assert "old_owner may not end the sessions of postgres\n" in said
        admin.execute("revoke pg_signal_backend from old_owner")
        admin.close()
        assert script(each_server, old["old_owner"], FREEZE) == "1\n"
    assert script(each_server, old["postgres"], FREEZE) == "0\n"


def test_who_is_no_owner_freezes_nothing(site: Site) -> None:
    """The migrator, whose own session is none that it may not end, is told so."""
    said = script(site.server, site.url("auth", "migrator"), FREEZE, code=3)
    assert "must be owner of database roles_auth" in said


@contextmanager
def publishing(version: int) -> Iterator[tuple[Server, Connection]]:
    """Yield a server that may publish and prepare, and a connection to its database."""
    with (
        bad.started(version, "max_prepared_transactions=2", "wal_level=logical") as server,
        psycopg.connect(server.url("postgres"), autocommit=True) as connection,
    ):
        yield server, connection


@pytest.mark.parametrize("version", [servers.OLDEST, servers.NEWEST])
def test_what_writes_without_a_session_keeps_a_database_from_being_frozen(version: int) -> None:
    """A prepared transaction may be committed behind the dump, and a subscription heeds no such setting."""
    with publishing(version) as (server, connection):
        url = server.url("postgres")
        connection.execute("begin; create table x (); prepare transaction 'it''s'")
        assert "the prepared transactions 'it''s'\n" in script(server, url, FREEZE, code=3)
        connection.execute("rollback prepared 'it''s'")
        subscribe = "create subscription s connection 'dbname=x' publication p with (connect = false)"
        connection.execute(subscribe)
        assert script(server, url, FREEZE).strip() == "1", "it is not enabled yet"
        with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as again:
            again.execute("alter subscription s enable")
            said = script(server, url, FREEZE, code=3)
        assert "rows arrive by the subscriptions s\n" in said
        assert "alter subscription NAME disable" in said


def test_nobody_is_told_of_a_hidden_session_that_is_its_own(site: Site) -> None:
    """Nor of one without a transaction; the migrator, who works as the owner, sees all of its login."""
    options = ("-v", "longer=0 seconds")
    for role in ("migrator", "app"):
        url = site.url("auth", role)
        with psycopg.connect(url, application_name="mine") as mine, site.admin("auth") as idle:
            idle.execute("select 1")
            assert script(site.server, url, LONG, *options) == ""
            mine.execute("select 1")
            [line] = script(site.server, url, LONG, *options).splitlines()
            assert line.startswith(f"transaction|{mine.info.backend_pid}|{roles.ROLES[role]}|mine|")


def test_a_session_that_is_hidden_is_seen_by_a_grant(site: Site) -> None:
    """To the role that logged in, as it was told."""
    url, options = site.url("auth", "migrator"), ("-v", "longer=0 seconds")
    with psycopg.connect(site.url("auth", "app"), application_name="theirs") as theirs:
        theirs.execute("select 1")
        [line] = script(site.server, url, LONG, *options).splitlines()
        assert line.startswith("hidden|1 sessions|")
        with site.admin("auth") as admin:
            admin.execute(line.split("|")[-1].encode())
            assert "|theirs|" in script(site.server, url, LONG, *options)
            admin.execute('revoke pg_read_all_stats from "R-migrator"')


@pytest.mark.parametrize("version", [servers.OLDEST, servers.NEWEST])
def test_a_slot_that_nobody_reads_is_named_whatever_its_database(version: int) -> None:
    """It holds rows back of the catalogs of all, and log of the server; dropped from here it does not."""
    with publishing(version) as (server, connection):
        connection.execute("create database other")
        slot = "select pg_create_logical_replication_slot('{}', 'pgoutput')"
        connection.execute(slot.format("idle").encode())
        with psycopg.connect(server.url("other"), autocommit=True) as other:
            other.execute(slot.format("elsewhere").encode())
        lines = sorted(script(server, server.url("postgres"), LONG).splitlines())
        for line, name in zip(lines, ("elsewhere", "idle"), strict=True):
            begin = f"slot|{name}||pgoutput||inactive|holds log and rows of the catalogs back since"
            assert line.startswith(begin)
            end = "/* only if its subscriber is gone for good */ select pg_drop_replication_slot"
            assert line.split("|")[-1] == f"{end}('{name}');"
            connection.execute(line.split("|")[-1].encode())
        assert script(server, server.url("postgres"), LONG) == ""


def test_an_index_whose_statistics_are_hidden_is_named(site: Site) -> None:
    """Who may not read a table, as a monitor, is not told that nothing is bloated; its owner sees what is."""
    with site.admin("auth") as admin:
        admin.execute(
            "insert into public.users (username, email, hashed_password) values ('ada', 'a@x', 'x')"
        )
        admin.execute("vacuum (analyze) public.users")
        admin.execute("create role r_monitor login in role pg_monitor")
        try:
            admin.execute("grant connect on database roles_auth to r_monitor")
            found = {role: told(site, role) for role in ("r_monitor", "app", "migrator", "postgres")}
        finally:
            admin.execute("drop owned by r_monitor; drop role r_monitor; truncate public.users cascade")
    every = {"idx_users_email_lower", "uq_users_email", "uq_users_username", "users_pkey"}
    assert found["r_monitor"] >= every
    assert found["app"] & every == {"idx_users_email_lower"}, (
        "it may read the columns, but not what lower() gives"
    )
    assert found["migrator"] == found["postgres"] == set()


def test_an_index_that_has_no_statistics_is_hidden_from_nobody_who_reads_its_table(site: Site) -> None:
    """The owner of a table that was never analyzed, whom the script would send for, sees no more."""
    with site.admin("auth") as admin:
        try:
            admin.execute("create table public.young (id int primary key) with (autovacuum_enabled = off)")
            admin.execute("insert into public.young select generate_series(1, 999)")
            admin.execute("vacuum public.young")
            assert told(site, "app", "young") == {"young_pkey"}
            admin.execute('grant select on public.young to "R-app"')
            assert told(site, "app", "young") == set()
        finally:
            admin.execute("drop table public.young")


def told(site: Site, role: str, table: str = "users") -> set[str]:
    """Return the indexes of a table whose statistics the script says are hidden from a role."""
    said = script(site.server, site.url("auth", role), "operations/indexes", "-v", "least=1 kB")
    lines = [line.split("|") for line in said.splitlines()]
    return {index for finding, index, of, *_ in lines if (finding, of) == ("hidden", table)}


def test_a_look_that_failed_says_so_by_its_code(site: Site) -> None:
    """A timer would take an empty list for a good one."""
    url = site.url("auth", "migrator")
    script(site.server, url, "operations/indexes", "-v", "least=much", code=3)
    with site.admin("auth") as admin, admin.transaction():
        admin.execute("lock table public.users")
        script(site.server, f"{url}&options=-clock_timeout%3D100", "operations/sizes", code=3)
