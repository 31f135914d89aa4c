"""The roles of a scratch server, and the one that files run as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner import database
from runner.model import Migration
from runner.schema import cluster, roles, scratch
from tests.project import make
from tests.servers import NEWEST, OLDEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.project import Project
    from tests.servers import Server

EVENT = """
    create or replace function public.e() returns event_trigger language plpgsql as 'begin end';
    do $$ begin if not exists (select from pg_event_trigger) then
        create event trigger e on sql_drop execute function public.e(); end if; end $$;
"""
POLICY = """
    create table if not exists public.t (id int, x int);
    update public.t set x = 7;
    alter table public.t enable row level security;
    alter table public.t force row level security;
"""
TWICE = "it cannot be run twice: query would be affected by row-level security"

WORDED = "create table if not exists public.t (s varchar(9), constraint t_s check (s in ('x', 'y')));"
PRINTED = "(((s)::text = any ((array['x'::character varying, 'y'::character varying])::text[])))"


def undo(text: str, version: str) -> str:
    """Return a rollback without the questions that a real one asks."""
    return f"{text}\ndelete from public.schema_migrations where version = '{version}';"


def migration(text: str) -> Migration:
    """Return a migration with a text."""
    return Migration("app", "000", "one", "one.sql", text, "")


NAMED = {
    'grant select on t to r_a, "R b" with grant option': {"r_a", "R b"},
    "alter table t owner to r_a": {"r_a"},
    "create policy p on t for select to r_a using (true)": {"r_a"},
    "create role r_a; grant r_a, r_c to r_b": {"r_b", "r_c"},
    "drop role r_a; create role r_a; alter role r_a login": {"r_a"},
    "revoke admin option for r_a, r_b from r_c": {"r_a", "r_b", "r_c"},
    "-- needs: create role r_a; grant r_d to r_a\nalter table t owner /* it's */ to -- x\n r_a": {"r_a"},
    "do $$ begin -- create role r_a\n execute 'alter table t owner to r_a'; end $$": {"r_a"},
    "grant pg_monitor to public": set(),
    "create role r_a; alter role r_a rename to r_b; grant select on t to r_b": set(),
    'alter user r_a rename to "R b"; alter table t owner to "R b"': {"r_a"},
    'reassign owned by r_a, r_b to "R c"; drop owned by r_d cascade': {"r_a", "r_b", "R c", "r_d"},
    "alter group r_a add user r_b, r_c; create role r_d login in role r_e, r_f": {
        "r_a",
        "r_b",
        "r_c",
        "r_e",
        "r_f",
    },
    "alter sequence s owned by t.r_a; create role r_b nologin; select 'in role r_c'": set(),
    "do $$ begin drop owned by r_a, r_b; revoke r_c from r_d; drop role r_a; drop role if exists r_b, r_c; "
    "end $$": {"r_d"},
    "revoke all on t from r_a; do $$ begin drop owned by r_a; end $$; drop role r_a": {"r_a"},
    "drop owned by r_b; drop role if exists r_b, r_c": {"r_b"},
    "alter default privileges for role r_a grant select on tables to r_b": {"r_a", "r_b"},
}


@pytest.mark.parametrize(("text", "names"), NAMED.items())
def test_the_roles_that_files_name_are_found(text: str, names: set[str]) -> None:
    """Not those that a file makes, the server's own, or words that stand for somebody."""
    assert roles.named([migration(text)]) == names


@pytest.fixture
def plain(tmp_path: Path, each_server: Server, plain_url: str) -> Iterator[tuple[Project, str]]:
    """Return a project and the URL of a database whose migrator may make databases, and is in a group."""
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as admin:
        admin.execute('create role r_group; grant r_group to "Plain-role"; alter role "Plain-role" createdb')
        yield make(tmp_path, app={}), plain_url
        admin.execute("drop role r_group")


def test_files_run_as_a_role_that_may_do_what_the_migrator_may(
    plain: tuple[Project, str], each_server: Server
) -> None:
    """It has the same attributes and is a member of the same roles; nobody else has or is any."""
    with scratch.scratch_server(plain[1], source="x", files=[]) as server:
        assert server.role == "Plain-role"
        with psycopg.connect(server.url) as connection:
            found = connection.execute(
                "select rolname, rolcreatedb, rolsuper, rolcanlogin,"
                " pg_has_role(rolname, 'r_group', 'member')"
                " from pg_roles where rolname in ('Plain-role', 'r_group') order by 1"
            ).fetchall()
            assert connection.info.server_version // 10000 == each_server.version
    assert found == [("Plain-role", True, False, False, True), ("r_group", False, False, False, True)]


MEMBERS = """
    select roleid::regrole::text, member::regrole::text, admin_option{options} from pg_auth_members
    where member::regrole::text !~ '^pg_' order by 1, 2
"""
JOINED = """
    grant pg_read_all_settings to r_group with admin option;
    create role r_beyond; grant r_beyond to r_group;
    create role r_apart; grant r_apart to "Plain-role" {options};
    alter role r_group noinherit
"""


@pytest.fixture
def joined(plain: tuple[Project, str], each_server: Server) -> Iterator[tuple[Project, str]]:
    """Return the project and the URL of a migrator with memberships of every kind, also of its group."""
    options = "with admin true, inherit false, set false" if each_server.version > OLDEST else ""
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as admin:
        admin.execute(JOINED.format(options=options).encode())
        yield plain
        admin.execute("drop role r_beyond; drop role r_apart")


def test_the_migrator_is_a_member_as_it_is_live(joined: tuple[Project, str], each_server: Server) -> None:
    """Also by way of another role, with what each membership allows."""
    options = ", inherit_option, set_option" if each_server.version > OLDEST else ""
    question = MEMBERS.format(options=options).encode()
    with psycopg.connect(each_server.url("postgres")) as admin:
        live = admin.execute(question).fetchall()
    with (
        scratch.scratch_server(joined[1], source="x", files=[]) as server,
        psycopg.connect(server.url) as connection,
    ):
        assert connection.execute(question).fetchall() == live
        inherits = "select rolinherit from pg_roles where rolname = 'r_group'"
        assert connection.execute(inherits).fetchall() == [(each_server.version > OLDEST,)]


OWNER = "create table if not exists public.t (id int); alter table public.t owner to r_apart;"


def test_a_file_for_which_a_membership_is_too_little_is_told(
    joined: tuple[Project, str], each_server: Server
) -> None:
    """As migrate would fail: whoever may not set a role can give it nothing."""
    app, url = joined
    if each_server.version > OLDEST:
        app.write("app", {"000_a.sql": OWNER})
        told = app.run(CliRunner(), "prove", APP_URL=url).stdout
        assert 'as a superuser: must be able to SET ROLE "r_apart"' in told


READS = "select current_setting('data_directory');"
GRANTS = "grant r_apart to r_beyond;"
MAKES = "create role r_made; create schema made authorization r_made;"
MAKER = """
    alter role "Plain-role" createrole; alter role "Plain-role" set createrole_self_grant = 'set, inherit'
"""


def test_a_file_for_which_memberships_are_enough_needs_no_superuser(
    joined: tuple[Project, str], each_server: Server
) -> None:
    """What a role's role may read, whom it may make a member, and what it is to a role that it makes."""
    app, url = joined
    is_newer = each_server.version > OLDEST
    newer = {"001_b.sql": GRANTS, "002_c.sql": MAKES} if is_newer else {}
    app.write("app", {"000_a.sql": READS, **newer})
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as admin:
        admin.execute("alter role r_group inherit")
        admin.execute(MAKER if is_newer else "select")
        told = app.run(CliRunner(), "prove", APP_URL=url).stdout
    assert "as a superuser" not in told


def test_a_membership_that_a_file_has_given_is_not_there_before_it(joined: tuple[Project, str]) -> None:
    """Live it may be there already: its rollback takes it away."""
    app, url = joined
    app.write("app", {"000_a.sql": "grant r_beyond, pg_monitor to r_group, r_apart;"})
    (app.root / "app" / "rollback").mkdir()
    text = "revoke r_beyond, pg_monitor from r_group, r_apart;"
    app.write("app/rollback", {"000_a.sql": undo(text, "000")})
    told = app.run(CliRunner(), "prove", APP_URL=url).stdout
    assert "  proven   app/000_a.sql, as a superuser: " in told


SPACES = """
    set allow_in_place_tablespaces = on; create tablespace "R space" location '';
    create tablespace r_other location '';
    grant create on tablespace "R space" to "Plain-role";
    grant set, alter system on parameter log_min_duration_statement to r_group;
    grant set on parameter "R".setting, log_statement to "Plain-role"
"""
HERE = """
    create table if not exists public.t (id int) tablespace "R space";
    set local log_min_duration_statement = '5s'; set local log_statement = 'ddl';
"""
ELSEWHERE = "create table if not exists public.u (id int) tablespace r_other;"


@pytest.fixture
def spacious(plain: tuple[Project, str], each_server: Server) -> Iterator[tuple[Project, str]]:
    """Return the project and the URL of a migrator who may use one of two tablespaces, and set a setting."""
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as admin:
        for statement in SPACES.split(";"):
            admin.execute(statement.encode())
        yield plain
        for statement in ("drop owned by r_group", 'drop tablespace "R space"', "drop tablespace r_other"):
            admin.execute(statement.encode())


def test_files_use_the_tablespaces_and_settings_that_the_migrator_may(
    spacious: tuple[Project, str],
) -> None:
    """Also those by way of another role, and no others."""
    app, url = spacious
    app.write("app", {"000_a.sql": HERE, "001_b.sql": ELSEWHERE})
    told = app.run(CliRunner(), "prove", APP_URL=url).stdout
    assert "  failed   app/000_a.sql: 1 finding\n" in told  # it has no rollback
    assert (
        "  failed   app/001_b.sql: 1 finding, as a superuser: permission denied for tablespace r_other"
        in told
    )


def test_rights_on_what_a_server_lacks_keep_no_role(url: str) -> None:
    """The others are given; a role goes with them."""
    with database.connect(url, source="x") as connection:
        database.run(connection, "create role r_a")
        roles.give(connection, "r_a", ["create on tablespace r_nowhere", "set on parameter log_statement"])
        assert roles.shared_rights(connection, "r_a") == ["set on parameter log_statement"]
        roles.drop(connection, ("r_a",))
        assert "r_a" not in roles.there(connection)


def test_roles_are_dropped_whoever_made_one_a_member(url: str) -> None:
    """The one that did so cannot go while the other is one by its word."""
    made = ("r_a", "r_b", "r_c")
    with database.connect(url, source="x") as connection:
        database.run(connection, "create role r_a; create role r_b; create role r_c")
        database.run(
            connection, "grant r_c to r_a with admin option; set role r_a; grant r_c to r_b; reset role"
        )
        roles.drop(connection, made)
        assert roles.there(connection).isdisjoint(made)


def test_a_file_that_needs_a_superuser_is_proven_as_one(plain: tuple[Project, str]) -> None:
    """Its second run and its rollback too; the next file is run by an ordinary role again."""
    app, url = plain
    app.write("app", {"000_a.sql": EVENT, "001_b.sql": POLICY, "002_c.sql": "update public.t set x = 1;"})
    rollbacks = {
        "000_a.sql": undo("drop event trigger e; drop function public.e();", "000"),
        "001_b.sql": undo("drop table public.t;", "001"),
    }
    (app.root / "app" / "rollback").mkdir()
    app.write("app/rollback", rollbacks)
    told = app.run(CliRunner(), "prove", APP_URL=url).stdout.splitlines()
    needed = 'as a superuser: permission denied to create event trigger "e"'
    assert told[1] == f"  proven   app/000_a.sql, {needed}"
    assert told[2].startswith("  failed   app/001_b.sql: ")
    assert any(
        "it cannot be run twice: query would be affected by row-level security" in line for line in told
    )
    hidden = "app/002_c.sql failed: query would be affected by row-level security policy"
    assert any(hidden in line for line in told)  # no right is lacking: a superuser would see what it does not


def test_a_slot_that_a_superuser_has_made_does_not_outlast_the_proof(plain: tuple[Project, str]) -> None:
    """The role that migrates may not drop it, and the scratch database would stay with it."""
    app, url = plain
    slot = "-- runner: no-transaction\nselect pg_create_logical_replication_slot('left_slot', 'pgoutput');"
    app.write("app", {"000_a.sql": slot})
    done = app.run(CliRunner(), "prove", APP_URL=url)
    assert "app: 1 file: 1 failed.\n" in done.stdout, done.stderr


@pytest.mark.parametrize("backslash", ["", "\n\\echo"])
def test_a_rollback_that_needs_a_superuser_has_one(plain: tuple[Project, str], backslash: str) -> None:
    """A DBA is one, often; whether psql runs it or a session that does the same."""
    app, url = plain
    app.write("app", {"000_a.sql": "create table if not exists public.t (id int);"})
    (app.root / "app" / "rollback").mkdir()
    text = "set local session_replication_role = 'replica'; drop table public.t;"
    app.write("app/rollback", {"000_a.sql": undo(text, "000") + backslash})
    told = app.run(CliRunner(), "prove", APP_URL=url).stdout
    assert "  proven   app/000_a.sql, as a superuser: " in told
    assert 'permission denied to set parameter "session_replication_role"' in told


def test_a_definition_in_the_words_of_the_server_is_the_same_for_whoever_migrates(
    plain: tuple[Project, str],
) -> None:
    """What its rollback puts back is printed otherwise: to settle that takes a superuser, the file none."""
    app, url = plain
    forward = "alter table public.t drop constraint t_s; alter table public.t add constraint t_s check {};"
    app.write("app", {"000_a.sql": WORDED, "001_b.sql": forward.format("(s in ('x', 'y', 'z'))")})
    (app.root / "app" / "rollback").mkdir()
    app.write("app/rollback", {"001_b.sql": undo(forward.format(PRINTED), "001")})
    told = app.run(CliRunner(), "prove", APP_URL=url).stdout
    assert "  proven   app/001_b.sql\n" in told, told


def test_a_postgres_that_is_no_superuser_is_none_here(tmp_path: Path) -> None:
    """The private server's superuser has another name then, and postgres the rights it has there."""
    programs = cluster.choose(NEWEST, ())
    assert programs
    with cluster.running(programs, superuser="platform") as live:
        with psycopg.connect(live, autocommit=True) as admin:
            admin.execute("create role postgres login createdb")
            admin.execute("create database app owner postgres")
        url = live.replace("template1", "app").replace("platform@", "postgres@")
        app = make(tmp_path, app={"000_a.sql": POLICY})
        told = app.run(CliRunner(), "prove", APP_URL=url).stdout
    assert TWICE in told


IF_MISSING = """
    do $$ begin if not exists (select from pg_catalog.pg_roles where rolname = 'r_shared') then
        create role r_shared;
        alter default privileges in schema public grant all on tables to r_shared;
    end if; end $$;
    create table public.workspace (id int);
"""


def test_a_role_that_a_file_has_found_is_no_drift_in_a_second_database(
    tmp_path: Path, runner: CliRunner, url: str, other_url: str
) -> None:
    """The file makes more in the first one; what was done by hand is drift in both, and nothing else is."""
    app = make(tmp_path, app={"000_w.sql": IF_MISSING})
    try:
        for one in (url, other_url):
            app.migrate(one)
            result = app.run(runner, "verify", "--drift", APP_URL=one)
            assert result.exit_code == 0, result.stderr
            with psycopg.connect(one, autocommit=True) as db:
                db.execute("alter table public.workspace add by_hand int")
            result = app.run(runner, "verify", "--drift", APP_URL=one)
            assert "differs from its files in 1 place." in result.stderr
            assert "column public.workspace.by_hand is not in the files" in result.stderr
    finally:
        for one in (url, other_url):
            with psycopg.connect(one, autocommit=True) as db:
                db.execute("drop owned by r_shared")
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("drop role r_shared")


def test_a_role_that_a_file_makes_in_any_case_is_made_by_it(
    tmp_path: Path, runner: CliRunner, url: str
) -> None:
    """Where it is there before, the file fails; what differs otherwise is told."""
    app = make(tmp_path, app={"000_w.sql": "create role r_made; create table public.w (id int);"})
    try:
        app.migrate(url)
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("alter table public.w add by_hand int")
        result = app.run(runner, "verify", "--drift", APP_URL=url)
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("drop role r_made")
    assert "differs from its files in 1 place." in result.stderr
