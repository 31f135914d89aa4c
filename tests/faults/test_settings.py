"""Whatever a server, a database, a role or the environment sets, the runner reads the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from tests.project import Project, make

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
            ratio double precision not null default 0.1::double precision,
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
SETTINGS = {
    "date style": {"datestyle": "'SQL, DMY'"},
    "German dates": {"datestyle": "German"},
    "Postgres dates": {"datestyle": "'Postgres, MDY'"},
    "quotes": {"quote_all_identifiers": "on"},
    "intervals": {"intervalstyle": "iso_8601"},
    "bytes": {"bytea_output": "escape"},
    "backslashes": {"standard_conforming_strings": "off", "escape_string_warning": "off"},
    "time zone": {"timezone": "'Asia/Tokyo'"},
    "digits": {"extra_float_digits": "-15"},
    "currency": {"lc_monetary": "'C.UTF-8'"},
    "search path": {"search_path": '"Private", public'},
    "timeouts": {
        "statement_timeout": "40", "lock_timeout": "1", "idle_in_transaction_session_timeout": "1"
    },
    "idle sessions": {"idle_session_timeout": "300"},
    "isolation": {"default_transaction_isolation": "serializable", "default_transaction_deferrable": "on"},
    "row security": {"row_security": "off"},
    "nulls": {"array_nulls": "off", "transform_null_equals": "on"},
    "encoding": {"client_encoding": "latin1"},
    "own settings": {"app.tenant": "'7'"},
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
