"""A database that holds schemas of others: only those the files are answerable for count."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from runner import config, database
from runner.errors import ConfigError
from tests.project import TWO, Project, make, statements

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from tests.servers import Server

OTHERS = """
    create schema auth; create table auth.users (id int primary key); create function auth.uid() returns int
    language sql as 'select 1'; create schema storage; create view storage.objects as select 1 as one;
    create type storage.mood as enum ('good'); create index bad on auth.users (id);
    update pg_index set indisvalid = false where indexrelid = 'auth.bad'::regclass;
    create schema extensions;
"""
APP = TWO | {
    "002_app.sql": "create schema if not exists app;\ncreate table if not exists app.three (id int);"
}


@pytest.fixture
def others(db: psycopg.Connection, each_server: Server) -> None:
    """Fill schemas that belong to others, one with an extension."""
    db.execute(OTHERS)
    db.execute(f"create extension {each_server.untrusted} schema extensions".encode())


def run(app: Project, url: str, *arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and all it said."""
    done = app.run(CliRunner(), *arguments, APP_URL=url)
    return done.exit_code, done.stdout + done.stderr


def answerable(app: Project, *schemas: str) -> None:
    """Configure the schemas that count."""
    with app.file.open("a") as file:
        file.write(f"\nschemas = {list(schemas)}\n".replace("'", '"'))


@pytest.mark.usefixtures("others")
def test_a_database_with_schemas_of_others_can_be_started(tmp_path: Path, each_url: str) -> None:
    """Auth and storage of a platform, an extension's schema: not empty, no drift, not unsound."""
    app = make(tmp_path, app=APP)
    assert run(app, each_url, "plan")[0] == 0
    assert run(app, each_url, "migrate")[0] == 0
    code, said = run(app, each_url, "verify", "--drift")
    assert code == 0, said


@pytest.mark.usefixtures("others")
def test_it_can_be_adopted(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """Baseline compares what counts, and records."""
    app = make(tmp_path, app=APP)
    for text in APP.values():
        db.execute(text.encode())
    code, said = run(app, each_url, "migrate")
    assert (code, "DATABASE_NOT_EMPTY" in said) == (4, True)
    code, said = run(app, each_url, "baseline", "app", "--to", "002")
    assert code == 0, said


@pytest.mark.usefixtures("others")
def test_the_bundle_looks_where_migrate_looks(
    tmp_path: Path, each_server: Server, each_url: str, db: psycopg.Connection
) -> None:
    """Others' tables do not stop it, a table in a schema of its own does."""
    app = make(tmp_path, app=APP)
    bundle = tmp_path / "b.sql"
    assert run(app, each_url, "plan", "app", "--sql", str(bundle))[0] == 0
    psql = [each_server.psql, "-X", "-f", str(bundle), each_url]
    db.execute("create schema app; create table app.mine ()")
    refused = subprocess.run(psql, capture_output=True, text=True, check=False)
    assert "has tables but no ledger" in refused.stderr
    db.execute("drop schema app cascade")
    done = subprocess.run(psql, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run(app, each_url, "verify", "--drift")[0] == 0


@pytest.mark.parametrize(
    "text",
    [
        "create schema if not exists app;",
        "do $$ begin create schema if not exists app; end $$;",
        "create schema if not exists other; alter schema other rename to app;",
    ],
)
def test_a_schema_that_a_file_makes_counts(
    tmp_path: Path, each_url: str, db: psycopg.Connection, text: str
) -> None:
    """A table that is there before is not empty; one that somebody adds later is drift."""
    app = make(tmp_path, app={"000_app.sql": text})
    db.execute("create schema app; create table app.mine ()")
    code, said = run(app, each_url, "migrate")
    assert (code, "it holds app.mine" in said) == (4, True)
    db.execute("drop schema app cascade")
    assert run(app, each_url, "migrate")[0] == 0
    db.execute("create table app.mine (); create schema theirs; create table theirs.own ()")
    code, said = run(app, each_url, "verify", "--drift")
    assert (code, "table app.mine is not in the files" in said, "theirs" in said) == (4, True, False)


def test_a_schema_whose_name_is_put_together_counts_as_drift(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """What the files really make shows in the scratch database."""
    text = "do $$ begin execute format('create schema %I', 'ten' || 'ant'); end $$;"
    app = make(tmp_path, app={"000_app.sql": text})
    assert run(app, each_url, "migrate")[0] == 0
    assert run(app, each_url, "verify", "--drift")[0] == 0
    db.execute("create table tenant.mine ()")
    code, said = run(app, each_url, "verify", "--drift")
    assert (code, "table tenant.mine is not in the files" in said) == (4, True)


def test_the_configuration_decides(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """With schemas given, only these count, public included or not."""
    app = make(tmp_path, app=APP)
    answerable(app, "app")
    db.execute("create table public.theirs ()")
    assert run(app, each_url, "migrate")[0] == 0
    assert run(app, each_url, "verify", "--drift")[0] == 0
    db.execute("create table app.mine ()")
    code, said = run(app, each_url, "verify", "--drift")
    assert (code, "app.mine" in said, "theirs" in said) == (4, True, False)


def test_prove_and_docs_show_what_counts(tmp_path: Path, each_url: str) -> None:
    """Objects elsewhere are neither watched nor described."""
    rollback = "-- nothing\nselect 1;"
    app = make(tmp_path, app={"000_a.sql": "create schema aside; create table aside.t ();"})
    assert "aside" in run(app, each_url, "prove")[1]
    answerable(app, "public")
    (tmp_path / "app" / "rollback").mkdir()
    (tmp_path / "app" / "rollback" / "000_a.sql").write_text(rollback)
    said = run(app, each_url, "prove")[1]
    assert "is left over" not in said
    code, said = run(app, each_url, "docs")
    assert code == 0, said
    pages = "".join(page.read_text() for page in (tmp_path / "docs").rglob("*.md"))
    assert "aside.t" not in pages


def test_schemas_are_names(tmp_path: Path) -> None:
    """A text, an empty list, a number: the configuration says what it wants."""
    for value in ('"public"', "[]", "[1]", '[""]'):
        app = make(tmp_path / value.strip('"[]') / str(len(value)), app=TWO)
        with app.file.open("a") as file:
            file.write(f"\nschemas = {value}\n")
        with pytest.raises(ConfigError, match="schemas must be a list of names"):
            config.load(app.file)


def test_a_schema_public_that_was_dropped_is_named(
    tmp_path: Path, plain_url: str, db: psycopg.Connection
) -> None:
    """Plan, migrate and baseline say what is missing; the statement pasted, they go on."""
    db.execute("drop schema public")
    app = make(tmp_path, app={"000_one.sql": "create schema if not exists app;"})
    assert run(app, plain_url, "status")[0] == 0
    for command in (("plan",), ("migrate",), ("baseline", "app", "--to", "0")):
        code, said = run(app, plain_url, *command)
        assert (code, "has no schema public" in said) == (2, True), said
    db.execute(statements(said.splitlines()[-1]).encode())
    assert run(app, plain_url, "migrate")[0] == 0


@pytest.mark.parametrize(
    "lacks",
    [
        'revoke create on schema public from "Plain-role"',
        "revoke usage on schema public from public",
    ],
)
def test_who_may_not_make_the_ledger_is_told_before_anything_is_done(
    tmp_path: Path, plain_url: str, other_url: str, db: psycopg.Connection, lacks: str
) -> None:
    """In no database; a read command asks nobody's rights. The statement pasted, they go on."""
    db.execute(lacks.encode())
    app = make(tmp_path, first=TWO, second=TWO)
    urls = {"FIRST_URL": other_url, "SECOND_URL": plain_url}
    assert app.run(CliRunner(), "plan", **urls).exit_code == 0
    for command in (("migrate",), ("migrate", "second"), ("baseline", "second", "--to", "0")):
        done = app.run(CliRunner(), *command, **urls)
        assert (done.exit_code, "The ledger cannot be made in database" in done.stderr) == (1, True), (
            done.output
        )
        with database.connect(other_url, source="x") as first:
            assert database.query(first, "select to_regclass('public.one')") == [(None,)]
    found = statements(done.stderr)
    assert found == 'grant usage, create on schema public to "Plain-role";'
    db.execute(found.encode())
    assert app.run(CliRunner(), "migrate", **urls).exit_code == 0
    db.execute('revoke create on schema public from "Plain-role"')
    assert app.run(CliRunner(), "migrate", **urls).exit_code == 0, "the ledger is there"
