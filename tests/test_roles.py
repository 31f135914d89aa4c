"""docs/roles.sql: three roles for both databases, and what the application's may do with them."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import RawCursor, errors, sql

from benchmarks.schema import queries
from tests import roles
from tests.conftest import SERIES
from tests.project import ROOT, Project, make
from tests.roles import ROLES
from tests.servers import OLDEST
from tests.sql import catalog
from tests.sql.psql import forward, rollback, run
from tests.sql.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.schema.queries import Query
    from tests.roles import Site
    from tests.servers import Server
    from tests.sql.catalog import Column

TRAILS = {
    "auth": ["admin_audit_logs", "audit_logs"],
    "specs": ["activity_logs", "project_ownership_history"],
}
LEDGER = "schema_migrations"

# Every right somebody has on a table, a column, a sequence, a function, the schema, the database.
RIGHTS = """
select relname::text, relacl::text from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')
union all
select oid::regprocedure::text, proacl::text from pg_proc where proowner::regrole::text = '"R-owner"'
union all
select nspname, nspacl::text from pg_namespace where nspname = 'public'
union all
select 'database', datacl::text from pg_database where datname = current_database()
union all
select 'default of ' || defaclobjtype::text, defaclacl::text from pg_default_acl
union all
select rolname, concat_ws(' ', rolsuper, rolcreatedb, rolcreaterole, rolcanlogin) from pg_roles
where rolname ~ '^R-'
union all
select 'setting', setconfig::text from pg_db_role_setting
order by 1, 2
"""
CALLED = {
    "000_code.sql": """
create function public.new_code() returns text language sql volatile return 'c' || (random() * 1000)::int;
create function public.is_code(code text) returns boolean language sql immutable return code like 'c%';
create function public.stamp() returns trigger language plpgsql
    as 'begin new.note := ''seen''; return new; end';
create table public.codes (
    id integer generated always as identity,
    other serial,
    code text not null default public.new_code() check (public.is_code(code)),
    note text
);
create index codes_is on public.codes (public.is_code(code));
create trigger stamped before insert or update on public.codes
    for each row execute function public.stamp();
"""
}


@pytest.fixture(scope="module")
def site(each_server: Server) -> Iterator[Site]:
    """Return both databases with their roles, on every server in turn; the script has run twice in each."""
    with roles.made(each_server) as site:
        for series in SERIES:
            assert site.run_roles(series) == ""
        yield site


@pytest.fixture(params=SERIES)
def app(request: pytest.FixtureRequest, site: Site) -> Iterator[Rows]:
    """Return what writes rows as the application, in a transaction that is rolled back, for each series."""
    with as_application(site, request.param) as rows:
        yield rows


@contextmanager
def as_application(site: Site, series: str) -> Iterator[Rows]:
    """Yield what writes rows as the application, and take all back."""
    with psycopg.connect(site.url(series, "app")) as connection:
        yield Rows(connection, catalog.read(connection))
        connection.rollback()


@pytest.fixture
def has_vectors(site: Site) -> Iterator[bool]:
    """Let the administrator make the extension and the migrator apply 008, where the server offers it."""
    with site.admin("specs") as connection:
        offered = (
            connection.execute("select from pg_available_extensions where name = 'vector'").rowcount == 1
        )
        if offered:
            connection.execute("create extension vector schema public")
            site.command("migrate")
        yield offered
        if offered:
            for file in reversed([one for one in forward("specs") if one.stem >= "008_pgvector"]):
                run(site.server, site.url("specs", "postgres"), rollback(file))
            connection.execute("drop extension vector")
            site.command("migrate")


def example(rows: Rows, column: Column) -> object:
    """Return a value for a column, also where the extension brings its type."""
    kind, _, size = column.type.removesuffix(")").rpartition("(")
    return str([1] * int(size)) if kind.endswith("vector") else rows.example(column)


def values(rows: Rows, query: Query) -> list[object]:
    """Write a row that a query can be asked for; return what stands for $1 and $2."""
    if query.source is None:
        return []
    columns = rows.catalog.columns_of(query.source.table)
    given = {name: example(rows, columns[name]) for name in query.source.columns}
    row = rows.insert(query.source.table, **given)
    return [row[name] for name in query.source.columns]


def test_every_listed_query_is_allowed(has_vectors: bool, app: Rows) -> None:
    """All that the application asks and changes day by day, on rows it wrote itself."""
    series = app.connection.info.dbname.removeprefix("roles_")
    listed = [query for query in queries.load() if query.series == series]
    asked = [query for query in listed if has_vectors or "embedding_vec" not in query.sql]
    assert len(asked) > 30
    for query in asked:
        with app.connection.transaction(force_rollback=True):
            RawCursor(app.connection).execute(query.sql, values(app, query))


def test_every_table_takes_a_row_of_the_application(app: Rows) -> None:
    """An insert with defaults and triggers into each, and a change and a delete where it is no trail."""
    series = app.connection.info.dbname.removeprefix("roles_")
    made = app.insert_everywhere()
    texts = (file.read_text(encoding="utf-8") for file in forward(series))
    assert len(made) == sum(text.count("\ncreate table ") for text in texts)
    for table, row in made.items():
        assert app.find(table, row) == row
        if table not in TRAILS[series]:
            assert app.update(table, row, id=row["id"])["id"] == row["id"]
            app.delete(table, app.insert(table))


def test_a_trail_is_added_to_and_read_and_nothing_else(app: Rows) -> None:
    """The application changes no entry and takes none away; the rights on all other tables are whole."""
    series = app.connection.info.dbname.removeprefix("roles_")
    query = """
        select relname::text, has_table_privilege(oid, 'select'), has_table_privilege(oid, 'insert'),
            has_table_privilege(oid, 'update'), has_table_privilege(oid, 'delete'),
            has_table_privilege(oid, 'truncate'), has_any_column_privilege(oid, 'update')
        from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
    """
    for table, *rights in app.connection.execute(query):
        may_write = table not in (*TRAILS[series], LEDGER)
        may_read = table != LEDGER
        assert rights == [may_read, may_read, may_write, may_write, False, may_write], table
    for trail in TRAILS[series]:
        row = app.insert(trail)
        assert app.find(trail, row) == row
        for change in ("update public.{} set id = id", "delete from public.{}", "truncate public.{}"):
            with pytest.raises(errors.InsufficientPrivilege), app.connection.transaction():
                app.connection.execute(sql.SQL(change).format(sql.Identifier(trail)))


def test_an_account_that_goes_is_forgotten_by_its_trail(site: Site) -> None:
    """The foreign key empties the column with the rights of the owner; the application need have none."""
    with as_application(site, "auth") as rows:
        user = rows.insert("users")
        event = rows.insert("audit_logs", user_id=user["id"])
        rows.delete("users", user)
        assert rows.find("audit_logs", event) == {**event, "user_id": None}


def test_a_project_that_goes_takes_its_trails_along(site: Site) -> None:
    """The application deletes a project, and what it could not delete itself goes with it."""
    with as_application(site, "specs") as rows:
        project = rows.insert("projects")
        entries = {trail: rows.insert(trail, project_id=project["id"]) for trail in TRAILS["specs"]}
        rows.delete("projects", project)
        assert [rows.find(trail, entry) for trail, entry in entries.items()] == [None, None]


def test_vectors_are_written_and_searched(site: Site, has_vectors: bool) -> None:
    """What an extension brings may be used, once an administrator has made it."""
    if not has_vectors:
        pytest.skip("the server offers no pgvector")
    with as_application(site, "specs") as rows:
        row = rows.insert("document_chunks", embedding_vec=str([1] * 1536))
        nearest = "select id from public.document_chunks order by embedding_vec <=> %s::public.vector limit 1"
        assert rows.connection.execute(nearest, [str([1] * 1536)]).fetchone() == (row["id"],)


def test_what_the_script_made_is_no_drift(site: Site) -> None:
    """Neither run leaves a difference; the migrator compares without the right to make a database."""
    for series in SERIES:
        with site.admin(series) as connection:
            may = "select rolcreatedb or rolsuper from pg_roles where rolname = %s"
            assert connection.execute(may, [ROLES["migrator"]]).fetchone() == (False,)
    site.command("verify", "--drift")


def test_an_extension_of_the_administrator_is_no_drift(site: Site, has_vectors: bool) -> None:
    """Neither its owner, nor its comment, nor the rights on what it brings."""
    assert has_vectors == (site.server.version > OLDEST)
    site.command("verify", "--drift")


@pytest.mark.parametrize("schema", ["public", "extensions"])
def test_an_extension_that_was_there_before_is_no_drift(site: Site, each_url: str, schema: str) -> None:
    """Wherever it is, and though a superuser migrates: had the file made it, it had another comment."""
    with psycopg.connect(each_url, autocommit=True) as connection:
        if not connection.execute("select from pg_available_extensions where name = 'vector'").rowcount:
            pytest.skip(f"PostgreSQL {site.server.version} here does not offer pgvector")
        connection.execute(f"create schema if not exists {schema}".encode())
        connection.execute(f"create extension vector schema {schema}".encode())
        for words in (("migrate",), ("verify", "--drift")):
            done = Project(ROOT).run(CliRunner(), *words, "specs", DATABASE_URL_SPECS=each_url)
            assert done.exit_code == 0, done.output


def test_another_run_makes_good_what_is_there(site: Site) -> None:
    """Rights that were taken away come back, those that a trail must not have go; nothing else changes."""
    for series in SERIES:
        with site.admin(series) as connection:
            before = connection.execute(RIGHTS.encode()).fetchall()
            table = "users" if series == "auth" else "projects"
            app, trail = sql.Identifier(ROLES["app"]), sql.Identifier(TRAILS[series][0])
            for change in (
                "revoke all on all tables in schema public from {app}",
                "revoke all on all routines in schema public from {app}",
                "grant execute on function public.set_updated_at() to public",
                "grant update, delete on public.{trail} to {app}",
                "revoke all on schema public from {app}; grant create on schema public to {app}",
                "grant select on public.schema_migrations to {app}",
                "grant all on database {name} to {app}",
                "grant truncate on all tables in schema public to {app} with grant option",
                "grant update, delete on public.{trail} to public",
                "grant select on public.schema_migrations to public",
                "grant usage on all sequences in schema public to public",
                "alter role {migrator} in database {name} reset role",
            ):
                connection.execute(
                    sql.SQL(change).format(
                        app=app, trail=trail, migrator=sql.Identifier(ROLES["migrator"]),
                        name=sql.Identifier(site.names[series]),
                    )
                )  # fmt: skip
            assert connection.execute(RIGHTS.encode()).fetchall() != before, table
            assert site.run_roles(series) == ""
            assert connection.execute(RIGHTS.encode()).fetchall() == before


def test_what_somebody_else_handed_on_goes_too(site: Site) -> None:
    """He keeps his own rights, but may hand none on: the owner cannot take back what another has given."""
    trail = TRAILS["auth"][0]
    with site.admin("auth") as connection:
        app = f'"{ROLES["app"]}"'
        connection.execute("grant usage on schema public to pg_monitor")
        connection.execute(f"grant all on public.{trail} to pg_monitor with grant option".encode())
        connection.execute("set role pg_monitor")
        connection.execute(f"grant update, delete on public.{trail} to {app}, public".encode())
        connection.execute("reset role")
        asked = "select has_table_privilege(%s, %s, 'update'), has_table_privilege(%s, %s, 'insert')"
        table = f"public.{trail}"
        assert connection.execute(asked, [ROLES["app"], table] * 2).fetchone() == (True, True)
        assert site.run_roles("auth") == ""
        assert connection.execute(asked, [ROLES["app"], table] * 2).fetchone() == (False, True)
        assert connection.execute(asked, ["pg_monitor", table] * 2).fetchone() == (True, True)
        connection.execute(f"revoke all on {table} from pg_monitor".encode())
        connection.execute("revoke all on schema public from pg_monitor")


def test_a_program_that_looks_is_granted_the_ledger_after_the_script(site: Site) -> None:
    """The role of the application reads it by the statement that the pages have, which is no drift."""
    asked = {f"DATABASE_URL_{series.upper()}": site.url(series, "app") for series in SERIES}
    granted = set()
    for page in ("api.md", "operations.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        granted |= set(re.findall(r"`(grant select on public.schema_migrations to auth_app;)`", text))
    [grant] = granted
    looking = Project(ROOT).run(CliRunner(), "status", **asked)
    assert "LEDGER_UNTRUSTED" in looking.output
    for series in SERIES:
        with site.admin(series) as connection:
            connection.execute(grant.replace("auth_app", f'"{ROLES["app"]}"').encode())
    looking = Project(ROOT).run(CliRunner(), "status", **asked)
    assert looking.exit_code == 0, looking.output
    site.command("verify", "--drift")
    for series in SERIES:
        assert site.run_roles(series) == ""


def test_functions_behind_a_default_a_check_or_an_index_may_be_called(
    tmp_path: Path, site: Site, each_url: str
) -> None:
    """Files may use functions of their own; whoever is not the application may not call them."""
    roles.run_roles(site.server, each_url)
    make(tmp_path, app=CALLED).migrate(each_url.replace("postgres@", f"{ROLES['migrator']}@"))
    with psycopg.connect(each_url.replace("postgres@", f"{ROLES['app']}@")) as connection:
        insert = "insert into public.codes default values returning code like 'c%', note"
        assert connection.execute(insert.encode()).fetchone() == (True, "seen")
        connection.execute("update public.codes set code = public.new_code() where public.is_code(code)")
        may = "select has_function_privilege('pg_monitor', 'public.new_code()', 'execute')"
        assert connection.execute(may.encode()).fetchone() == (False,)


def test_files_may_make_temporary_tables_and_the_application_may_not(
    tmp_path: Path, site: Site, each_url: str
) -> None:
    """A file gathers rows in one; the right of everybody to make some is taken away for the application."""
    text = """
        create temporary table picked on commit drop as select 7 as id;
        create table if not exists public.t as select id from picked;
    """
    roles.run_roles(site.server, each_url)
    migrator = each_url.replace("postgres@", f"{ROLES['migrator']}@")
    make(tmp_path, app={"000_first.sql": text}).migrate(migrator)
    with psycopg.connect(each_url.replace("postgres@", f"{ROLES['app']}@")) as connection:
        assert connection.execute("select id from public.t").fetchall() == [(7,)]
        with pytest.raises(errors.InsufficientPrivilege, match="temporary tables"):
            connection.execute("create temporary table picked ()")


@pytest.mark.parametrize("right", ["update, delete", "delete", "truncate", "trigger"])
def test_a_right_on_a_trail_that_was_given_back_is_drift(site: Site, right: str) -> None:
    """Though default privileges would give it: the file of the trail has taken it away."""
    app = sql.Identifier(ROLES["app"])
    with site.admin("auth") as connection:
        connection.execute(sql.SQL("grant {} on public.audit_logs to {}").format(sql.SQL(right), app))
        with pytest.raises(AssertionError, match=r"table public\.audit_logs has grants"):
            site.command("verify", "--drift", "auth")
        connection.execute(sql.SQL("revoke {} on public.audit_logs from {}").format(sql.SQL(right), app))
    site.command("verify", "--drift", "auth")


@pytest.mark.parametrize("options", [(), ("--no-owner", "--no-privileges")], ids=["with rights", "without"])
def test_a_restored_database_gets_its_roles_again(
    tmp_path: Path, site: Site, options: tuple[str, ...]
) -> None:
    """What no dump of a database has, as the guide says: its rights and the migrator's setting."""
    programs = Path(site.server.psql).parent
    role = "migrator" if options else "postgres"
    dump, name = str(tmp_path / "dump"), site.names["auth"]
    subprocess.run([programs / "pg_dump", "-Fc", "-f", dump, site.url("auth", "migrator")], check=True)
    copy = replace(site, names=site.names | {"auth": f"{name}_restored"})
    with site.admin("specs") as admin:
        admin.execute(f"create database {copy.names['auth']} template template0".encode())
        try:
            if options:
                copy.run_roles("auth")
            command: list[str | Path] = [programs / "pg_restore", "-1", *options]
            subprocess.run([*command, "-d", copy.url("auth", role), dump], check=True)
            assert copy.run_roles("auth") == ""
            with site.admin("auth") as one, copy.admin("auth") as other:
                rights = RIGHTS.partition("union all\nselect rolname")[0]
                wanted = sorted(map(_in_order, one.execute(rights.encode())))
                assert sorted(map(_in_order, other.execute(rights.encode()))) == wanted
            copy.command("verify", "--drift", "auth")
        finally:
            admin.execute(f"drop database {copy.names['auth']} with (force)".encode())


def _in_order(row: tuple[str, str | None]) -> tuple[str, list[str]]:
    name, rights = row
    return name, sorted((rights or "").strip("{}").split(","))


def test_an_administrator_need_be_no_superuser(each_server: Server) -> None:
    """One who may create roles and owns the database runs the script, and may run it again."""
    with psycopg.connect(each_server.url("postgres"), autocommit=True) as connection:
        connection.execute("create role r_dba login createrole createdb")
        connection.execute("create database r_dba owner r_dba")
        url = each_server.url("r_dba").replace("postgres@", "r_dba@")
        names = ("R-own", "R-mig", "R-app2")
        try:
            for _ in range(2):
                assert roles.run_roles(each_server, url, *names) == ""
            migrator = url.replace("r_dba@", "R-mig@")
            with psycopg.connect(migrator) as made, psycopg.connect(url.replace("r_dba@", "R-app2@")) as app:
                made.execute("create table public.t (x int)")
                made.commit()
                app.execute("insert into public.t values (1)")
            assert roles.run_roles(each_server, url, *names) == ""
        finally:
            connection.execute("drop database r_dba with (force)")
            for name in (*reversed(names), "r_dba"):
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
