"""Whatever encoding a database beside ours is in, what comes of it is read: its bytes are replaced."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database
from runner.apply.event import Noticed
from runner.errors import SqlFailed
from tests.apply.test_activity import of, sending, until
from tests.project import Project, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import CliRunner

    from tests.servers import Server

FILES = {"000_t.sql": "create table if not exists public.t (id int);"}
GRANT = """
    do $$ declare name name = (select rolname from pg_roles where rolname ~ '^Jos');
    begin execute format('grant select on public.t to %I', name); end $$
"""
OWNER = GRANT.replace("grant select on public.t", "alter table public.schema_migrations owner")


@contextmanager
def made(server: Server, name: str, encoding: str) -> Iterator[str]:
    """Yield the URL of a database in an encoding."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        locale = "template template0 lc_collate 'C' lc_ctype 'C'"
        admin.execute(f"create database {name} encoding '{encoding}' {locale}")
        yield server.url(name)
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture(autouse=True)
def beside(each_server: Server) -> Iterator[psycopg.Connection]:
    """Return a session of a database in LATIN1, whose server has a role José."""
    with (
        made(each_server, "in_latin1", "LATIN1") as url,
        psycopg.connect(url, autocommit=True, client_encoding="utf8") as connection,
    ):
        connection.execute('create role "José"')
        yield connection
        connection.rollback()
        connection.execute('drop role "José"')


@pytest.fixture(params=["UTF8", "SQL_ASCII"])
def own(request: pytest.FixtureRequest, each_server: Server) -> Iterator[str]:
    """Return the URL of a database beside it."""
    with made(each_server, "of_ours", request.param) as url:
        yield url


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project with one file."""
    return make(tmp_path, app=FILES)


QUESTIONS = {
    "name": "select rolname from pg_roles where rolname ~ '^Jos'",
    "text": "select rolname::text from pg_roles where rolname ~ '^Jos'",
    "names": "select (array_agg(rolname))[1:1] from pg_roles where rolname ~ '^Jos'",
    "json": "select json_agg(rolname) from pg_roles where rolname ~ '^Jos'",
    "jsonb": "select to_jsonb(rolname::text) from pg_roles where rolname ~ '^Jos'",
    "of a type that nobody knows": "select oid::regrole from pg_roles where rolname ~ '^Jos'",
}
ANSWERS = {"names": ["Jos\ufffd"], "json": ["Jos\ufffd"], "of a type that nobody knows": '"Jos\ufffd"'}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_each_type_is_read(own: str, kind: str) -> None:
    """A byte that is no letter in UTF-8 stands as U+FFFD, however it is asked for."""
    expected = [(ANSWERS.get(kind, "Jos\ufffd"),)]
    with database.connect(own, source="x") as connection:
        assert database.query(connection, QUESTIONS[kind]) == expected
        assert not database.in_transaction(connection)
        assert database.query(connection, "select 'é'") == [("é",)]


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_prepared_question_reads_it(each_url: str, kind: str) -> None:
    """So does one that the server plans once, and one whose names are quoted."""
    expected = [(ANSWERS.get(kind, "Jos\ufffd"),)]
    with database.connect(each_url, source="x") as connection:
        assert database.query_quoted(connection, QUESTIONS[kind]) == expected
        connection.prepare_threshold = 0
        database.run(connection, database.opening(connection))
        assert database.query(connection, QUESTIONS[kind].encode()) == expected
        assert database.query_quoted(connection, QUESTIONS[kind]) == expected
        database.run(connection, "rollback")


def test_who_blocks_is_named(own: str, beside: psycopg.Connection) -> None:
    """Also by a statement that ends in the middle of what would be a letter here."""
    beside.execute("begin; comment on role postgres is 'y' /* é */ -- é")
    with (
        database.connect(own, source="x") as observer,
        sending(own, "comment on role postgres is 'x'") as pid,
    ):
        [session] = until(of(observer, pid), lambda one: bool(one.blockers)).blockers
    assert (session.pid, session.user) == (beside.info.backend_pid, "postgres")
    assert session.query == "begin; comment on role postgres is '…' /* \ufffd */ /*…*/"


def test_every_look_reads_a_role(app: Project, own: str, runner: CliRunner) -> None:
    """Its rights are drift like anybody's, in words and as JSON, and nothing stumbles over its name."""
    assert app.run(runner, "migrate", APP_URL=own).exit_code == 0
    for command in (("verify", "--drift"), ("docs",)):
        done = app.run(runner, *command, APP_URL=own)
        assert (done.exit_code, done.exception) == (0, None), done.output
    with psycopg.connect(own, autocommit=True) as db:
        db.execute(GRANT)
    done = app.run(runner, "verify", "--drift", APP_URL=own)
    assert 'table public.t has grants "Jos\ufffd"=select, files say none' in done.output
    document = json.loads(app.run(runner, "verify", "--drift", "--json", APP_URL=own).stdout)
    assert document["error"]["notes"][0] == 'table public.t has grants "Jos\ufffd"=select, files say none'


def test_such_a_role_that_migrates_is_named(app: Project, own: str, runner: CliRunner) -> None:
    """Nobody could ask for it: it is to be renamed first."""
    assert app.run(runner, "migrate", APP_URL=own).exit_code == 0
    with psycopg.connect(own, autocommit=True) as db:
        db.execute(OWNER)
    done = app.run(runner, "verify", "--drift", APP_URL=own)
    assert 'The files are applied as role "Jos\ufffd", whose name is not written in UTF-8.' in done.output


LONG = "Größe, Gewicht, Länge: für Möbel, Türen, Schränke, Stühle, Böden, Wände"
BESIDE = f"-- {LONG}\ncreate table public.a (x int);\n"
BLOCK = f"do $$\n-- {LONG}\nbegin\n  perform 'é';\n  perform 1 where 'éé' = '' and\n  nope;\nend $$;\n"
TAIL = "select 2;\nselect 3;\nselect 4;\n"
BAD = {  # the last file, and where it fails
    "a name": (f"select 1;\nselect nope;\n{TAIL}", "2:8"),
    "behind letters": (f"select 'é', '{LONG}', nope;\n{TAIL}", "1:88"),
    "not to be read": (f"select 'é';\nselct nope;\n{TAIL}", "2:1"),
    "in a block": (BLOCK + TAIL, "6:3"),
    "in a function": (
        f"create function public.f() returns int\nlanguage sql as $$\n-- {LONG}\nselect nope $$;\n{TAIL}",
        "4:8",
    ),
    "outside any transaction": (
        f"-- runner: no-transaction\n-- {LONG}\ncreate index concurrently i on public.a ((nope + 1));\n",
        "3:43",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_error_has_its_place(tmp_path: Path, own: str, kind: str) -> None:
    """Whatever stands before it, in its file and in those of the same message, and however it is counted."""
    text, place = BAD[kind]
    app = make(tmp_path, app={"000_a.sql": BESIDE, "001_b.sql": text})
    with pytest.raises(SqlFailed) as caught:
        app.migrate(own)
    assert str(caught.value.place) == f"app/001_b.sql:{place}"


def test_a_notice_has_its_place(tmp_path: Path, own: str) -> None:
    """So has what the server says when it parses the message."""
    told = f"-- {LONG}\nselect 'é'; create global temporary table x ();\n{TAIL}"
    app = make(tmp_path, app={"000_a.sql": BESIDE, "001_b.sql": told})
    [event] = [one for one in app.events(own) if isinstance(one, Noticed)]
    assert [str(one.place) for one in event.notices] == ["app/001_b.sql:2:20"]
