"""runner.testing in projects of their own: migrated template databases for an application's tests."""

from __future__ import annotations

import re
from threading import Timer
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from runner import database, testing
from runner.database import question
from tests.project import ROOT, TWO, make
from tests.servers import NEWEST, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
[CONFTEST] = re.findall(r"^```python\n(from pytest_postgresql.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TESTS = """
    def test_one(postgresql):
        assert postgresql.execute("select count(*) from {table}").fetchone() == (0,)
        postgresql.execute("insert into {table} default values")
        postgresql.commit()

    def test_two(postgresql):
        assert postgresql.execute("select count(*) from {table}").fetchone() == (0,)
"""
KEPT = "select datname from pg_database where datname like 'runner_kept_app_%' order by 1"


@pytest.fixture
def admin(server: Server) -> Iterator[psycopg.Connection]:
    """Return a connection to the server, on which nothing is kept, before and after."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        yield connection
        for (name,) in connection.execute(KEPT).fetchall():
            connection.execute(f'drop database "{name}"')


def _project(pytester: pytest.Pytester, server: Server, call: str, table: str) -> None:
    """Write the project of an application: conftest as in docs/api.md, and two tests."""
    where = f"host={server.host!r}, port={server.port}, user={server.user!r}, load=[testing.load({call})]"
    conftest, found = re.subn(r'load=\[testing\.load\("auth"\)\]', where.replace("\\", r"\\"), CONFTEST)
    assert found == 1
    pytester.makeconftest(conftest)
    pytester.makepyfile(TESTS.format(table=table))


def _run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the application's tests with the plugin they need, and none of what else is installed here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return pytester.runpytest_subprocess(
            "-p", "no:cacheprovider", "-p", "pytest_postgresql.plugin", *options
        )


def _passes(pytester: pytest.Pytester) -> None:
    _run(pytester).assert_outcomes(passed=2)


# Another one on each server; that between them has the first.
APPLICATIONS = [
    (version, "todo", ROOT / "examples" / "todo", "conversations")
    if version == NEWEST
    else (version, "auth", ROOT, "users")
    for version in VERSIONS
]


@pytest.mark.parametrize(
    ("each_server", "series", "root", "table"),
    APPLICATIONS,
    indirect=["each_server"],
    ids=[f"pg{version}-{series}" for version, series, *_ in APPLICATIONS],
)
def test_an_application_gets_a_migrated_database(
    pytester: pytest.Pytester, each_server: Server, series: str, root: Path, table: str
) -> None:
    """With this schema and with the example's; every test gets a clone of its own."""
    tables = TESTS.replace("insert into {table} default values", "truncate {table} cascade")
    where = f"host={each_server.host!r}, port={each_server.port}, user={each_server.user!r}"
    load = f'{where}, load=[testing.load("{series}", config="{root / "pyproject.toml"}")]'
    pytester.makeconftest(CONFTEST.replace('load=[testing.load("auth")]', load))
    pytester.makepyfile(tables.format(table=table))
    _passes(pytester)


def test_a_second_session_applies_nothing_again(
    pytester: pytest.Pytester, tmp_path: Path, server: Server, admin: psycopg.Connection
) -> None:
    """It clones what is kept; who changes a file gets the change, and one copy is kept at a time."""
    app = make(tmp_path / "app", app=TWO)
    _project(pytester, server, f'"app", config="{app.file}"', "one")
    _passes(pytester)
    [(kept,)] = admin.execute(KEPT).fetchall()
    admin.execute(f"alter database {kept} allow_connections true")
    with psycopg.connect(server.url(kept), autocommit=True) as inside:
        inside.execute("create table made_in_what_is_kept ()")
    admin.execute(f"alter database {kept} allow_connections false")
    _project(pytester, server, f'"app", config="{app.file}"', "made_in_what_is_kept")
    _run(pytester, "-k", "test_two").assert_outcomes(passed=1, deselected=1)
    app.write("app", {"002_three.sql": "create table public.three ();"})
    _project(pytester, server, f'"app", config="{app.file}"', "three")
    _passes(pytester)
    [(other,)] = admin.execute(KEPT).fetchall()
    assert other != kept


@pytest.mark.parametrize("why", ["keep=False", "skipped", "not empty"])
def test_what_may_not_be_alike_next_time_is_not_kept(
    pytester: pytest.Pytester, tmp_path: Path, server: Server, admin: psycopg.Connection, why: str
) -> None:
    """Where it is not wanted, where a file was skipped, and where something else was loaded before."""
    files = dict(TWO)
    if why == "skipped":
        files["002_more.sql"] = "-- runner: requires-extension nowhere_to_be_found\nselect 1;"
    app = make(tmp_path / "app", app=files)
    more = ", keep=False" if why == "keep=False" else ""
    _project(pytester, server, f'"app", config="{app.file}"{more}', "one")
    if why == "not empty":
        seed = tmp_path / "seed.sql"
        seed.write_text("create schema seeded")
        conftest = pytester.path / "conftest.py"
        text = conftest.read_text().replace("load=[", f'load=[__import__("pathlib").Path("{seed}"), ')
        conftest.write_text(text)
    _passes(pytester)
    assert admin.execute(KEPT).fetchall() == []


@pytest.mark.parametrize(
    "change",
    [
        "alter default privileges in schema public grant select on tables to public",
        "alter default privileges grant execute on functions to loaded_for",
        "grant usage on schema public to loaded_for",
        "grant create on schema public to public",
        "grant select on pg_catalog.pg_authid to loaded_for",
        "alter schema public owner to loaded_for",
        "comment on schema public is 'ours'",
        "comment on database {0} is 'ours'",
        "alter database {0} set work_mem to '9MB'",
        "alter database {0} connection limit 7",
        "alter database {0} owner to loaded_for",
        "grant create on database {0} to loaded_for",
        "select lo_create(42)",
        "create collation public.ours (locale = 'C')",
        "create publication ours",
    ],
)
def test_what_somebody_did_before_is_kept_for_this_session_alone(
    tmp_path: Path, server: Server, admin: psycopg.Connection, url: str, change: str
) -> None:
    """A copy would carry it into others, and to clone one would throw it away."""
    name = conninfo_to_dict(url)["dbname"]
    load = testing.load("app", config=make(tmp_path / "app", app=TWO).file)
    admin.execute("create role loaded_for")
    try:
        with psycopg.connect(url) as db:
            db.execute(change.format(name).encode())
        load(host=server.host, port=server.port, user=server.user, dbname=name)
        assert admin.execute(KEPT).fetchall() == []
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("reassign owned by loaded_for to current_user; drop owned by loaded_for")
            db.execute("drop role loaded_for")


def test_what_was_not_finished_is_made_anew(
    pytester: pytest.Pytester, tmp_path: Path, server: Server, admin: psycopg.Connection
) -> None:
    """A copy that is open to connections was never completed: it is dropped and replaced."""
    app = make(tmp_path / "app", app=TWO)
    _project(pytester, server, f'"app", config="{app.file}"', "one")
    _passes(pytester)
    [(kept,)] = admin.execute(KEPT).fetchall()
    admin.execute(f"drop database {kept}")
    admin.execute(f"create database {kept}")
    _passes(pytester)
    assert admin.execute("select datallowconn from pg_database where datname = %s", (kept,)).fetchone() == (
        False,
    )


def test_who_waits_for_another_process_waits_as_long_as_it_takes(
    tmp_path: Path, server: Server, admin: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers come one after the other; the limit of the runner's own questions does not count for that."""
    monkeypatch.setitem(question._SETTINGS, "lock_timeout", "100ms")
    load = testing.load("app", config=make(tmp_path / "app", app=TWO).file)
    lock = "select pg_advisory{}_lock(hashtextextended('runner_kept', 0))"
    admin.execute(lock.format("").encode())
    Timer(0.5, lambda: admin.execute(lock.format("").replace("lock(", "unlock(").encode())).start()
    load(host=server.host, port=server.port, user=server.user, dbname=conninfo_to_dict(url)["dbname"])
    assert len(admin.execute(KEPT).fetchall()) == 1


def test_what_another_role_keeps_is_left_alone(
    tmp_path: Path, server: Server, admin: psycopg.Connection
) -> None:
    """It may not be cloned or dropped, and to keep a copy is not worth a failure."""
    project = make(tmp_path / "app", app=TWO)
    admin.execute("create role dev1 login createdb; create role dev2 login createdb")
    try:
        for files in (TWO, TWO, TWO | {"002_three.sql": "create table public.three ();"}):
            project.write("app", files)
            for role in ("dev1", "dev2"):
                admin.execute(f"create database loaded owner {role}".encode())
                load = testing.load("app", config=project.file)
                load(host=server.host, port=server.port, user=role, dbname="loaded")
                with psycopg.connect(server.url("loaded")) as loaded:
                    assert loaded.execute("select count(*) from public.two").fetchone() == (0,)
                admin.execute("alter database loaded is_template false")
                admin.execute("drop database loaded")
    finally:
        for (name,) in admin.execute(KEPT).fetchall():
            admin.execute(f'drop database "{name}"')
        admin.execute("drop database if exists loaded")
        admin.execute("drop role dev1, dev2")


def test_where_no_database_is_made_from_nothing_is_kept(
    tmp_path: Path, server: Server, admin: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may have no database postgres."""
    sibling = database.sibling
    monkeypatch.setattr(database, "sibling", lambda url, _, source: sibling(url, "no_such", source=source))
    load = testing.load("app", config=make(tmp_path / "app", app=TWO).file)
    load(host=server.host, port=server.port, user=server.user, dbname=conninfo_to_dict(url)["dbname"])
    assert admin.execute(KEPT).fetchall() == []
