"""Whatever a server, a database, a role or the environment sets, the runner reads the same."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from tests.project import Project, make

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.servers import Server
# Everything whose text a setting can change: on both sides of a comparison it must be the same.
FILES = {
    "000_shapes.sql": r"""
        create schema if not exists "Private";
        create table if not exists public."Odd" (
            at timestamptz not null default '2020-01-02 03:04:05+00',
            vague timestamptz not null default '01/02/2020 03:04',
            day date not null default '2020-02-01',
            every interval not null default '1 day 02:03:04',
            bytes bytea not null default '\x00ff5c',
            path text not null default 'a\b',
            ratio double precision not null default '0.123456789'::double precision,
            price money not null default 12.34::numeric::money,
            "Mixed" varchar(10),
            constraint "Odd_check" check (at > timestamptz '2000-01-01 00:00:00+00' and path <> 'c\d')
        );
        create or replace view public.seen as
            select * from public."Odd" where every < interval '3 days' and bytes <> '\xff'::bytea;
    """,
    "001_domain.sql": """
        do $$ begin
            create domain public.span as interval default '2 days' check (value > interval '1 hour');
        exception when duplicate_object then null; end $$;
        create table unqualified (id int);
    """,
}
TIMEOUTS = {
    "statement_timeout": "40", "lock_timeout": "1", "idle_in_transaction_session_timeout": "1",
    "idle_session_timeout": "300",
}  # fmt: skip
ISOLATION = {"default_transaction_isolation": "serializable", "default_transaction_deferrable": "on"}
BACKSLASHES = {"standard_conforming_strings": "off", "escape_string_warning": "off"}
# Settings that have nothing to do with one another are tried at once: each of them spoils the case.
SETTINGS = {
    "SQL dates, intervals, bytes, digits": {
        "datestyle": "'SQL, DMY'", "intervalstyle": "iso_8601", "bytea_output": "escape",
        "extra_float_digits": "-15", "app.tenant": "'7'",
    },
    "German dates, time zone, currency, backslashes": {
        "datestyle": "German", "timezone": "'Asia/Tokyo'", "lc_monetary": "'C.UTF-8'", **BACKSLASHES,
    },
    "Postgres dates, quotes, nulls, encoding": {
        "datestyle": "'Postgres, MDY'", "quote_all_identifiers": "on", "array_nulls": "off",
        "transform_null_equals": "on", "client_encoding": "latin1",
    },
    "search path": {"search_path": '"Private", public'},
    "timeouts, isolation, row security": {**TIMEOUTS, **ISOLATION, "row_security": "off"},
}  # fmt: skip
ENVIRONMENTS = {
    "PGDATESTYLE": {"PGDATESTYLE": "German"},
    "PGTZ": {"PGTZ": "America/New_York"},
    "PGOPTIONS": {"PGOPTIONS": "-c statement_timeout=40 -c datestyle=SQL -c intervalstyle=sql_standard"},
}


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project whose files make what settings can garble."""
    return make(tmp_path, app=FILES)


def _set(url: str, settings: Mapping[str, str]) -> None:
    """Set these for the database, as somebody did long ago."""
    with psycopg.connect(url, autocommit=True) as db:
        for name, value in settings.items():
            db.execute(f"alter database {db.info.dbname} set {name} = {value}")


def _run(app: Project, *arguments: str, **environ: str) -> str:
    done = app.run(CliRunner(), *arguments, **environ)
    assert done.exit_code == 0, (arguments, done.output)
    assert "Traceback" not in done.output
    return done.stdout


def _check(app: Project, environ: Mapping[str, str]) -> None:
    """Migrate, look in every way, and migrate again: nothing is wrong and nothing differs."""
    _run(app, "migrate", "--statement-timeout", "0", **environ)
    [database] = json.loads(_run(app, "status", "--json", "--exit-code", **environ))["databases"]
    for step in database["steps"]:
        ago = datetime.now(UTC) - datetime.fromisoformat(step["applied_at"])
        assert timedelta() <= ago < timedelta(minutes=5)
    assert "nothing applied" in _run(app, "migrate", **environ)
    _run(app, "verify", "--drift", **environ)
    _run(app, "orphans", **environ)
    app.write("app", {"002_more.sql": "create table if not exists public.more (id int);"})
    assert "002_more.sql" in _run(app, "plan", **environ)
    _run(app, "migrate", "--statement-timeout", "0", **environ)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_what_a_database_sets_changes_nothing(app: Project, each_url: str, settings: dict[str, str]) -> None:
    """Ledger, status, drift and orphans are read as if nobody had set anything."""
    _set(each_url, settings)
    _check(app, {"APP_URL": each_url})


@pytest.mark.parametrize("environ", ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_what_the_environment_sets_changes_nothing(
    app: Project, each_url: str, environ: dict[str, str]
) -> None:
    """What libpq sends for a variable is a setting like others."""
    _check(app, {"APP_URL": each_url, **environ})


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("create tabel t (x int);", "1:8"),
        ("select 1;\nselect 1/0;", "2"),
        ("-- runner: no-transaction\ncreate index concurrently i on public.nope (x);", "2"),
    ],
    ids=["while it is parsed", "while it runs", "outside any transaction"],
)
def test_a_session_that_would_end_with_an_error_tells_it(
    app: Project, each_url: str, text: str, at: str
) -> None:
    """exit_on_error, which anybody may set, is no lost connection; what is refused is skipped."""
    _set(each_url, {"exit_on_error": "on"})
    skipped = "-- runner: requires-extension nope\nselect 1;"
    app.write("app", {"000_shapes.sql": text, "001_domain.sql": skipped})
    done = app.run(CliRunner(), "migrate", APP_URL=each_url)
    assert done.exit_code == 1
    assert "error SQL_FAILED: app/000_shapes.sql" in done.stderr
    assert f"--> app/000_shapes.sql:{at}" in done.stderr


def test_a_serializable_transaction_of_others_is_not_waited_for(app: Project, each_url: str) -> None:
    """A read-only, deferrable question would wait until the last one that writes has ended."""
    _run(app, "migrate", APP_URL=each_url)
    _set(each_url, ISOLATION)
    with psycopg.connect(each_url) as db:
        db.execute("create table busy (id int)")
        db.commit()
        db.execute("set transaction isolation level serializable, read write")
        db.execute("insert into busy values (1)")
        started = time.monotonic()
        _run(app, "status", APP_URL=each_url)
        _run(app, "verify", APP_URL=each_url)
        assert time.monotonic() - started < 30


def test_two_urls_of_one_database_are_recognised_whatever_their_roles_set(
    tmp_path: Path, each_url: str
) -> None:
    """The start of the server is part of what tells databases apart, and no time zone changes it."""
    both = make(tmp_path, auth={"000_one.sql": "select 1;"}, specs={"000_one.sql": "select 1;"})
    result = both.run(
        CliRunner(), "plan", AUTH_URL=each_url, SPECS_URL=f"{each_url}&options=-c%20timezone%3DAsia/Tokyo"
    )
    assert (result.exit_code, "lead to one database" in result.stderr) == (4, True), result.output


def test_the_private_server_finds_what_the_live_one_sets(app: Project, url: str) -> None:
    """Also for a role that may not create databases: files mean there what they mean here."""
    _set(url, {"timezone": "'Asia/Tokyo'", "search_path": '"Private", public', "datestyle": "'SQL, DMY'"})
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("drop role if exists humble")
        db.execute("create role humble login")
        db.execute(f"alter database {db.info.dbname} owner to humble")
    humble = url.replace("postgres@", "humble@")
    try:
        _run(app, "migrate", APP_URL=humble)
        assert "with the live schema" in _run(app, "verify", "--drift", APP_URL=humble)
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(f"alter database {db.info.dbname} owner to postgres")
            db.execute("reassign owned by humble to postgres")
            db.execute("drop owned by humble")
            db.execute("drop role humble")


@pytest.mark.parametrize("command", [("baseline", "app", "--to", "1"), ("accept", "app", "0", "--yes")])
def test_what_records_without_running_stands_every_limit(
    app: Project, each_url: str, command: tuple[str, ...]
) -> None:
    """Limits and isolation of the database are for others."""
    _run(app, "migrate", APP_URL=each_url)
    with psycopg.connect(each_url) as db:
        if "baseline" in command:
            db.execute("drop table public.schema_migrations")
    app.write("app", {"000_shapes.sql": f"-- A comment.\n{FILES['000_shapes.sql']}"})
    _set(each_url, TIMEOUTS | ISOLATION)
    _run(app, *command, APP_URL=each_url)
    _run(app, "status", "--exit-code", APP_URL=each_url)


def test_a_bundle_runs_as_migrate_would(
    app: Project, each_server: Server, each_url: str, tmp_path: Path
) -> None:
    """Psql applies it in the isolation that the runner takes, and the ledger then reads the same."""
    _set(each_url, ISOLATION | {"datestyle": "'SQL, DMY'"} | BACKSLASHES)
    app.write(
        "app",
        {"002_look.sql": "create table public.seen_by as select current_setting('transaction_isolation');"},
    )
    bundle = tmp_path / "bundle.sql"
    _run(app, "plan", "--sql", str(bundle), APP_URL=each_url)
    done = subprocess.run(
        [each_server.psql, "-X", "-f", str(bundle), each_url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with psycopg.connect(each_url) as db:
        assert db.execute("select * from public.seen_by").fetchone() == ("read committed",)
    _run(app, "verify", "--drift", APP_URL=each_url)


def test_a_read_only_database_is_compared_on_another_server(app: Project, url: str) -> None:
    """Where nobody wants changes, no scratch database is made either."""
    _run(app, "migrate", APP_URL=url)
    _set(url, {"default_transaction_read_only": "on"})
    assert "with the live schema" in _run(app, "verify", "--drift", APP_URL=url)
