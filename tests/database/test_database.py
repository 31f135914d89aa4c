"""Connect, ask and name what went wrong, without ever repeating a password."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database
from runner.database import attention
from runner.database.attention import Attentive
from runner.database.url import redacted
from runner.errors import CannotConnect, DatabaseMissing, RunnerError, UrlMalformed

if TYPE_CHECKING:
    from tests.servers import Server

SECRET = "s3cr3t"
MALFORMED = {
    "latin-1 before a wrong parameter": f"postgresql://u:{SECRET}@h/%E9?nope",
    "at sign in the password": f"postgresql://u:{SECRET}@{SECRET}@h/db",
    "at sign at the end of the password": f"postgresql://u:{SECRET}@@h/db",
    "slash in the password": f"postgresql://u:{SECRET}/{SECRET}@h/db",
    "slash in the password, then digits": f"postgresql://u:12/{SECRET}@h/db",
    "question mark and at sign in the password": f"postgresql://u:{SECRET}?x@{SECRET}@h/db",
    "bare percent sign": f"postgresql://u:{SECRET}%zz@h/db",
    "another driver": f"postgresql+psycopg://u:{SECRET}@h/db",
    "another database": f"mysql://u:{SECRET}@h/db",
    "no scheme": f"u:{SECRET}@h/db",
    "question mark in the password, no host": f"postgresql://u:{SECRET}?{SECRET}=1",
    "a port that is no number": f"postgresql://u:{SECRET}@h:{SECRET}/db",
    "open bracket": f"postgresql://u:{SECRET}@[::1/db",
    "conninfo without a value": f"host=h password {SECRET}",
    "a blank in a secret without quotes": f"host=h oauth_client_secret=x {SECRET}=y",
    "a word": SECRET,
    "a host in the password": f"postgresql://u:1/x?host={SECRET}@h/db",
    "a parameter behind an open bracket": f"postgresql://[::1?{SECRET}=1",
    "what is no parameter's name": f"postgresql://h/db?{SECRET}%2B",
    "an ampersand in a secret": f"postgresql://h/db?oauth_client_secret=x&{SECRET}=y",
}


# What is wrong with a URL that a person or another tool has written: the part, and the cure.
FOREIGN = {
    "a newline behind": (f"postgresql://u:{SECRET}@h/db\n", "a newline or a blank stands", "printf"),
    "a newline in front": (f"\npostgresql://u:{SECRET}@h/db", "a newline or a blank stands", "printf"),
    "a newline inside": (f"postgresql://u:{SECRET}@h\n/db", "a newline or a blank stands", "printf"),
    "a blank behind": (f"postgresql://u:{SECRET}@h/db ", "a newline or a blank stands", "printf"),
    "carriage return": (f"postgresql://u:{SECRET}@h/db\r\n", "a newline or a blank stands", "printf"),
    "double quotes": (f'"postgresql://u:{SECRET}@h/db"', "quotes around it", "docker --env-file"),
    "single quotes": (f"'postgresql://u:{SECRET}@h/db'", "quotes around it", "docker --env-file"),
    "one quote": (f"postgresql://u:{SECRET}@h/db'", "quotes around it", "docker --env-file"),
    "quoted conninfo": (f"'host=h password={SECRET}'", "quotes around it", "docker --env-file"),
    "schema": (f"postgresql://u:{SECRET}@h/db?schema=public", "no parameter schema", "options=-csearch_path"),
    "pgbouncer": (f"postgresql://u:{SECRET}@h/db?pgbouncer=true", "parameter pgbouncer", "server's own port"),
    "connection_limit": (f"postgresql://u:{SECRET}@h/db?connection_limit=1", "connection_limit", "to look"),
    "sslaccept": (f"postgresql://u:{SECRET}@h/db?sslaccept=strict", "parameter sslaccept", "sslmode=require"),
    "the second one": (f"postgresql://u:{SECRET}@h/db?sslmode=require&pool_timeout=3", "pool_timeout", "out"),
    "ssl": (f"postgresql://u:{SECRET}@h/db?ssl=require", "parameter ssl but", "sslmode=require"),
    "unknown": (f"postgresql://u:{SECRET}@h/db?nope={SECRET}", "no parameter nope", "Take nope=… out"),
    "a dash": (f"postgresql://u:{SECRET}@h/db?pool-size=3", "no parameter pool-size", "Take pool-size=… out"),
    "a digit": (f"postgresql://u:{SECRET}@h/db?sslmode2=x", "no parameter sslmode2", "Take sslmode2=… out"),
    "no value": (
        f"postgresql://u:{SECRET}@h/db?sslmode",
        "its parameter sslmode has no value",
        "sslmode=VALUE",
    ),
    "of conninfo": (f"host=h nope=1 password={SECRET}", "no parameter nope", "Take nope=… out"),
    "sslmode": (f"postgresql://u:{SECRET}@h/db?sslmode={SECRET}", "its sslmode is none", "verify-full"),
    "& for ?": (f"postgresql:///db&user=u&password={SECRET}", "its dbname holds another", "begin with ?"),
    "; for ?": (f"postgresql://u@/db;password={SECRET}?host=h", "its dbname holds another", "begin with ?"),
    "; for blanks": (f"host=h;user=u;password={SECRET}", "its host holds another parameter", "with blanks"),
    ", for blanks": (f"host=h,password={SECRET} dbname=d", "its host holds another parameter", "with blanks"),
    "& for @": (f"postgresql://u&pwd={SECRET}@h/db", "its user holds another", "apart with &"),
    "? for a blank": (f"dbname=db?user=u&pass={SECRET}", "its dbname holds another parameter", "with blanks"),
    "of a service": (f"service=s;password={SECRET}", "its service holds another parameter", "with blanks"),
    "of a port": (f"host=h port=1;password={SECRET}", "its port holds another parameter", "with blanks"),
    "of a file": (f"sslrootcert=/a;password={SECRET}", "its sslrootcert holds another", "with blanks"),
    "latin-1": (f"postgresql://u:{SECRET}%E9@h/db", "bytes that are no UTF-8", "é is %C3%A9"),
    "latin-1 as it is": (f"postgresql://u:{SECRET}\udce9@h/db", "bytes that are no UTF-8", "é is %C3%A9"),
}


def everything(error: BaseException) -> str:
    """Return all that could be printed of an error and its causes, those that are not shown, too."""
    parts = [str(error), repr(error)]
    if isinstance(error, RunnerError):
        parts += [error.remedy or "", *error.notes]
    if before := error.__cause__ or error.__context__:
        parts.append(everything(before))
    return "\n".join(parts)


@pytest.mark.parametrize("url", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_url_is_named_by_its_variable_only(url: str) -> None:
    """The message names the variable and how to write a URL, and repeats nothing of this one."""
    with pytest.raises(UrlMalformed, match="DATABASE_URL_AUTH is malformed") as caught:
        database.connect(url, source="DATABASE_URL_AUTH")
    assert SECRET not in everything(caught.value)
    assert "%40" in (caught.value.remedy or "")


@pytest.mark.parametrize(("url", "part", "cure"), FOREIGN.values(), ids=FOREIGN.keys())
def test_the_part_of_a_url_that_is_not_libpqs_is_named_with_its_cure(url: str, part: str, cure: str) -> None:
    """Not a word about passwords, where that is not what is wrong; and nothing of the URL's values."""
    with pytest.raises(UrlMalformed, match="DATABASE_URL_AUTH is malformed") as caught:
        database.connect(url, source="DATABASE_URL_AUTH")
    assert part in caught.value.message
    assert cure in (caught.value.remedy or "")
    assert "%40" not in everything(caught.value)
    assert SECRET not in everything(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/db?sslmode=verify-full&ssl=true", {"sslmode": "require"}),
        ("host=h password=' x '\n", {"password": " x "}),
        ("host=h password='x'", {"password": "x"}),
        ("postgresql://u:p%40ss@h:5433/db", {"user": "u", "password": "p@ss", "host": "h", "port": "5433"}),
        ("postgres://u@/db?host=/run/postgresql", {"user": "u", "host": "/run/postgresql"}),
        ("host=h dbname=db password='p@s s'", {"host": "h", "password": "p@s s"}),
        ("postgresql://h1:1,h2:2/db", {"host": "h1,h2", "port": "1,2"}),
        ("postgresql://u:p#w?x:y@h/db", {"password": "p#w?x:y", "host": "h"}),
        ("postgresql://h/db?sslmode=disable", {"sslmode": "disable"}),
        ("service=mine", {"service": "mine"}),
        ("postgresql://u:p%40@%40app:5433/db", {"password": "p@", "host": "@app", "port": "5433"}),
        ("postgresql:///db?host=@app", {"host": "@app"}),
        ("postgresql:///R&D?host=h", {"dbname": "R&D"}),
        ("host=h options=-cpassword_encryption=md5", {"options": "-cpassword_encryption=md5"}),
        ("host=h options=-capp.password=a;b=c", {"options": "-capp.password=a;b=c"}),
        ("postgresql://u:a;password=b&user=c@h/db", {"password": "a;password=b&user=c"}),
        ("host=@app,/run/postgresql,@b", {"host": "@app,/run/postgresql,@b"}),
    ],
)
def test_what_libpq_understands_is_understood(url: str, expected: dict[str, str]) -> None:
    """URLs and conninfo texts, sockets, several hosts and services are passed through."""
    assert expected.items() <= database.parse(url, source="x").items()


def test_an_unreachable_server_is_worth_another_try() -> None:
    """The error says so with its exit code, and does not repeat the password."""
    with pytest.raises(CannotConnect) as caught:
        database.connect(f"postgresql://u:{SECRET}@127.0.0.1:1/db", source="APP_URL")
    assert caught.value.exit_code == 5
    assert "refused" in "".join(caught.value.notes)
    assert SECRET not in everything(caught.value)


def test_a_password_in_the_servers_words_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should libpq ever repeat the password, it is replaced."""

    def refuse(*_: object, **__: object) -> None:
        raise psycopg.OperationalError(f"no, {SECRET} is wrong")

    monkeypatch.setattr(Attentive, "connect", refuse)
    with pytest.raises(CannotConnect) as caught:
        database.connect(f"postgresql://u:{SECRET}@h/db", source="APP_URL")
    assert caught.value.notes == ("no, *** is wrong",)
    assert SECRET not in everything(caught.value)


@pytest.mark.parametrize(
    ("password", "text", "shown"),
    [
        ("p", 'port 1 failed: "p" is wrong', 'port 1 failed: "***" is wrong'),
        ("postgres", 'for user "postgres"', 'for user "postgres"'),
        ("ab", "cab abc ab", "cab abc ***"),
        ("!", "is ! wrong", "is *** wrong"),
        ("longer words", 'no "xlonger wordsx"', 'no "x***x"'),
    ],
)
def test_a_password_is_left_out_without_being_told(password: str, text: str, shown: str) -> None:
    """A short one within words, or one that is the user's name, would be told by what is missing."""
    assert redacted(text, {"user": "postgres", "password": password}) == (shown,)
    assert redacted(text, {"user": "postgres", "sslpassword": password}) == (shown,)


def test_a_missing_database_is_told_from_a_missing_server(each_server: Server) -> None:
    """The remedy is the statement that creates it, quoted where it must be."""
    with pytest.raises(DatabaseMissing, match="has no database Not-There") as caught:
        database.connect(each_server.url("Not-There"), source="APP_URL")
    assert 'create database "Not-There";' in (caught.value.remedy or "")


def test_every_connection_speaks_utf8(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PGCLIENTENCODING does not decide how a file reaches the server."""
    monkeypatch.setenv("PGCLIENTENCODING", "latin1")
    with database.connect(url, source="x") as connection:
        assert database.query(connection, "show client_encoding") == [("UTF8",)]


def test_a_url_becomes_variables_for_psql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything with a libpq variable, the password included, goes there; the rest stays a conninfo."""
    monkeypatch.setenv("PGUSER", "somebody")
    monkeypatch.setenv("PGSSLROOTCERT", "/a/root.crt")
    url = f"postgresql://u:{SECRET}@h:5433/db?sslmode=require&keepalives_idle=30"
    environ, conninfo = database.environment(url, source="x")
    assert {name: value for name, value in environ.items() if name.startswith("PG")} == {
        "PGUSER": "u",
        "PGPASSWORD": SECRET,
        "PGHOST": "h",
        "PGPORT": "5433",
        "PGDATABASE": "db",
        "PGSSLMODE": "require",
        "PGSSLROOTCERT": "/a/root.crt",
    }
    assert conninfo == "keepalives_idle=30"
    assert environ["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    "name", ["sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"]
)
def test_a_secret_that_has_no_variable_is_left_out_for_psql(name: str) -> None:
    """Its arguments, where it would stand, are seen by every user of the machine."""
    environ, conninfo = database.environment(f"postgresql://h/db?{name}={SECRET}&keepalives=1", source="x")
    assert conninfo == "keepalives=1"
    assert SECRET not in environ.values()


@pytest.mark.parametrize(
    ("demand", "conninfo"),
    [
        ("require_auth=!password", "require_auth=!password"),
        ("sslcertmode=require", "sslcertmode=require"),
        ("min_protocol_version=3.2", "min_protocol_version=3.2"),
        ("sslmode=require", ""),
        ("load_balance_hosts=random", ""),
    ],
)
def test_a_demand_that_an_old_psql_overlooks_is_its_argument_too(demand: str, conninfo: str) -> None:
    """What it does not know it refuses there; a variable that it does not know protects nobody."""
    environ, rest = database.environment(f"postgresql://u:{SECRET}@h/db?{demand}", source="x")
    assert rest == conninfo
    assert environ[f"PG{demand.partition('=')[0].upper().replace('_', '')}"] == demand.partition("=")[2]


def test_the_certificates_of_the_system_are_demanded_of_an_old_psql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Since PostgreSQL 16 that checks the server; an older one would look for a file, and do without."""
    monkeypatch.delenv("PGSSLMODE", raising=False)
    environ, _ = database.environment("postgresql://h/db?sslrootcert=system", source="x")
    assert (environ["PGSSLROOTCERT"], environ["PGSSLMODE"]) == ("system", "verify-full")


def test_fill_quotes_every_value() -> None:
    """A value in a message cannot become SQL."""
    assert database.fill("select {x}, {y}", x="it's; drop", y=None) == "select 'it''s; drop', NULL"


@pytest.mark.parametrize(
    "text", ["", "'", "''", "it's", "a\\", "\\'", "'\\", "\n", "\N{SNOWMAN}'", "$$", "%s {x}"]
)
@pytest.mark.parametrize("conforming", ["on", "off"])
def test_what_is_filled_in_comes_back_as_it_was(each_url: str, text: str, conforming: str) -> None:
    """Quotes, backslashes and whatever else mean nothing in a value, whatever a database says of strings."""
    with database.connect(each_url, source="x") as connection:
        connection.execute(f"set standard_conforming_strings = {conforming}".encode())
        message = database.fill("select {value}, {after}", value=text, after="'")
        [result] = database.ask(connection, message)
        assert database.rows(connection, result) == [(text, "'")]


def test_send_returns_the_results_up_to_the_error(each_url: str) -> None:
    """The number of finished statements is known, which tells where an error without a position was."""
    with database.connect(each_url, source="x") as connection:
        results = database.send(connection, "select 1; select 2; select 1/0; select 4")
        error = database.failure(results)
        assert len(results) == 3
        assert error is not None
        assert error.sqlstate == "22012"
        with pytest.raises(psycopg.errors.DivisionByZero):
            database.run(connection, "select 1/0")


def test_ctrl_c_cancels_the_statement_on_the_server(url: str) -> None:
    """The wait ends at once and the server works no more."""
    with database.connect(url, source="x") as connection, database.connect(url, source="x") as other:
        asleep = "select 1 from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
        pid = connection.info.backend_pid

        def press() -> None:
            while not database.query(other, asleep, pid):
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=press, daemon=True).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):  # psycopg's own, from its wait
            database.send(connection, "begin; select pg_sleep(60)")
        assert time.monotonic() - started < 10
        busy = "select count(*) from pg_stat_activity where query ~ 'sleep' and state = 'active' and pid = %s"
        assert database.query(other, busy, pid) == [(0,)]
        database.roll_back(connection)
        assert database.query(connection, "select 1") == [(1,)]


def test_a_cancel_that_came_before_the_message_was_read_is_repeated(url: str) -> None:
    """A server that was busy elsewhere takes the request while it waits for a message, and ignores it."""
    with database.connect(url, source="x") as connection, database.connect(url, source="x") as other:
        pid = connection.info.backend_pid

        def interrupt() -> None:
            threading.Timer(0.1, os.kill, (pid, signal.SIGCONT)).start()
            raise KeyboardInterrupt

        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(KeyboardInterrupt):
            database.send(connection, "select pg_sleep(60)", idle=interrupt)
        busy = "select count(*) from pg_stat_activity where pid = %s and state = 'active'"
        assert database.query(other, busy, pid) == [(0,)]
        assert database.query(connection, "select 1") == [(1,)]


def test_roll_back_closes_a_connection_that_cannot(url: str) -> None:
    """A connection the server has ended is closed, so that nothing waits for it."""
    with database.connect(url, source="x") as connection, database.connect(url, source="x") as other:
        database.run(connection, "begin")
        database.query(other, "select pg_terminate_backend(%s)", connection.info.backend_pid)
        database.roll_back(connection)
        assert connection.closed


def test_create_missing_leaves_what_exists(server: Server) -> None:
    """Databases are created once."""
    with database.connect(server.url("postgres"), source="x") as connection:
        for _ in range(2):
            database.create_missing(connection, ["postgres", "Made-Here"])
        assert database.query(connection, "select count(*) from pg_database where datname = 'Made-Here'") == [
            (1,)
        ]
        connection.execute('drop database "Made-Here"')


def test_an_error_without_sqlstate_means_that_the_connection_is_lost(url: str) -> None:
    """Libpq's own error counts before libpq calls the connection bad; the server's errors do not."""
    with database.connect(url, source="APP_URL") as connection:
        assert database.is_lost(connection, database.ConnectionBroken("server closed the connection"))
        refused = database.failure(database.send(connection, "select 1/0"))
        assert refused
        assert not database.is_lost(connection, refused)
        connection.close()
        assert database.is_lost(connection, refused)


@pytest.mark.parametrize(
    "url", ["postgresql://u:x?hunter=1", "postgresql://h:x?hunter=1&schema=y", "host=h password=x hunter=1"]
)
def test_what_may_be_a_part_of_a_password_is_no_parameter(url: str) -> None:
    """A question mark in a password begins nothing that could be named."""
    with pytest.raises(UrlMalformed) as caught:
        database.connect(url, source="APP_URL")
    assert "hunter" not in everything(caught.value)


@pytest.mark.parametrize("url", ["postgresql://h", "postgresql://u@h/", "host=h user=u", "postgresql://h/?a"])
def test_a_url_without_a_database_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libpq would take one named like the role, which is nobody's wish; a variable may name it."""
    if "?" in url:
        url = url.replace("?a", "?application_name=a")
    with pytest.raises(DatabaseMissing, match="The URL in APP_URL names no database") as caught:
        database.check_database(url, source="APP_URL")
    assert "HOST:PORT/DATABASE" in (caught.value.remedy or "")
    monkeypatch.setenv("PGDATABASE", "there")
    database.check_database(url, source="APP_URL")


def test_a_question_in_an_open_transaction_leaves_it_open(url: str) -> None:
    """Whoever began it ends it: what was asked in between has neither committed nor settled anything."""
    with database.connect(url, source="the test") as connection:
        database.run(connection, "begin; create table public.a (x int); set local search_path = public")
        assert database.query_quoted(connection, "select count(*) from a where x = $1", 1) == [(0,)]
        assert database.query(connection, "select count(*) from a") == [(0,)]
        assert database.in_transaction(connection)
        database.run(connection, "rollback")
        assert database.query(connection, "select pg_catalog.to_regclass('public.a')") == [(None,)]


@pytest.mark.parametrize("name", ["PGPASSWORD", "PGOPTIONS", "PGPASSFILE"])
def test_a_variable_that_is_no_utf_8_hides_no_reason(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Why there is no connection is told, and nothing that is raised holds what the variable does."""
    monkeypatch.setitem(os.environb, name.encode(), b"Sekr1t\xe9")
    with pytest.raises(CannotConnect) as caught:
        database.connect("postgresql://u@127.0.0.1:1/db", source="APP_URL")
    assert "Sekr1t" not in everything(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PGDATABASE", "db;password=", "is malformed: its dbname holds another parameter"),
        ("PGUSER", "u&password=", "is malformed: its user holds another parameter"),
        ("PGHOST", "127.0.0.1,password=", "is malformed: its host holds another parameter"),
        ("PGSSLMODE", "require;password=", "is malformed: its sslmode holds another parameter"),
        ("PGSERVICE", "s;password=", "holds what libpq does not take"),
        ("PGTARGETSESSIONATTRS", "any;password=", "holds what libpq does not take"),
    ],
)
def test_a_password_that_a_variable_holds_by_mistake_is_not_told(
    server: Server, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    """What libpq says of a value is hidden from where a password begins, as in a missing service."""
    monkeypatch.setenv("PGHOST", server.host)
    monkeypatch.setenv(variable, f"{value}{SECRET}")
    with pytest.raises(UrlMalformed, match=f"or a PG variable or service beside it, {told}") as caught:
        database.connect("port=5432", source="APP_URL")
    assert SECRET not in everything(caught.value)


@pytest.mark.parametrize("port", ["0", "65536", "99999", "5432,other:99999"])
def test_a_port_that_cannot_be_is_no_reason_to_try_again(port: str) -> None:
    """No server will ever answer there."""
    with pytest.raises(UrlMalformed, match="its port is not between 1 and 65535"):
        database.parse(f"postgresql://u@h:{port}/db", source="x")


@pytest.mark.parametrize("name", ["password", "sslpassword"])
def test_what_may_belong_to_a_password_among_the_parameters_is_not_named(name: str) -> None:
    """An & in it, that is not written as %26, ends it."""
    with pytest.raises(UrlMalformed) as caught:
        database.parse(f"postgresql://u@h/db?{name}=abc&Def9", source="x")
    assert "Def9" not in everything(caught.value)


def test_variables_are_not_hidden_over_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other threads may need them, and a server may take long to start."""
    monkeypatch.setenv("PGHOST", "elsewhere.invalid")
    seen = []
    monkeypatch.setattr(attention, "pause", lambda _: seen.append(os.environ.get("PGHOST")))
    url = f"postgresql://p@/x?host=127.0.0.1&port=1&fallback_application_name={database.EMBEDDED}"
    with pytest.raises(CannotConnect):
        database.connect(url, source="it", wait=0.2)
    assert set(seen) == {"elsewhere.invalid"}


def test_no_thread_brings_the_variables_back_while_another_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one waits for the first; at the end they are all there."""
    monkeypatch.setenv("PGHOST", "elsewhere.invalid")

    def look(number: int) -> bool:
        time.sleep(number * 0.03)
        with database.surroundings({"fallback_application_name": database.EMBEDDED}):
            time.sleep(0.05)
            return "PGHOST" in os.environ

    with ThreadPoolExecutor(2) as pool:
        assert not any(pool.map(look, range(2)))
    assert os.environ["PGHOST"] == "elsewhere.invalid"
