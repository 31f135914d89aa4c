"""Row security and files: what a policy would hide from a file is an error, and not silence."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from runner.errors import SqlFailed
from tests.project import Project, make

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from tests.servers import Server

TENANT = """
create table if not exists public.t (id int primary key, x int);
insert into public.t values (1), (2) on conflict do nothing;
alter table public.t enable row level security;
alter table public.t force row level security;
create policy mine on public.t using (id = current_setting('app.id', true)::int);
"""
BACKFILL = "update public.t set x = 7 where x is null;"
TOUCHING = {
    "a statement": BACKFILL,
    "a do block": f"do $$ begin {BACKFILL} end $$;",
    "a function": f"create function public.f() returns void language sql as $$ {BACKFILL} $$;"
    "select public.f();",
    "a copy": "create table public.copy as select * from public.t;",
    "a delete": "delete from public.t;",
    "a foreign key": "create table public.k (t int); insert into public.k values (1);"
    "alter table public.k add foreign key (t) references public.t;",
}


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project whose first file makes a table with a policy that holds for its owner, too."""
    return make(tmp_path, app={"000_t.sql": TENANT})


def values(db: psycopg.Connection) -> list[int | None]:
    """Return what the column to be filled holds."""
    return [x for (x,) in db.execute("select x from public.t order by id")]


def recorded(db: psycopg.Connection) -> int:
    """Return how many files the ledger records."""
    return len(db.execute("select from public.schema_migrations").fetchall())


@pytest.mark.parametrize("touching", TOUCHING)
def test_a_file_that_a_policy_would_filter_fails(
    app: Project, plain_url: str, db: psycopg.Connection, touching: str
) -> None:
    """It names the table and what to do, and is not recorded."""
    app.migrate(plain_url)
    app.write("app", {"001_fill.sql": TOUCHING[touching]})
    with pytest.raises(SqlFailed, match='row-level security policy for table "t"') as caught:
        app.migrate(plain_url)
    assert "set local row_security = on;" in (caught.value.remedy or "")
    assert "bypassrls" in (caught.value.remedy or "")
    assert (values(db), recorded(db)) == ([None, None], 1)


def test_each_part_of_the_remedy_works(app: Project, plain_url: str, db: psycopg.Connection) -> None:
    """A file that asks for the policy gets it; one that lifts it reaches every row."""
    app.migrate(plain_url)
    asking = f"set local row_security = on;\nset local app.id = 2;\n{BACKFILL}"
    lifting = (
        f"alter table public.t no force row level security;\n{BACKFILL}\n"
        "alter table public.t force row level security;"
    )
    app.write("app", {"001_asks.sql": asking})
    assert len(app.migrate(plain_url)) == 1
    assert values(db) == [None, 7]
    app.write("app", {"002_lifts.sql": lifting})
    assert len(app.migrate(plain_url)) == 1
    assert values(db) == [7, 7]


@pytest.mark.parametrize("free", ["superuser", "bypassrls"])
def test_whom_policies_do_not_hold_for_is_not_hindered(
    app: Project, plain_url: str, db: psycopg.Connection, free: str
) -> None:
    """Superusers and roles with bypassrls fill every row, as before."""
    app.migrate(plain_url)
    db.execute(f'alter role "Plain-role" {free}'.encode())
    app.write("app", {"001_fill.sql": BACKFILL})
    assert len(app.migrate(plain_url)) == 1
    assert values(db) == [7, 7]


def test_a_file_without_a_transaction_is_held_to_it_as_well(
    app: Project, plain_url: str, db: psycopg.Connection
) -> None:
    """Its session has row security off, and gets back what it had."""
    app.migrate(plain_url)
    text = "-- runner: no-transaction\n" + BACKFILL
    app.write("app", {"001_fill.sql": text, "002_next.sql": "select 1;"})
    with pytest.raises(SqlFailed, match='row-level security policy for table "t"'):
        app.migrate(plain_url)
    assert values(db) == [None, None]


def test_the_bundle_does_as_migrate_does(
    app: Project, each_server: Server, plain_url: str, db: psycopg.Connection, tmp_path: Path
) -> None:
    """It stops at the same statement, in a transaction and outside."""
    app.migrate(plain_url)
    for header in ("", "-- runner: no-transaction\n"):
        app.write("app", {"001_fill.sql": header + BACKFILL})
        bundle = tmp_path / "b.sql"
        bundle.unlink(missing_ok=True)
        done = app.run(CliRunner(), "plan", "app", "--sql", str(bundle), APP_URL=plain_url)
        assert done.exit_code == 0, done.output
        psql = [each_server.psql, "-X", "-f", str(bundle), plain_url]
        said = subprocess.run(psql, capture_output=True, text=True, check=False)
        assert said.returncode == 3
        assert 'row-level security policy for table "t"' in said.stderr
    assert values(db) == [None, None]


def test_prove_repeats_a_file_as_migrate_would(
    tmp_path: Path, each_server: Server, plain_url: str, db: psycopg.Connection
) -> None:
    """A second run that a policy would filter is no proof that nothing changes."""
    db.execute('alter role "Plain-role" createdb')
    text = (
        "create table if not exists public.t (id int, x int);\nupdate public.t set x = 1;\n"
        "alter table public.t enable row level security;\nalter table public.t force row level security;"
    )
    app = make(tmp_path / each_server.host.strip("/"), app={"000_t.sql": text})
    proved = app.run(CliRunner(), "prove", APP_URL=plain_url)
    assert "cannot be run twice: query would be affected by row-level security policy" in proved.stdout


@pytest.mark.parametrize("setting", ["on", "off"])
def test_the_runners_own_questions_do_not_depend_on_it(
    tmp_path: Path, plain_url: str, db: psycopg.Connection, setting: str
) -> None:
    """A ledger with row security that is not active for its owner is read and written either way."""
    app = make(tmp_path, app={"000_a.sql": "select 1;"})
    app.migrate(plain_url)
    name = db.info.dbname
    db.execute("alter table public.schema_migrations enable row level security")
    db.execute(f"alter database {name} set row_security = {setting}".encode())
    app.write("app", {"001_b.sql": "select 1;", "002_c.sql": "-- runner: no-transaction\nvacuum;"})
    assert len(app.migrate(plain_url)) == 2
    assert app.migrate(plain_url) == []
    assert recorded(db) == 3
    assert app.run(CliRunner(), "verify", APP_URL=plain_url).exit_code == 0
