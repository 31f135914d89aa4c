"""The bundle: pending files for psql, with the effect of migrate."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database
from runner.schema import catalog
from tests.apply.test_single import PARTITIONED
from tests.cli import lines
from tests.project import ROOT, TWO, Project, make

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import CliRunner

    from tests.servers import Server


def write(runner: CliRunner, project: Project, series: str, file: Path, **environ: str) -> Path:
    """Write the bundle of a series."""
    result = project.run(runner, "plan", series, "--sql", str(file), **environ)
    assert result.exit_code == 0, result.output
    return file


def psql(server: Server, file: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Run a bundle as its header says."""
    return subprocess.run(
        [server.psql, "-X", "-f", str(file), url], capture_output=True, text=True, check=False
    )


LEAVING = {
    "000_one.sql": "create table public.one (n int); insert into public.one values (1);",
    "001_fix.sql": "create temp table fix as select 2 as n; update public.one set n = fix.n from fix;"
    " prepare p as select 1; declare c cursor with hold for select 1;",
    "002_fix.sql": "create temp table if not exists fix as select 3 as n; prepare p as select 2;"
    " declare c cursor with hold for select 2; update public.one set n = fix.n from fix;",
}


def test_a_bundle_leaves_nothing_of_a_file_to_the_next(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path
) -> None:
    """No temporary table, statement or cursor; what they do is what migrate makes of them."""
    app = make(tmp_path / "p", app=LEAVING)
    done = psql(each_server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url), each_url)
    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(each_url) as db:
        assert db.execute("select n from public.one").fetchall() == [(3,)]


@pytest.mark.parametrize("series", ["auth", "specs"])
def test_the_real_schema_by_bundle_is_the_one_by_migrate(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path, series: str
) -> None:
    """Afterwards status, verify and verify --drift are green, and migrate has nothing to do."""
    environ = {"DATABASE_URL_AUTH": each_url, "DATABASE_URL_SPECS": each_url}
    real = Project(ROOT)
    done = psql(each_server, write(runner, real, series, tmp_path / "b.sql", **environ), each_url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{series}: done"
    verified = real.run(runner, "verify", "--drift", series, **environ)
    assert verified.exit_code == 0, verified.output
    assert real.run(runner, "status", "--exit-code", series, **environ).exit_code == 0
    assert "nothing applied" in real.run(runner, "migrate", series, **environ).stdout


def test_a_file_finds_what_one_before_it_has_set(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path
) -> None:
    """For the database or the role: as with migrate, a session begins behind it."""
    sets = "do $$ begin execute format('alter database %I set search_path = z', current_database()); end $$;"
    texts = {"000_z.sql": "create schema z;", "001_set.sql": sets, "002_b.sql": "create table b (i int);"}
    app = make(tmp_path, app=texts)
    done = psql(each_server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url), each_url)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(each_url) as db:
        assert db.execute("select to_regclass('z.b') is not null").fetchone() == (True,)


def test_no_session_begins_where_none_is_needed(runner: CliRunner, tmp_path: Path, each_url: str) -> None:
    """Not behind the last file, nor for a password, which the URL does not know yet."""
    word, sets = "alter role current_user password 'x';", "alter role current_user set work_mem = '5MB';"
    app = make(tmp_path, app={"000_word.sql": word, "001_set.sql": sets, "002_set.sql": sets})
    text = write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url).read_text()
    assert text.count("\\connect\n") == 1
    assert text.index("/001_set.sql'") < text.index("\\connect\n") < text.index("/002_set.sql'")


def test_it_goes_on_from_where_the_ledger_is(
    runner: CliRunner, server: Server, url: str, tmp_path: Path
) -> None:
    """Only what is pending is in it."""
    app = make(tmp_path / "p", app=TWO)
    app.migrate(url, to=0)
    bundle = write(runner, app, "app", tmp_path / "b.sql", APP_URL=url)
    assert "000_one" not in bundle.read_text()
    assert psql(server, bundle, url).returncode == 0
    assert lines(app.run(runner, "migrate", APP_URL=url))[-1] == "nothing applied, app is at 001_two."


def test_it_refuses_another_state_of_the_ledger(
    runner: CliRunner, server: Server, url: str, other_url: str, tmp_path: Path
) -> None:
    """A second run, a database that is ahead, one of another series: nothing is changed."""
    app = make(tmp_path / "p", app=TWO)
    bundle = write(runner, app, "app", tmp_path / "b.sql", APP_URL=url)
    make(tmp_path / "q", other=TWO).migrate(other_url, to=0)
    for where in (url, other_url):
        psql(server, bundle, url)
        with database.connect(where, source="x") as connection:
            before = catalog.snapshot(connection, besides="")
            rows = database.query(connection, "select xmin::text, * from public.schema_migrations")
            again = psql(server, bundle, where)
            assert again.returncode == 3
            assert "made for another state of the ledger" in again.stderr
            assert catalog.snapshot(connection, besides="") == before
            assert database.query(connection, "select xmin::text, * from public.schema_migrations") == rows


@pytest.mark.parametrize("other", [{"000_uno.sql": TWO["000_one.sql"]}, {"000_one.sql": "select 1;"}])
def test_it_refuses_a_ledger_of_other_files(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path, other: dict[str, str]
) -> None:
    """The same number is not the same file: name and text count as well."""
    app = make(tmp_path / "p", app=TWO)
    app.migrate(each_url, to=0)
    bundle = write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url)
    with psycopg.connect(each_url) as db:
        db.execute("drop table public.schema_migrations")
        db.execute("drop table public.one")
    make(tmp_path / "q", app=other).migrate(each_url)
    done = psql(each_server, bundle, each_url)
    assert done.returncode == 3
    assert "made for another state of the ledger" in done.stderr
    with psycopg.connect(each_url) as db:
        assert db.execute("select to_regclass('public.two')").fetchone() == (None,)


def test_it_refuses_tables_without_a_ledger(
    runner: CliRunner, server: Server, url: str, tmp_path: Path
) -> None:
    """A database that filled up since the bundle was made is not touched."""
    app = make(tmp_path / "p", app=TWO)
    bundle = write(runner, app, "app", tmp_path / "b.sql", APP_URL=url)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create table public.theirs ()")
        done = psql(server, bundle, url)
        assert "this database has tables but no ledger" in done.stderr
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)


def test_it_refuses_a_routine_that_a_file_would_replace(
    runner: CliRunner, server: Server, url: str, tmp_path: Path
) -> None:
    """Another one of the same database is in nobody's way."""
    made = "create or replace function {}() returns int language sql as 'select {}';"
    app = make(
        tmp_path / "p", app={"000_f.sql": made.format("public.f", 1), "001_g.sql": made.format("s.g", 1)}
    )
    bundle = write(runner, app, "app", tmp_path / "b.sql", APP_URL=url)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"create schema s; {made.format('s.g', 2)} {made.format('public.f', 2)}".encode())
        assert "this database has tables but no ledger" in psql(server, bundle, url).stderr
        assert db.execute("select public.f()").fetchone() == (2,)
        db.execute("drop function public.f()")
        assert psql(server, bundle, url).returncode == 0
        assert db.execute("select public.f(), s.g()").fetchone() == (1, 1)


def test_a_failing_file_leaves_nothing_and_those_before_it_stay(
    runner: CliRunner, server: Server, url: str, tmp_path: Path
) -> None:
    """One transaction per file, as with migrate; psql ends with 3."""
    app = make(tmp_path / "p", app=TWO | {"001_two.sql": "create table public.two ();\nselect 1/0;\n"})
    done = psql(server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=url), url)
    assert done.returncode == 3
    with psycopg.connect(url) as db:
        assert db.execute("select version from public.schema_migrations").fetchall() == [("000",)]
        assert db.execute("select to_regclass('public.two')").fetchone() == (None,)


def test_it_takes_the_runners_lock(runner: CliRunner, server: Server, url: str, tmp_path: Path) -> None:
    """While a runner is at work the bundle refuses, and does not wait."""
    app = make(tmp_path / "p", app=TWO)
    bundle = write(runner, app, "app", tmp_path / "b.sql", APP_URL=url)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("select pg_advisory_lock(hashtextextended('public.schema_migrations', 0))")
        done = psql(server, bundle, url)
        assert "another runner is at work" in done.stderr
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)


def test_what_a_file_leaves_behind_reaches_neither_ledger_nor_next_file(
    runner: CliRunner, server: Server, url: str, tmp_path: Path
) -> None:
    """Role, search_path and encoding are put back; the recorded text is the file's, to the letter."""
    text = "create table public.one (t text);\nset search_path = pg_temp;\nset client_encoding = latin1;\n"
    second = "create table two (t text);\ninsert into two values ('é 漢 '' \\ :x $$ %');\n"
    app = make(tmp_path / "p", app={"000_one.sql": text, "001_two.sql": second})
    done = psql(server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=url), url)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(url) as db:
        rows = db.execute("select sql from public.schema_migrations order by version").fetchall()
        assert rows == [(text,), (second,)]
        assert db.execute("select t from public.two").fetchone() == ("é 漢 ' \\ :x $$ %",)
    assert app.run(runner, "verify", APP_URL=url).exit_code == 0


def test_a_file_without_a_transaction_is_in_it_too(
    runner: CliRunner, server: Server, url: str, tmp_path: Path
) -> None:
    """A concurrent index build runs outside any transaction, between its two ledger states."""
    files = TWO | {
        "002_i.sql": "-- runner: no-transaction\ncreate index concurrently i on public.one (id);\n"
    }
    app = make(tmp_path / "p", app=files)
    done = psql(server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=url), url)
    assert done.returncode == 0, done.stderr
    assert app.run(runner, "status", "--exit-code", APP_URL=url).exit_code == 0
    assert app.run(runner, "verify", "--drift", APP_URL=url).exit_code == 0


def test_a_bundle_judges_the_indexes_that_it_made(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path
) -> None:
    """Neither another team's invalid index nor a parent's that waits for its partitions stops it."""
    files = PARTITIONED | {"005_vacuum.sql": "-- runner: no-transaction\nvacuum full public.p_1;"}
    app = make(tmp_path / "p", app=files)
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("create table public.theirs (id int); insert into public.theirs values (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute("create unique index concurrently wreck on public.theirs (id)")
    bundle = write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url)
    done = psql(each_server, bundle, each_url)
    assert done.returncode == 0, done.stderr
    assert app.run(runner, "status", "--exit-code", APP_URL=each_url).exit_code == 0
    shown = [line for line in bundle.read_text().splitlines() if line.startswith("\\set lock_timeout")]
    assert shown == ["\\set lock_timeout 0", "\\set lock_timeout 0", "\\set lock_timeout 5s"]


def test_a_bundle_stops_over_the_index_that_it_names(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path
) -> None:
    """`if not exists` passes over an invalid index in silence; the bundle does not."""
    index = '-- runner: no-transaction\ncreate index concurrently if not exists "I" on public.one (id);'
    app = make(tmp_path / "p", app=TWO | {"002_i.sql": index})
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("insert into public.one values (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute('create unique index concurrently "I" on public.one (id)')
    done = psql(each_server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url), each_url)
    assert done.returncode != 0
    assert 'an index is invalid: public."I"' in done.stderr
    assert 'HINT:  drop index public."I"; Then make a new bundle.' in done.stderr


def test_a_bundle_says_how_an_index_that_is_needed_becomes_valid(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path
) -> None:
    """Nobody can drop what belongs to a constraint; it is built anew."""
    text = "-- runner: no-transaction\ncreate index concurrently if not exists one_key on public.one (id);"
    app = make(tmp_path / "p", app=TWO | {"002_i.sql": text})
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("alter table public.one add constraint one_key unique (id)")
        db.execute(
            "update pg_catalog.pg_index set indisvalid = false where indexrelid = 'public.one_key'::regclass"
        )
    done = psql(each_server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url), each_url)
    assert done.returncode != 0
    assert "HINT:  reindex index concurrently public.one_key; Then make a new bundle." in done.stderr


@pytest.mark.parametrize(
    "end",
    [
        "",
        "\n\n",
        " -- said",
        " -- said;",
        "\n-- said;\n",
        " /* said; */",
        "\n/* said */ -- too",
        "; -- said",
        "; /* said; */",
        ";\n-- said",
        ";;",
    ],
)
def test_a_file_may_end_as_psql_lets_it(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path, end: str
) -> None:
    """Without its last semicolon, or behind it with a comment that no line ends; recorded as it is."""
    text = f"create table public.one (id int);\nselect 1{end}"
    alone = "-- runner: no-transaction\ncreate index concurrently i on public.one (id)"
    app = make(tmp_path / "p", app={"000_one.sql": text, "001_i.sql": alone + end, "002_two.sql": text[34:]})
    done = psql(each_server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url), each_url)
    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(each_url) as db:
        rows = db.execute("select sql from public.schema_migrations order by version").fetchall()
    assert rows == [(text,), (alone + end,), (text[34:],)]
    assert app.run(runner, "verify", APP_URL=each_url).exit_code == 0


def test_a_dash_is_stdout(runner: CliRunner, server: Server, url: str, tmp_path: Path) -> None:
    """The bundle alone goes there, for a pipe into psql; the list of files goes to stderr."""
    app = make(tmp_path / "p", app=TWO)
    piped = app.run(runner, "plan", "app", "--sql", "-", APP_URL=url)
    assert (piped.exit_code, "pending  app/001_two.sql" in piped.stderr) == (0, True)
    assert piped.stdout == write(runner, app, "app", tmp_path / "b.sql", APP_URL=url).read_text()
    (tmp_path / "c.sql").write_text(piped.stdout)
    assert psql(server, tmp_path / "c.sql", url).returncode == 0
    assert not (tmp_path / "-").exists()
    both = app.run(runner, "plan", "app", "--sql", "-", "--json", APP_URL=url)
    assert (both.exit_code, "both write to stdout" in both.stderr) == (2, True)


def test_a_bundle_that_exists_stays(runner: CliRunner, url: str, tmp_path: Path) -> None:
    """Somebody may have reviewed it; --force makes it anew. A device is no file to be kept."""
    app = make(tmp_path / "p", app=TWO)
    file = tmp_path / "b.sql"
    file.write_text("reviewed")
    refused = app.run(runner, "plan", "app", "--sql", str(file), APP_URL=url)
    assert (refused.exit_code, f"{file} exists already" in refused.stderr) == (2, True)
    assert "--force" in refused.stderr
    assert file.read_text() == "reviewed"
    assert app.run(runner, "plan", "app", "--sql", str(file), "--force", APP_URL=url).exit_code == 0
    assert "create table if not exists public.one" in file.read_text()
    assert app.run(runner, "plan", "app", "--sql", "/dev/null", APP_URL=url).exit_code == 0


def test_it_is_for_one_series(runner: CliRunner, url: str, other_url: str, tmp_path: Path) -> None:
    """Two databases cannot be in one psql."""
    both = make(tmp_path, auth=TWO, specs=TWO)
    result = both.run(runner, "plan", "--sql", str(tmp_path / "b.sql"), AUTH_URL=url, SPECS_URL=other_url)
    assert (result.exit_code, "--sql is for one series" in result.stderr) == (2, True)


def test_no_secret_is_in_it(runner: CliRunner, url: str, tmp_path: Path) -> None:
    """The header names the variable, not its value."""
    app = make(tmp_path / "p", app=TWO)
    text = write(runner, app, "app", tmp_path / "b.sql", APP_URL=url + "&password=s3cr3t").read_text()
    assert "s3cr3t" not in text
    assert '"$APP_URL"' in text
