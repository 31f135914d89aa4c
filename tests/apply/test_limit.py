"""A limit of the server that strikes a file is told as what it is, with what lifts it: never "try again"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner.apply.event import Retrying
from runner.errors import SqlFailed
from tests.project import Project, make, statements

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

SLOW = "create table public.slow (id int); select pg_sleep(5);"
DEFERRED = """
    create table public.late (id int);
    create function public.wait() returns trigger language plpgsql as
        $$ begin perform pg_sleep(5); return null; end $$;
    create constraint trigger wait after insert on public.late
        deferrable initially deferred for each row execute function public.wait();
    insert into public.late values (1);
"""
ALONE = "-- runner: no-transaction\nselect pg_sleep(5);"
SLOWLY = """
    create table public.one as select generate_series(1, 12) as id;
    create function public.slow(int) returns int immutable language plpgsql as
        $$ begin perform pg_sleep(0.1); return $1; end $$;
"""
TEXTS = {"a statement": SLOW, "deferred to the commit": DEFERRED, "without a transaction": ALONE}


def _set(url: str, *settings: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        for setting in settings:
            db.execute(f"alter database {db.info.dbname} set {setting}")


def _made(url: str) -> object:
    with psycopg.connect(url) as db:
        return db.execute("select to_regclass('public.slow'), to_regclass('public.late')").fetchone()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_databases_own_statement_timeout_holds_for_a_file(
    tmp_path: Path, each_url: str, text: str
) -> None:
    """It ends the file and is named with its value; --statement-timeout lifts it."""
    _set(each_url, "statement_timeout = 300")
    app = make(tmp_path, app={"000_slow.sql": text})
    result = app.run(CliRunner(), "migrate", APP_URL=each_url)
    assert result.exit_code == 1, result.output
    assert "error SQL_FAILED: app/000_slow.sql" in result.stderr
    assert "statement_timeout is 300ms for this role and database" in result.stderr
    assert "alter role postgres set statement_timeout = 0;" in result.stderr
    assert _made(each_url) == (None, None)
    app.write("app", {"000_slow.sql": text.replace("pg_sleep(5)", "pg_sleep(0.5)")})
    result = app.run(CliRunner(), "migrate", "--statement-timeout", "0", APP_URL=each_url)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("scope", ["", " in database {}"], ids=["of the role", "of the role in the database"])
def test_what_lifts_a_statement_timeout_of_the_role_works(tmp_path: Path, each_url: str, scope: str) -> None:
    """What is set for the role in this database counts before what is set for the role everywhere."""
    app = make(tmp_path, app={"000_slow.sql": SLOW.replace("pg_sleep(5)", "pg_sleep(0.6)")})
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("create role slowly login; grant all on schema public to slowly")
        role = f"alter role slowly{scope.format(db.info.dbname)}"
        db.execute(f"{role} set statement_timeout = 300".encode())
        try:
            url = each_url.replace("postgres@", "slowly@")
            result = app.run(CliRunner(), "migrate", APP_URL=url)
            assert "statement_timeout is 300ms for this role and database" in result.stderr, result.output
            cure = statements(result.stderr.rpartition("or: ")[2])
            assert cure == f"{role} set statement_timeout = 0;"
            db.execute(cure.encode())
            result = app.run(CliRunner(), "migrate", APP_URL=url)
        finally:
            db.execute("drop owned by slowly; drop role slowly")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("option", ["-cstatement_timeout%3D300", "--Statement-Timeout%3D300"])
def test_a_statement_timeout_in_the_url_is_looked_for_there(
    tmp_path: Path, each_url: str, option: str
) -> None:
    """Nothing that is set on the server lifts it."""
    app = make(tmp_path, app={"000_slow.sql": SLOW})
    result = app.run(CliRunner(), "migrate", APP_URL=f"{each_url}&options={option}")
    assert (result.exit_code, "alter role" in result.stderr) == (1, False), result.output
    assert "statement_timeout is 300ms among the options of the URL or of PGOPTIONS:" in result.stderr


def test_a_transaction_timeout_in_the_url_is_looked_for_there(tmp_path: Path, url: str) -> None:
    """A file outside any transaction cannot lift it, nor can the role's setting."""
    app = make(tmp_path, app={"000_slow.sql": ALONE})
    result = app.run(CliRunner(), "migrate", APP_URL=f"{url}&options=-ctransaction_timeout%3D700")
    assert (result.exit_code, "alter role" in result.stderr) == (1, False), result.output
    assert "transaction_timeout is among the options of the URL or of PGOPTIONS:" in result.stderr


def test_a_statement_timeout_of_the_command_is_named_as_such(tmp_path: Path, each_url: str) -> None:
    """The remedy is to give it more."""
    app = make(tmp_path, app={"000_slow.sql": SLOW})
    result = app.run(CliRunner(), "migrate", "--statement-timeout", "0.3", APP_URL=each_url)
    assert (result.exit_code, "--statement-timeout is 0.3 s" in result.stderr) == (1, True), result.output


@pytest.mark.parametrize("option", ["--statement-timeout", "--lock-timeout"])
def test_a_time_is_never_none_nor_too_long_for_the_server(tmp_path: Path, url: str, option: str) -> None:
    """A tenth of a millisecond is one, and no limit is 0 alone; a thousand years are as long as can be."""
    app = make(tmp_path, app={"000_slow.sql": SLOW} | {"001_two.sql": "select 1;"})
    if option == "--statement-timeout":
        result = app.run(CliRunner(), "migrate", option, "0.0001", APP_URL=url)
        assert (result.exit_code, "SQLSTATE 57014" in result.stderr) == (1, True), result.output
    app.write("app", {"000_slow.sql": "select 1;"})
    result = app.run(CliRunner(), "migrate", option, "99999999999", APP_URL=url)
    assert result.exit_code == 0, result.output


def test_what_somebody_cancelled_is_no_timeout(tmp_path: Path, each_url: str) -> None:
    """Nor is a timeout that the file sets itself the server's."""
    app = make(tmp_path, app={"000_slow.sql": f"set statement_timeout = 200; {SLOW}"})
    result = app.run(CliRunner(), "migrate", APP_URL=each_url)
    assert (result.exit_code, "Somebody cancelled it, or" in result.stderr) == (1, True), result.output
    _set(each_url, "statement_timeout = '10min'")
    for options in ([], ["--statement-timeout", "600"]):
        result = app.run(CliRunner(), "migrate", *options, APP_URL=each_url)
        assert "If it took less: somebody cancelled it, or" in result.stderr, result.output


@pytest.mark.parametrize("text", [SLOW, DEFERRED], ids=["a statement", "deferred to the commit"])
def test_a_transaction_timeout_is_named(tmp_path: Path, server: Server, url: str, text: str) -> None:
    """PostgreSQL 17 and later end the whole session with it; trying again would end as before."""
    assert server.version >= 17
    _set(url, "transaction_timeout = 700")
    app = make(tmp_path, app={"000_slow.sql": text})
    result = app.run(CliRunner(), "migrate", APP_URL=url)
    assert result.exit_code == 1, result.output
    assert "error SQL_FAILED: app/000_slow.sql" in result.stderr
    assert "set local transaction_timeout = 0;" in result.stderr
    assert "run again" not in result.stderr.lower()
    assert _made(url) == (None, None)


def test_a_transaction_timeout_that_strikes_before_the_file_begins_is_named(tmp_path: Path, url: str) -> None:
    """The ledger cannot be read in time, nothing of the file has run; to try again helps as little."""
    app = make(tmp_path, app={"000_one.sql": "create table public.one (id int);"})
    list(app.events(url))
    app.write("app", {"001_slow.sql": SLOW})
    _set(url, "transaction_timeout = 500")
    events = app.events(url)
    next(events)
    with psycopg.connect(url) as other:
        other.execute("set local transaction_timeout = 0; lock table public.schema_migrations")
        with pytest.raises(SqlFailed) as caught:
            list(events)
    assert "alter role … set transaction_timeout = 0;" in str(caught.value.remedy)
    assert "run again" not in str(caught.value.remedy).lower()
    assert _made(url) == (None, None)


@pytest.mark.parametrize("name", ["i", ""], ids=["named", "by the server"])
def test_what_lifts_a_transaction_timeout_for_a_file_outside_any_works(
    tmp_path: Path, server: Server, url: str, name: str
) -> None:
    """No `set local` does. The index that it left invalid is named though the session is closed."""
    assert server.version >= 17
    app = make(tmp_path, app={"000_one.sql": SLOWLY})
    app.migrate(url)
    index = f"create index concurrently {name} on public.one (public.slow(id));"
    app.write("app", {"001_i.sql": f"-- runner: no-transaction\n{index}"})
    _set(url, "transaction_timeout = 700")
    result = app.run(CliRunner(), "migrate", APP_URL=url)
    assert (result.exit_code, "error SQL_FAILED: app/001_i.sql" in result.stderr) == (1, True), result.output
    assert "set local" not in result.stderr
    remedy = statements(result.stderr.rpartition("It ran outside any transaction.")[2])
    with psycopg.connect(url, autocommit=True) as db:
        role = f"alter role postgres in database {db.info.dbname} set transaction_timeout = 0;"
        assert remedy == f"drop index public.{name or 'one_slow_idx'}; {role}"
        for statement in remedy.split("; "):
            db.execute(statement)
        try:
            result = app.run(CliRunner(), "migrate", APP_URL=url)
        finally:
            db.execute(f"alter role postgres in database {db.info.dbname} reset all")
    assert result.exit_code == 0, result.output


def test_a_file_may_lift_the_transaction_timeout(tmp_path: Path, url: str) -> None:
    """As the remedy says."""
    _set(url, "transaction_timeout = 1000")
    text = f"set local transaction_timeout = 0; {SLOW.replace('5', '1.5')}"
    app = make(tmp_path, app={"000_slow.sql": text})
    result = app.run(CliRunner(), "migrate", APP_URL=url)
    assert result.exit_code == 0, result.output


def test_a_file_that_fills_its_share_of_the_disk_is_not_worth_another_try(
    tmp_path: Path, each_url: str
) -> None:
    """temp_file_limit is told in the server's words, with exit code 1."""
    _set(each_url, "temp_file_limit = '100kB'", "work_mem = '64kB'")
    text = "create table public.slow as select n from generate_series(1, 200000) as n order by -n;"
    app = make(tmp_path, app={"000_sort.sql": text})
    result = app.run(CliRunner(), "migrate", APP_URL=each_url)
    assert (result.exit_code, "SQLSTATE 53400" in result.stderr) == (1, True), result.output


def test_an_error_of_any_file_is_its_own_though_it_ends_the_session(tmp_path: Path, each_url: str) -> None:
    """The files before it have given back their settings, and exit_on_error is on again."""
    _set(each_url, "exit_on_error = on")
    app = make(tmp_path, app={"000_one.sql": "select 1;", "001_two.sql": "select 1;\nselect 1/0;"})
    result = app.run(CliRunner(), "migrate", APP_URL=each_url)
    assert result.exit_code == 1
    assert "error SQL_FAILED: app/001_two.sql" in result.stderr
    assert "--> app/001_two.sql:2:" in result.stderr


def test_a_lock_that_is_waited_for_too_long_is_tried_again_though_it_ends_the_session(
    tmp_path: Path, each_url: str
) -> None:
    """In a new session: the old one is gone with its exit_on_error."""
    _set(each_url, "exit_on_error = on")
    app = make(tmp_path, app={"000_one.sql": "create table t ();"})
    app.migrate(each_url)
    app.write("app", {"001_two.sql": "select 1;", "002_three.sql": "drop table t;"})
    with psycopg.connect(each_url) as holder:
        holder.execute("lock table t in access share mode")
        for event in app.events(each_url, lock_timeout=0.2):
            if isinstance(event, Retrying):
                holder.rollback()
    with psycopg.connect(each_url) as db:
        assert db.execute("select count(*) from schema_migrations").fetchone() == (3,)


def test_a_session_that_idles_while_another_database_is_migrated_stays(
    tmp_path: Path, url: str, other_url: str
) -> None:
    """idle_session_timeout of the second database does not end the run."""
    for one in (url, other_url):
        _set(one, "idle_session_timeout = 700")
    two: Project = make(
        tmp_path, auth={"000_slow.sql": "select pg_sleep(2);"}, specs={"000_one.sql": "select 1;"}
    )
    result = two.run(CliRunner(), "migrate", AUTH_URL=url, SPECS_URL=other_url)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("setting", ["idle_session_timeout = 500", "exit_on_error = on"])
def test_a_session_that_idles_before_a_file_is_tried_again_stays(
    tmp_path: Path, each_url: str, setting: str
) -> None:
    """The pause after a lock timeout may be longer than idle_session_timeout, and no error ends a session."""
    _set(each_url, setting)
    app = make(tmp_path, app={"000_one.sql": "create table public.slow (id int);",
                              "001_two.sql": "alter table public.slow add column more int;"})  # fmt: skip
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as db:
        db.execute("set idle_session_timeout = 0; begin; select * from public.slow")
        events = app.events(each_url, lock_timeout=0.1)
        told = []
        for event in events:
            told.append(type(event).__name__)
            if told.count("Retrying") == 4:  # 0.1, 0.2, 0.4 and 0.8 seconds
                db.rollback()
    assert told[-1] == "Outcome"
