"""A proof as a role that is no superuser: what it may do in the database itself, as live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner.schema import premises
from tests.project import make
from tests.schema.test_roles import migration, undo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = "do $$ begin execute format('{} database %I {}', current_database()); end $$;"
FILES = (
    (HERE.format("alter", "set timezone = ''UTC''"), HERE.format("alter", "reset timezone")),
    (HERE.format("comment on", "is ''x''"), HERE.format("comment on", "is null")),
    ("comment on schema public is 'ours';", "comment on schema public is 'standard public schema';"),
    ("create temporary table p (id int) on commit drop;", "select 1;"),
    ("create schema if not exists app;", "drop schema app;"),
)
OWNED = 'alter database {0} owner to "Plain-role"'
NO_TABLES = "revoke temporary on database {0} from public"
NO_SCHEMAS = 'revoke create on database {0} from "Plain-role"'
OLD = "alter schema public owner to postgres"  # as in a database from before PostgreSQL 15
DATABASE, PUBLIC = "must be owner of database ", "must be owner of schema public"
TABLES, SCHEMAS = (
    "permission denied to create temporary tables in database ",
    "permission denied for database ",
)
LAST = """
    do $$ begin if exists (select from public.schema_migrations where version::int > {}) then
        raise exception 'a later one is recorded'; end if; end $$;
"""
OTHERWISE = """
    create table if not exists public.t (id int default 1);
    do $$ begin if exists (select from public.schema_migrations) then
        alter table public.t alter id set default 2; end if; end $$;
"""


@pytest.fixture
def home(plain_url: str, db: psycopg.Connection) -> Iterator[str]:
    """Return the URL of a role in a database that is the administrator's again at the end."""
    yield plain_url
    db.execute(f"alter database {db.info.dbname} owner to postgres".encode())


def proven(root: Path, url: str, *files: tuple[str, str]) -> list[str]:
    """Return what a proof says of each file and its undo, behind its name."""
    app = make(root, app={f"{number:03}_a.sql": text for number, (text, _) in enumerate(files)})
    (app.root / "app" / "rollback").mkdir()
    undone = {
        f"{number:03}_a.sql": undo(LAST.format(number) + text, f"{number:03}")
        for number, (_, text) in enumerate(files)
    }
    app.write("app/rollback", undone)
    [_, *told, _] = app.run(CliRunner(), "prove", APP_URL=url).stdout.splitlines()
    return [line.partition("proven   app/")[2] for line in told]


def refused(url: str, text: str) -> str:
    """Return what the live server says when a role that may not do so runs a file; nothing else if it may."""
    with psycopg.connect(url) as connection:
        try:
            connection.execute(text.encode())
        except psycopg.errors.InsufficientPrivilege as error:
            return error.diag.message_primary or ""
        finally:
            connection.rollback()
    return ""


@pytest.mark.parametrize(
    ("live", "lacked"),
    [
        ("select", (DATABASE, DATABASE, PUBLIC, "", "")),
        (f"{NO_TABLES}; {NO_SCHEMAS}", (DATABASE, DATABASE, PUBLIC, TABLES, SCHEMAS)),
        (f"{OWNED}; {OLD}; grant create on schema public to public", ("", "", PUBLIC, "", "")),
        (f"{OWNED}; {NO_TABLES}", ("", "", "", "", "")),
    ],
)
def test_what_the_role_that_migrates_may_not_do_in_its_database_is_told(
    tmp_path: Path, home: str, db: psycopg.Connection, live: str, lacked: tuple[str, ...]
) -> None:
    """As the owner of the database and of public it may more: a proof was green where migrate would fail."""
    for statement in live.split(";"):
        db.execute(statement.format(db.info.dbname).encode())
    told = proven(tmp_path, home, *FILES)
    for number, (line, (text, _), missing) in enumerate(zip(told, FILES, lacked, strict=True)):
        needed = f", as a superuser: {missing}" if missing else ""
        assert line.startswith(f"{number:03}_a.sql{needed}"), told
        assert ("as a superuser" in line, bool(refused(home, text))) == (bool(missing),) * 2, line
        assert refused(home, text).startswith(missing)


def test_rights_that_a_file_has_taken_are_there_before_it(
    tmp_path: Path, home: str, db: psycopg.Connection
) -> None:
    """An administrator has applied it, and its undo gives them back: that is as before."""
    db.execute(NO_TABLES.format(db.info.dbname).encode())
    file = HERE.format("revoke temporary on", "from public"), HERE.format("grant temporary on", "to public")
    assert proven(tmp_path, home, file) == ["000_a.sql"]


MAKES = """
    do $$ begin if not exists (select from pg_roles where rolname = 'r_has_public') then
        create role r_has_public; end if; end $$;
"""


def test_an_owner_of_public_whom_a_file_makes_is_not_there_before_it(
    tmp_path: Path, home: str, db: psycopg.Connection
) -> None:
    """An administrator has given it away later: no file would be tried for a role that does not exist."""
    db.execute('alter role "Plain-role" createrole; create role r_has_public')
    try:
        db.execute("alter schema public owner to r_has_public")
        assert proven(tmp_path, home, (MAKES, "drop role r_has_public;")) == ["000_a.sql"]
    finally:
        db.execute("alter schema public owner to pg_database_owner; drop role r_has_public")


SPEAKS = {
    "do $$ begin execute format('revoke all on database %I from public', current_database()); end $$": True,
    "GRANT usage ON SCHEMA public TO app": True,
    'revoke all on schema "public" from public': True,
    "alter database app owner to app_owner": True,
    "alter schema public owner to app_owner": True,
    "alter database app set work_mem to '1MB'; alter table t owner to r": False,
    "comment on database app is 'x'; comment on schema public is 'y'": False,
    "grant select on t to r; create schema app; grant usage on schema app to r": False,
    "-- grant create on database app to r\nselect 1": False,
}


@pytest.mark.parametrize(("text", "speaks"), SPEAKS.items())
def test_files_speak_of_the_database_or_of_public_in_code(text: str, speaks: bool) -> None:
    """Rights and owners count, settings and comments do not."""
    assert premises.are_spoken_of([migration(text)]) is speaks


def test_what_a_second_run_changes_is_told_whoever_migrates(tmp_path: Path, plain_url: str) -> None:
    """To see whether only the words differ takes a superuser, which the role of the files is not."""
    app = make(tmp_path, app={"000_a.sql": OTHERWISE})
    told = app.run(CliRunner(), "prove", APP_URL=plain_url).stdout
    assert "      column public.t.id has default 2, before it was 1\n" in told
