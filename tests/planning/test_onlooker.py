"""What is pending for a role that only looks is what is pending for whom the ledger belongs to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner.planning import facts
from tests.project import Project, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

NEEDING = "-- runner: requires-extension {0}\ncreate extension if not exists {0};"
PENDING, SKIPPED = ("pending", None, 3), ("skipped", facts.ADMINISTRATOR, 0)


@pytest.fixture
def looking(each_url: str, db: psycopg.Connection) -> Iterator[str]:
    """Return the URL of ``each_url``'s database for a role of somebody who looks on."""
    db.execute("create role r_looks login")
    yield each_url.replace("postgres@", "r_looks@")
    db.execute("drop owned by r_looks; drop role r_looks")


def begun(root: Path, url: str, needed: str) -> Project:
    """Return a project whose first file is applied, and which then has one that requires an extension."""
    app = make(root, app={"000_first.sql": "select 1;"})
    app.migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute("grant select on public.schema_migrations to r_looks")
    app.write("app", {"001_needing.sql": NEEDING.format(needed)})
    return app


def last(app: Project, url: str) -> tuple[str, str | None, int]:
    """Return the state of the newest file, why it is skipped, and the exit code that a deploy waits for."""
    done = app.run(CliRunner(), "status", "--exit-code", "--json", APP_URL=url)
    [entry] = json.loads(done.stdout)["databases"]
    step = entry["steps"][-1]
    return step["state"], step["reason"], done.exit_code


def test_what_a_superuser_would_create_is_pending_for_who_looks(
    tmp_path: Path, each_server: Server, each_url: str, looking: str
) -> None:
    """An application that waits until nothing is pending does not start too early."""
    app = begun(tmp_path, each_url, each_server.untrusted)
    assert [last(app, url) for url in (each_url, looking)] == [PENDING, PENDING]
    app.write("app", {"001_needing.sql": NEEDING.format("nowhere")})
    assert [last(app, url) for url in (each_url, looking)] == [("skipped", facts.UNKNOWN, 0)] * 2


def test_a_trusted_extension_is_the_owners_to_create(
    tmp_path: Path, plain_url: str, looking: str, db: psycopg.Connection
) -> None:
    """By his right to create in the database, whatever who looks may do."""
    app = begun(tmp_path, plain_url, "plpgsql")
    db.execute("drop extension plpgsql")
    assert [last(app, url) for url in (plain_url, looking)] == [PENDING, PENDING]
    for change in ('revoke {} from "Plain-role"', "grant {} to r_looks"):
        db.execute(change.format(f"create on database {db.info.dbname}").encode())
    assert [last(app, url) for url in (plain_url, looking)] == [SKIPPED, SKIPPED]


def test_what_only_a_superuser_may_create_is_skipped_for_everybody_else(
    tmp_path: Path, each_server: Server, plain_url: str, looking: str, db: psycopg.Connection
) -> None:
    """Where the owner is none; also for a member of one, who would not migrate as that."""
    app = begun(tmp_path, plain_url, each_server.untrusted)
    assert [last(app, url) for url in (plain_url, looking)] == [SKIPPED, SKIPPED]
    db.execute('grant postgres to "Plain-role"')
    assert last(app, plain_url) == SKIPPED


def test_a_schema_that_who_migrates_may_use_keeps_no_file_waiting(
    tmp_path: Path, each_server: Server, plain_url: str, looking: str, db: psycopg.Connection
) -> None:
    """Where an extension is installed in one, the right of whom the ledger belongs to counts."""
    name = each_server.untrusted
    app = begun(tmp_path, plain_url, name)
    db.execute(f"create schema extensions; create extension {name} schema extensions".encode())
    cure = facts.CLOSED.replace("%s", "extensions")
    closed = ("skipped", cure.replace("%I", '"Plain-role"'), 0)
    assert [last(app, url) for url in (plain_url, looking)] == [closed, closed]
    db.execute('grant usage on schema extensions to "Plain-role"')
    assert [last(app, url) for url in (plain_url, looking)] == [PENDING, PENDING]
