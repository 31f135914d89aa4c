"""A live database against what its files make."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner import config, database, planning, schema
from runner.config import Target
from runner.schema import cluster, unsound
from tests.conftest import SERIES
from tests.project import ROOT, TWO, Project, make
from tests.schema import exotic
from tests.servers import NEWEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection

    from runner.schema.difference import Difference
    from tests.servers import Server


def differences(server: Server, name: str, series: str) -> tuple[Difference, ...]:
    """Return how a database differs from the real files that are applied to it."""
    project = config.load(ROOT / config.FILE)
    chosen = config.choose(project, [series])
    with planning.look(planning.read(project, chosen), [Target(chosen[0], server.url(name), "x")]) as [site]:
        assert list(unsound(site)) == []
        files = [step.migration for step in site.steps if step.applied and step.migration]
        return schema.differences(site, files).found


@pytest.mark.parametrize("series", SERIES)
def test_what_the_runner_made_has_no_drift(
    request: pytest.FixtureRequest, each_server: Server, series: str
) -> None:
    """The real schema, on every version; with 008 left out where pgvector is not to be had."""
    clone: Connection = request.getfixturevalue(f"{series}_{each_server.version}")
    assert differences(each_server, clone.info.dbname, series) == ()


def test_one_change_in_the_real_schema_is_one_fact(server: Server, specs_18: Connection) -> None:
    """Among two thousand facts the one that changed is named, and nothing else."""
    specs_18.execute("alter table public.projects alter column name type varchar(300)")
    specs_18.commit()
    found = differences(server, specs_18.info.dbname, "specs")
    assert [str(d) for d in found] == ["column public.projects.name is varchar(300), files say varchar(255)"]


def test_a_scratch_database_leaves_no_trace(server: Server, auth_18: Connection) -> None:
    """Neither a database nor a ledger row remains of the comparison."""
    before = auth_18.execute("select count(*) from public.schema_migrations").fetchone()
    auth_18.commit()
    differences(server, auth_18.info.dbname, "auth")
    assert auth_18.execute("select count(*) from public.schema_migrations").fetchone() == before
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("select from pg_database where datname ~ 'scratch'").fetchall() == []


# ------------------------------------------------------------------ whose rights and settings they are

RIGHTS = {
    "revoke select on public.users from t_app": "table public.users has grants t_app=delete, t_app=insert, ",
    "grant execute on function public.set_updated_at() to public": (
        "function public.set_updated_at() has grants public=execute, t_app=execute, files say t_app=execute"
    ),
    "grant delete on public.schema_migrations to t_app": (
        "table public.schema_migrations has grants pg_monitor=select, t_app=delete, files say none"
    ),
}


@pytest.fixture
def guided(server: Server, url: str) -> Iterator[str]:
    """Migrate auth as docs/roles.sql has it; return the URL of the migrator."""
    names = {"owner": "t_owner", "migrator": "t_migrator", "app": "t_app"}
    variables = [f"-v{name}={role}" for name, role in names.items()]
    script = ["-f", str(ROOT / "docs" / "roles.sql"), url]
    subprocess.run([server.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", *variables, *script], check=True)
    migrator = url.replace("postgres@", "t_migrator@")
    try:
        assert Project(ROOT).run(CliRunner(), "migrate", "auth", DATABASE_URL_AUTH=migrator).exit_code == 0
        yield migrator
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            for role in reversed(names.values()):
                admin.execute(f"drop owned by {role} cascade; drop role {role}".encode())


def test_the_guide_of_roles_is_no_drift_and_its_rights_are_looked_for(guided: str, url: str) -> None:
    """What default privileges give is expected, and missed; settings an administrator makes are his."""

    def told() -> list[str]:
        result = Project(ROOT).run(
            CliRunner(), "verify", "auth", "--drift", "--json", DATABASE_URL_AUTH=guided
        )
        [entry] = json.loads(result.stdout)["databases"]
        return [line for problem in entry["problems"] for line in problem["notes"]]

    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("grant select on public.schema_migrations to pg_monitor")
        for setting in ("search_path = t", "timezone = 'Asia/Tokyo'", "intervalstyle = 'iso_8601'"):
            admin.execute(f"alter database {admin.info.dbname} set {setting}".encode())
        assert told() == []
        for change in RIGHTS:
            admin.execute(change.encode())
        found = told()
        assert [any(line.startswith(sentence) for line in found) for sentence in RIGHTS.values()] == [
            True
        ] * 3
        assert len(found) == 3


def test_what_a_setting_has_made_of_the_files_is_no_drift(tmp_path: Path, url: str) -> None:
    """Where new objects go, and how the options of a dictionary are kept."""
    text = """
        create table if not exists public.t (id int primary key);
        create text search dictionary public.d (template = pg_catalog.simple, accept = false);
    """
    app = make(tmp_path, app={"000_one.sql": text})
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("set allow_in_place_tablespaces = on")
        admin.execute("create tablespace t_default location ''")
        for setting in ("default_tablespace = t_default", "quote_all_identifiers = on"):
            admin.execute(f"alter database {admin.info.dbname} set {setting}".encode())
    try:
        app.migrate(url)
        assert app.run(CliRunner(), "verify", "--drift", APP_URL=url).exit_code == 0
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("drop table if exists public.t, public.schema_migrations")
            admin.execute("drop tablespace t_default")


@pytest.mark.parametrize("default", ["", "pg_default", "t_own"])
def test_the_tablespace_of_the_database_is_none_to_name(
    tmp_path: Path, each_server: Server, default: str
) -> None:
    """The same files are no drift, whether they or a setting name it or another; what was moved since is."""
    text = """
        create table if not exists public.t (id int primary key);
        create table if not exists public.own (id int) tablespace t_own;
        create table if not exists public.other (id int) tablespace pg_default;
    """
    app = make(tmp_path, app={"000_one.sql": text})
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as admin:
        admin.execute("set allow_in_place_tablespaces = on")
        admin.execute("create tablespace t_own location ''")
        admin.execute("create database t_spaced tablespace t_own")
        admin.execute(f"alter database t_spaced set default_tablespace = '{default}'".encode())
        try:
            url = each_server.url("t_spaced")
            app.migrate(url)
            assert app.run(CliRunner(), "verify", "--drift", APP_URL=url).exit_code == 0
            with psycopg.connect(url) as db:
                db.execute("alter table public.own set tablespace pg_default")
                db.execute("alter table public.other set tablespace t_own")
            told = app.run(CliRunner(), "verify", "--drift", APP_URL=url).output
            assert "table public.other has tablespace none, files say pg_default" in told
            assert "table public.own has tablespace pg_default, files say none" in told
        finally:
            admin.execute("drop database t_spaced with (force)")
            admin.execute("drop tablespace t_own")


def test_the_value_of_a_setting_of_somebodys_own_is_not_told(tmp_path: Path, url: str) -> None:
    """It is a secret as often as not; that it is another one than the files' is drift all the same."""
    setting = (
        "do $$ begin execute format('alter {} %I set app.jwt_secret = ''{}''', current_database()); end $$;"
    )
    ways = ("database", "role current_user in database")
    app = make(tmp_path, app={"000_set.sql": "".join(setting.format(way, "by-hand") for way in ways)})
    app.migrate(url)
    with psycopg.connect(url, autocommit=True) as admin:
        for way in ways:
            admin.execute(setting.format(way, "LiveSecret").encode())
    for options in ((), ("--json",)):
        result = app.run(CliRunner(), "verify", "--drift", *options, APP_URL=url)
        assert "database has another setting app.jwt_secret of " in result.output
        assert "by-hand" not in result.output
        assert "LiveSecret" not in result.output


def test_what_files_set_for_the_database_brings_no_other_role(each_url: str, tmp_path: Path) -> None:
    """The scratch database works as the role that migrates, which is a setting of its own."""
    sets = (
        "do $$ begin execute format('alter database %I set datestyle = German', current_database()); end $$;"
    )
    app = make(
        tmp_path, app={"000_set.sql": sets, "001_a.sql": "create table a (d date default '01.02.2024');"}
    )
    url = database.with_settings(each_url, {"role": "lent_owner"}, source="x")
    with psycopg.connect(each_url, autocommit=True) as admin:
        admin.execute("create role lent_owner")
        admin.execute(f"alter database {admin.info.dbname} owner to lent_owner".encode())
        try:
            app.migrate(url)
            said = app.run(CliRunner(), "verify", "--drift", APP_URL=url)
        finally:
            admin.execute(f"alter database {admin.info.dbname} owner to current_user".encode())
            admin.execute("drop owned by lent_owner cascade; drop role lent_owner")
    assert said.exit_code == 0, said.output


QUIET = {
    "the same right from two grantors": (
        (
            "create table public.one (id int); grant select on public.one to t_b with grant option;"
            " grant select on public.one to t_c"
        ),
        "set role t_b; grant select on public.one to t_c",
    ),
    "a right given to the owner": (
        "create table public.one (id int); grant select on public.one to postgres",
        "",
    ),
    "options in another order": (
        (
            "create table public.one (id int) with (fillfactor = 80, autovacuum_enabled = off);"
            " create index one_id on public.one (id) with (fillfactor = 80, deduplicate_items = off)"
        ),
        (
            "alter table public.one reset (fillfactor); alter table public.one set (fillfactor = 80);"
            " alter index public.one_id reset (fillfactor); alter index public.one_id set (fillfactor = 80)"
        ),
    ),
    "default privileges no file speaks of": (
        "create schema s; create table s.one (id int)",
        "alter default privileges in schema s grant select on tables to t_b",
    ),
    "an index rebuilt": (
        "create table public.one (w text); create index one_w on public.one (w) where w in ('a', 'b')",
        "reindex table public.one",
    ),
    "settings that shape text": (
        (
            "create table public.one (d timestamptz default '2020-01-01 00:00:00+00',"
            " i interval default '1 day', b bytea default 'x', m money default 5);"
            " create table public.parted (d timestamptz) partition by range (d); create table public.part"
            " partition of public.parted for values from ('2020-01-01 00:00:00+00') to (maxvalue)"
        ),
        (
            "do $$ declare one text; begin foreach one in array array['timezone = ''Asia/Tokyo''',"
            " 'intervalstyle = ''iso_8601''', 'bytea_output = ''escape''',"
            " 'search_path = public'] loop"
            " execute format('alter database %I set %s', current_database(), one); end loop; end $$"
        ),
    ),
}


@pytest.mark.parametrize(("file", "change"), QUIET.values(), ids=QUIET)
def test_what_means_the_same_is_no_drift(
    server: Server, tmp_path: Path, url: str, file: str, change: str
) -> None:
    """Nobody is accused of what changes nothing."""
    project = make(tmp_path, app={"000_one.sql": file})
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("create role t_b; create role t_c")
        try:
            project.migrate(url)
            admin.execute(change.encode() or b"select 1")
            assert exotic.compared(server, admin.info.dbname, project) == []
        finally:
            admin.execute("reset role; drop owned by t_b, t_c; drop role t_b; drop role t_c")


def test_rights_by_default_in_a_schema_of_the_files_are_no_drift(
    server: Server, tmp_path: Path, url: str
) -> None:
    """An administrator has given them once the schema was there; other rights are told."""
    project = make(tmp_path, app={"000_s.sql": "create schema s;"})
    project.migrate(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("create role t_b; alter default privileges in schema s grant select on tables to t_b")
        try:
            project.write("app", {"001_one.sql": "create table s.one (id int); create view s.v as select 1"})
            project.migrate(url)
            assert exotic.compared(server, admin.info.dbname, project) == []
            admin.execute("grant insert on s.one to t_b; revoke select on s.v from t_b")
            assert exotic.compared(server, admin.info.dbname, project) == [
                "table s.one has grants t_b=insert, t_b=select, files say none"
            ]
        finally:
            admin.execute("drop owned by t_b; drop role t_b")


EXTENSIONS = {
    "made unless it is there": "create extension if not exists vector; create table public.one (v vector(3))",
    "required": "-- runner: requires-extension vector\ncreate table public.one (v vector(3))",
}


@pytest.mark.parametrize("file", EXTENSIONS.values(), ids=EXTENSIONS)
def test_an_extension_that_an_administrator_keeps_in_his_own_schema(
    server: Server, tmp_path: Path, url: str, file: str
) -> None:
    """The files take it from there, and nothing of that schema is told."""
    project = make(tmp_path, app={"000_one.sql": file})
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("create schema extensions; create extension vector schema extensions")
        admin.execute("create table extensions.his (id int)")
        name = admin.info.dbname
        admin.execute(f"alter database {name} set search_path = public, extensions".encode())
        project.migrate(url)
        assert exotic.compared(server, name, project) == []
        admin.execute("drop table public.one; drop extension vector")
        assert exotic.compared(server, name, project)[0] == "extension vector is missing"


VERSION = "select default_version from pg_available_extensions where name = 'vector'"
ANOTHER = "update pg_extension set extversion = '0.8.4' where extname = 'vector'"
PINNED = {
    "create extension vector version '{}'": True,
    "create extension if not exists vector with schema public version '{}' cascade": True,
    "do $$ begin create extension \"vector\" version '{}'; end $$": True,
    "create extension vector; alter extension vector update to '{}'": True,
    "create extension vector /* version '{}' */; alter extension vector update": False,
    "create extension vector; create table public.version (vector int)": False,
}


@pytest.mark.parametrize(("file", "counts"), PINNED.items(), ids=PINNED)
def test_the_version_of_an_extension_counts_where_a_file_names_one(
    server: Server, tmp_path: Path, url: str, file: str, *, counts: bool
) -> None:
    """Also one that is the package's own; where no file does, a newer package may have brought another."""
    with psycopg.connect(url, autocommit=True) as admin:
        [(own,)] = admin.execute(VERSION).fetchall()
        project = make(tmp_path, app={"000_one.sql": file.format(own)})
        project.migrate(url)
        assert exotic.compared(server, admin.info.dbname, project) == []
        admin.execute(ANOTHER)
        told = [f"extension vector has version 0.8.4, files say {own}"]
        assert exotic.compared(server, admin.info.dbname, project) == told * counts


def test_what_an_extension_owns_is_no_drift(server: Server, tmp_path: Path, url: str) -> None:
    """Its version says what it is: so it is of the parts of a composite type, and of a conversion."""
    project = make(tmp_path, app={"000_one.sql": "create table public.one (id int);"})
    project.migrate(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("create type public.pair as (a int, b text)")
        admin.execute("create conversion public.c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1")
        found = exotic.compared(server, admin.info.dbname, project)
        assert {line.split()[0] for line in found} == {"type", "conversion"}
        admin.execute("alter extension plpgsql add type public.pair")
        admin.execute("alter extension plpgsql add conversion public.c")
        assert exotic.compared(server, admin.info.dbname, project) == []


def test_an_older_server_is_compared_with_a_newer_one(
    server_15: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """18 prints views in its own way and knows not null as constraints; neither is a difference."""
    found = [one for one in cluster._found() if one.version == NEWEST]
    monkeypatch.setattr(cluster, "_found", lambda: iter(found))
    with exotic.living(server_15, "older", tmp_path, "common") as live:
        assert live.bench.around.version // 10000 == 15
        assert live.bench.connection.info.server_version // 10000 == NEWEST
        with database.connect(server_15.url("older"), source="x") as connection:
            assert live.differences(connection) == []
            database.run(connection, "begin; alter table app.orders alter a set not null")
            assert [str(one) for one in live.differences(connection)] == [
                "column app.orders.a has nullability not null, files say null"
            ]


def test_what_others_keep_there_is_ignored_and_shown(tmp_path: Path, url: str) -> None:
    """An entry hides an object with all it has, or one fact; each says how much it hides, be it nothing."""
    project = make(tmp_path, app=TWO)
    entries = ["table public.two_*", "extension vector", "table public.two: grants", "view nowhere.*"]
    with project.file.open("a", encoding="utf-8") as stream:
        stream.write(f"\nignore = {json.dumps(entries)}\n")
    project.migrate(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("create extension vector; grant select on public.two to public")
        admin.execute("create table public.two_2026 (id int primary key)")
        result = project.run(CliRunner(), "verify", "--drift", APP_URL=url)
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[1:] == [
            "  ignored: table public.two_* (1 difference)",
            "  ignored: extension vector (1 difference)",
            "  ignored: table public.two: grants (1 difference)",
            "  ignored: view nowhere.* (0 differences)",
        ]
        admin.execute("alter table public.two add column more int")
        assert project.run(CliRunner(), "verify", "--drift", APP_URL=url).exit_code == 4


def test_a_database_that_was_rolled_back_to_nothing_has_no_drift(tmp_path: Path, url: str) -> None:
    """Its ledger stays, which the first file makes there."""
    project = make(tmp_path, app=TWO)
    project.migrate(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("drop table public.one, public.two; delete from public.schema_migrations")
        assert project.run(CliRunner(), "verify", "--drift", APP_URL=url).exit_code == 0
        admin.execute("create table public.hand (id int)")
        result = project.run(CliRunner(), "verify", "--drift", APP_URL=url)
        assert (result.exit_code, "table public.hand is not in the files" in result.stderr) == (4, True)


def test_the_ledger_of_another_version_is_no_drift(tmp_path: Path, url: str) -> None:
    """Older runners had its texts compressed, and said other words; all else is looked for as ever."""
    project = make(tmp_path, app=TWO)
    project.migrate(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("alter table public.schema_migrations alter column sql set storage extended")
        admin.execute("alter table public.schema_migrations alter column name set compression pglz")
        admin.execute("comment on column public.schema_migrations.sql is null")
        result = project.run(CliRunner(), "verify", "--drift", APP_URL=url)
        assert result.exit_code == 0, result.output
        admin.execute("alter table public.schema_migrations alter column execution_ms set default 0")
        result = project.run(CliRunner(), "verify", "--drift", APP_URL=url)
        assert (result.exit_code, "schema_migrations.execution_ms" in result.stderr) == (4, True)


RENAMED = """
    create table public.schema_migrations (version text not null primary key);
    alter table public.schema_migrations rename to old_migrations
"""
# what is done then -> what is told
BESIDE = {
    "": "",
    "create schema s; alter table public.old_migrations set schema s": "",
    "alter table public.schema_migrations rename constraint schema_migrations_pkey1 to k": (
        "constraint public.schema_migrations.k is not in the files"
    ),
    "create index schema_migrations_pkey2 on public.schema_migrations (version)": (
        "index public.schema_migrations_pkey2 on public.schema_migrations is not in the files"
    ),
    "alter table public.schema_migrations drop constraint schema_migrations_pkey1,"
    " add constraint schema_migrations_pkey1 primary key (series, version, name)": (
        "_pkey1 is PRIMARY KEY (series, version, name), files say PRIMARY KEY (series, version)\n"
    ),
}


@pytest.mark.parametrize(("statements", "told"), BESIDE.items())
def test_the_ledger_beside_one_that_was_renamed_is_no_drift(
    tmp_path: Path, each_url: str, statements: str, told: str
) -> None:
    """The server has numbered its key, with the index, and its not null constraints; all else is told."""
    project = make(tmp_path, app=TWO)
    with project.file.open("a", encoding="utf-8") as stream:
        stream.write('\nignore = ["table public.old_migrations"]\n')
    with psycopg.connect(each_url, autocommit=True) as admin:
        admin.execute(f"{RENAMED}; {''.join(TWO.values())}".encode())
        assert project.run(CliRunner(), "baseline", "app", "--to", "001", APP_URL=each_url).exit_code == 0
        for statement in statements.split("; "):
            admin.execute(statement.encode())
    result = project.run(CliRunner(), "verify", "--drift", APP_URL=each_url)
    assert (result.exit_code, told in result.stderr) == (4 if told else 0, True), result.output


def test_default_privileges_may_be_long(tmp_path: Path, url: str) -> None:
    """Longer than a name of PostgreSQL: the lists of rights of a few roles with ordinary names."""
    roles = ["r_reporting_application", "r_writing_application"]
    project = make(tmp_path, app=TWO)
    with psycopg.connect(url, autocommit=True) as admin:
        for role in roles:
            admin.execute(f"create role {role}".encode())
            admin.execute(f"alter default privileges grant all on tables to {role}".encode())
        try:
            project.migrate(url)
            result = project.run(CliRunner(), "verify", "--drift", APP_URL=url)
            assert result.exit_code == 0, result.output
        finally:
            for role in roles:
                admin.execute(f"drop owned by {role}; drop role {role}".encode())


def test_a_changed_body_is_shown_as_a_diff(tmp_path: Path, url: str) -> None:
    """The lines that differ, with those around them, and not two whole bodies."""
    body = "create or replace function public.f() returns int language sql as $$\n{}\n$$"
    lines = [f"select {n};" for n in range(20)]
    project = make(tmp_path, app={"000_one.sql": body.format("\n".join(lines))})
    project.migrate(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(body.format("\n".join([*lines[:10], "select 99;", *lines[11:]])).encode())
    result = project.run(CliRunner(), "verify", "--drift", APP_URL=url)
    told = [line.strip() for line in result.stderr.splitlines()]
    at = told.index("function public.f() has another definition (files say -):")
    assert told[at + 2 : at + 8] == [
        "select 8;",
        "select 9;",
        "-select 10;",
        "+select 99;",
        "select 11;",
        "select 12;",
    ]


def test_a_check_that_speaks_of_not_valid_is_read_whole(tmp_path: Path, server: Server, url: str) -> None:
    """The words are cut only where the server puts them, at the end."""
    check = "create table public.one (w text constraint one_w check (w <> '{}'))"
    project = make(tmp_path, app={"000_one.sql": check.format("x NOT VALID")})
    project.migrate(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("alter table public.one drop constraint one_w, add constraint one_w check (w <> 'x')")
        [told] = exotic.compared(server, admin.info.dbname, project)
    assert told.startswith("constraint public.one.one_w is CHECK ((w <> 'x'::text)), files say ")


OPTIONS = {"binary": "true", "synchronous_commit": "on", "disable_on_error": "true", "streaming": "on"}
SINCE_16 = {"origin": "none", "run_as_owner": "true", "password_required": "false"}
SINCE_18 = {"two_phase": "true"}


HOSTILE = {
    "a line break": 'create schema "a\nb"; create table "a\nb".t (id int);',
    "SQL": 'create schema "a\n;commit;drop table public.precious;--"; create table public.precious (id int);',
    "a placeholder": 'create schema "{besides} {schemas}"; create schema "a\\ \'x"; create table t (id int);',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_name_of_a_schema_is_a_name(tmp_path: Path, each_url: str, text: str) -> None:
    """The live server runs no part of it, nor is it an error."""
    app = make(tmp_path, app={"000_one.sql": text})
    app.migrate(each_url)
    result = app.run(CliRunner(), "verify", "--drift", APP_URL=each_url)
    assert result.exit_code == 0, result.output
    with psycopg.connect(each_url, autocommit=True) as db:
        assert db.execute("select count(*) from pg_class where relname in ('t', 'precious')").fetchone() == (
            1,
        )
        db.execute("drop table public.schema_migrations")
    assert app.run(CliRunner(), "baseline", "app", "--to", "0", APP_URL=each_url).exit_code == 0


def test_no_packaged_question_has_a_placeholder_in_a_comment() -> None:
    """A value that is filled in there may end the comment with its first line break."""
    texts = {
        path: path.read_text() for path in (ROOT / "runner").rglob("*.sql") if "bundled" not in path.parts
    }
    assert len(texts) > 5
    found = {
        p.name: line
        for p, text in texts.items()
        for line in text.splitlines()
        if re.search(r"--.*\{\w", line)
    }
    assert found == {}


def test_a_detach_that_is_not_done_is_told(tmp_path: Path, each_url: str) -> None:
    """The rows of the partition are gone from the table meanwhile."""
    text = """
        create table public.m (id int, d int) partition by range (d);
        create table public.m1 (id int, d int not null, check (d >= 0 and d < 10));
        alter table public.m attach partition public.m1 for values from (0) to (10);
        create table public.m2 partition of public.m for values from (10) to (20);
    """
    app = make(tmp_path, app={"000_one.sql": text})
    app.migrate(each_url)
    with psycopg.connect(each_url) as reader, psycopg.connect(each_url, autocommit=True) as db:
        reader.execute("select from public.m")
        db.execute("set statement_timeout = '500ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            db.execute("alter table public.m detach partition public.m1 concurrently")
    said = app.run(CliRunner(), "verify", "--drift", APP_URL=each_url)
    assert (said.exit_code, "public.m (detach pending)" in said.output) == (4, True), said.output
    verified = app.run(CliRunner(), "verify", APP_URL=each_url)
    assert "Partition public.m1 is half detached" in verified.stderr
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("alter table public.m detach partition public.m1 finalize")
        db.execute("alter table public.m attach partition public.m1 for values from (0) to (10)")
    assert app.run(CliRunner(), "verify", "--drift", APP_URL=each_url).exit_code == 0


def test_what_belongs_to_a_multirange_is_compared(tmp_path: Path, each_url: str) -> None:
    """It comes with its range, but has a comment and rights of its own."""
    text = "create type public.r as range (subtype = float8, multirange_type_name = public.mr);"
    app = make(tmp_path, app={"000_one.sql": text})
    app.migrate(each_url)
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("comment on type public.mr is 'x'")
        told = {"comment on its multirange"}
        if db.info.server_version < 160000:  # later ones have the rights of the range
            db.execute("revoke usage on type public.mr from public")
            told.add("grants on its multirange")
    said = app.run(CliRunner(), "verify", "--drift", APP_URL=each_url).output
    assert {one for one in told if one in said} == told, said


def test_a_not_null_that_children_do_not_get_is_told(tmp_path: Path, url: str) -> None:
    """Both sides in words that differ."""
    app = make(tmp_path, app={"000_one.sql": "create table public.t (a int constraint nn not null);"})
    app.migrate(url)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("alter table public.t alter constraint nn no inherit")
    said = app.run(CliRunner(), "verify", "--drift", APP_URL=url).stderr
    assert "not null public.t.a has inheritance no inherit, files say none" in said


def test_the_options_of_a_subscription_are_compared(tmp_path: Path, each_url: str) -> None:
    """Each by itself: it says with whose rights rows are written, and which."""
    made = "create subscription feed connection 'host=none dbname=x' publication p with (connect = false, "
    app = make(tmp_path, app={"000_s.sql": f"{made}enabled = false, slot_name = none, create_slot = false);"})
    app.migrate(each_url)
    runner = CliRunner()
    with psycopg.connect(each_url, autocommit=True) as db:
        try:
            assert app.run(runner, "verify", "--drift", APP_URL=each_url).exit_code == 0
            version = db.info.server_version
            options = (
                OPTIONS | (SINCE_16 if version >= 160000 else {}) | (SINCE_18 if version >= 180000 else {})
            )
            for name, value in options.items():
                db.execute(f"alter subscription feed set ({name} = {value})".encode())
            said = app.run(runner, "verify", "--drift", APP_URL=each_url).output
            assert [name for name in options if f"subscription feed has {name}" not in said] == []
        finally:
            db.execute("drop subscription feed")


HANDS_OVER = """
    create function public.hand() returns event_trigger language plpgsql security definer as $$
    declare made record;
    begin
        for made in select objid from pg_event_trigger_ddl_commands() where object_type = 'table' loop
            execute format('alter table %s owner to "t Team"', made.objid::regclass);
        end loop;
    end $$;
    create event trigger t_hand on ddl_command_end when tag in ('CREATE TABLE')
        execute function public.hand();
"""
OF_ALL_KINDS = """
    create table public.t (id int primary key);
    create function public.f() returns int language sql as 'select 1';
    create view public.v as select 1 as one;
    create schema s;
    create type public.e as enum ('a');
    create sequence public.q;
"""


def test_what_an_event_trigger_left_with_who_migrated_is_no_drift(tmp_path: Path, plain_url: str) -> None:
    """It gives tables to a team, also the ledger; without it, or of somebody else, an owner is drift."""
    app = make(tmp_path, app={"000_all.sql": OF_ALL_KINDS})
    admin_url = plain_url.replace("Plain-role", "postgres")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute('create role "t Team"; grant "t Team" to "Plain-role"')
        admin.execute(HANDS_OVER)
        try:
            assert app.run(CliRunner(), "migrate", APP_URL=plain_url).exit_code == 0
            admin.execute("alter event trigger t_hand owner to postgres; alter sequence q owner to postgres")
            made = _told(app, plain_url)
            admin.execute("drop event trigger t_hand; drop function public.hand()")
            assert made == [
                "event trigger t_hand is not in the files",
                "function public.hand() is not in the files",
                'sequence public.q has owner postgres, files say "t Team"',
            ]
            assert 'view public.v has owner "Plain-role", files say "t Team"' in _told(app, plain_url)
        finally:
            admin.execute('drop event trigger if exists t_hand; drop owned by "t Team" cascade')
            admin.execute('drop role "t Team"')


def _told(app: Project, url: str) -> list[str]:
    result = app.run(CliRunner(), "verify", "--drift", "--json", APP_URL=url)
    return list(json.loads(result.stdout)["error"]["notes"])
