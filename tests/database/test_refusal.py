"""Tell why a connection could not be made, and whether another try can help."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import psycopg
import pytest
from psycopg import waiting
from psycopg.conninfo import conninfo_to_dict

from runner import database
from runner.database import attention, denial, refusal, session
from runner.database.denial import Told
from runner.database.url import EMBEDDED
from runner.errors import CannotConnect, RunnerError
from tests import servers
from tests.faults.stage import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

TLS = Path(__file__).parent / "tls"
_HBA = """
local all secret scram-sha-256
local all rejected reject
local all nobody_like_that peer
local all all trust
host all all 127.0.0.1/32 trust
"""
_MADE = (
    "create role secret login password 'right'",
    "create role rejected login",
    "create role nobody_like_that login",
    "create role dormant nologin",
    "create role plain login",
    "create role crowded login connection limit 1",
    "create role reader login",
    "alter role reader set default_transaction_read_only = on",
    "create role overloaded login",
    "alter role overloaded set session_preload_libraries = 'not_there'",
    "create database shut allow_connections false",
    "create database closed connection limit 0",
    "create database narrow connection limit 1",
    "create database private",
    "create database invalid",
    "update pg_database set datconnlimit = -2 where datname = 'invalid'",
    "revoke connect on database private from public",
)
# User, password, database, options of the URL, and what they come to.
REFUSED = {
    "a wrong password": ("secret", "wrong", "postgres", "", "ACCESS_DENIED", "Check user and password"),
    "no password": ("secret", "", "postgres", "", "ACCESS_DENIED", "a password file"),
    "no entry in pg_hba.conf": ("rejected", "", "postgres", "", "ACCESS_DENIED", "pg_hba.conf"),
    "peer": ("nobody_like_that", "", "postgres", "", "ACCESS_DENIED", "pg_hba.conf"),
    "no such role": ("nobody", "", "postgres", "", "ROLE_MISSING", "create role nobody login;"),
    "a role that may not log in": ("dormant", "", "postgres", "", "ROLE_MISSING", "login;"),
    "no such database": ("plain", "", "None", "", "DATABASE_MISSING", 'create database "None";'),
    "not there behind a password": ("secret", "right", "nope", "", "DATABASE_MISSING", "database nope;"),
    "no right to connect": (
        "plain", "", "private", "", "ACCESS_DENIED", "grant connect on database private to plain;"
    ),
    "a setting that needs a right": (
        "plain", "", "postgres", "&options=-c%20session_replication_role%3Dreplica", "ACCESS_DENIED",
        "Correct the option",
    ),
    "a session for replication": (
        "plain", "", "postgres", "&replication=database", "ACCESS_DENIED", "Take `replication` out of the URL"
    ),
    "a database that takes nobody": ("plain", "", "shut", "", "ACCESS_DENIED", "shut allow_connections true"),
    "a drop that was interrupted": ("plain", "", "invalid", "", "ACCESS_DENIED", "drop database invalid;"),
    "a database closed by its limit": ("plain", "", "closed", "", "ACCESS_DENIED", "closed connection limit"),
    "a setting that does not exist": (
        "plain", "", "postgres", "&options=-c%20nope%3D1", "ACCESS_DENIED", "Correct the option"
    ),
    "a setting's bad value": (
        "plain", "", "postgres", "&options=-c%20work_mem%3Dx", "ACCESS_DENIED", "Correct the option"
    ),
    "a library that is not there": (
        "overloaded", "", "postgres", "", "ACCESS_DENIED", "take it out of session_preload_libraries"
    ),
    "another server than is asked for": (
        "plain", "", "postgres", "&target_session_attrs=standby", "SERVER_UNUSABLE", "target_session_attrs"
    ),
    "another session than is asked for": (
        "plain", "", "postgres", "&target_session_attrs=read-only", "SERVER_UNUSABLE", "target_session_attrs"
    ),
    "a session that may only read": (
        "reader", "", "postgres", "&target_session_attrs=read-write", "SERVER_UNUSABLE", "session_attrs"
    ),
    "another user of the server's than is asked for": (
        "plain", "", "postgres", "&requirepeer=nobody_like_that", "TLS_REFUSED", "Check requirepeer"
    ),
    "an impossible option": ("plain", "", "postgres", "&sslmode=nope", "URL_MALFORMED", "Known are"),
    "a time that is none": ("plain", "", "postgres", "&connect_timeout=x", "URL_MALFORMED", "Correct what"),
    "a time that is none, and a password": (
        "secret", "wrong", "postgres", "&connect_timeout=x", "URL_MALFORMED", "Correct what"
    ),
    "an unknown service": ("plain", "", "postgres", "&service=nope", "URL_MALFORMED", "Correct what"),
}  # fmt: skip


@pytest.fixture(scope="module", params=(servers.OLDEST, servers.NEWEST), ids=lambda v: f"pg{v}")
def strict(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Return a server that refuses in every way, and has no TLS."""
    if not servers.is_installed(request.param):
        pytest.skip(f"PostgreSQL {request.param} is not installed")
    with servers.running(request.param) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as db:
            for statement in _MADE:
                db.execute(statement)
            (Path(server.host) / "data" / "pg_hba.conf").write_text(_HBA)
        _reload(server.url("postgres"))
        yield server


def _reload(url: str) -> None:
    """Let a server read its files again; whoever connects behind this meets what they say."""
    time_read = "select pg_conf_load_time()"
    with psycopg.connect(url) as db:
        before = db.execute(f"{time_read}, pg_reload_conf()".encode()).fetchone()

    def is_done() -> bool:
        with psycopg.connect(url) as db:
            return db.execute(time_read).fetchone() != (before or ())[:1]

    until(is_done, what="the server, with its files read")


def _problem(url: str) -> RunnerError:
    with pytest.raises(RunnerError) as caught:
        database.connect(url, source="APP_URL").close()
    return caught.value


def _url(server: Server, user: str, password: str, name: str, options: str = "") -> str:
    return f"postgresql://{user}:{password}@/{name}?host={server.host}{options}"


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_for_good_is_no_case_for_another_try(strict: Server, case: tuple[str, ...]) -> None:
    """Each has exit code 2, a name of its own and a remedy; no line repeats the password."""
    user, password, name, options, error, remedy = case
    problem = _problem(_url(strict, user, password, name, options))
    assert (problem.name, problem.exit_code) == (error, 2), (problem.message, problem.notes)
    assert remedy in (problem.remedy or "")
    assert problem.notes or error == "URL_MALFORMED"
    assert not password or password not in " ".join((problem.message, problem.remedy or "", *problem.notes))


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://u@no-such-host.invalid/db", "HOST_UNKNOWN"),
        ("postgresql://u@/db?host=/no/such/folder", "CANNOT_CONNECT"),
        ("postgresql://u@127.0.0.1:1/db", "CANNOT_CONNECT"),
        ("postgresql://u@127.0.0.1:1,no-such-host.invalid:1/db", "CANNOT_CONNECT"),
        ("postgresql://u@127.0.0.1:1/db?sslmode=verify-full&sslrootcert=/no/such.crt", "CANNOT_CONNECT"),
    ],
)
def test_what_nobody_answers_is_told_apart(url: str, error: str) -> None:
    """A name that means no host is permanent; a port where nobody listens is not."""
    assert _problem(url).name == error


@pytest.mark.parametrize("number", [socket.EAI_AGAIN, socket.EAI_NONAME])
def test_a_name_server_is_asked_once(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """One that is silent takes twenty seconds; libpq would ask it again, and a third time."""
    again = Mock(side_effect=AssertionError)
    monkeypatch.setattr(refusal, "_attempt", again)
    monkeypatch.setattr(refusal, "_is_nonsense", again)
    asked = Mock(side_effect=socket.gaierror(number, "what the resolver says"))
    monkeypatch.setattr(socket, "getaddrinfo", asked)
    problem = _problem("postgresql://u@db.example/db")
    assert problem.name == ("CANNOT_CONNECT" if number == socket.EAI_AGAIN else "HOST_UNKNOWN")
    assert asked.call_count == 1


def test_a_name_that_libpq_looks_up_is_asked_for_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As that of a service, which psycopg does not read."""
    monkeypatch.setattr(refusal, "_attempt", Mock(side_effect=AssertionError))
    (tmp_path / "services").write_text("[app]\nhost=no-such-host.invalid\n", encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    assert _problem("postgresql://u@/db?service=app").name == "HOST_UNKNOWN"


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone becomes a user without a name")
def test_a_user_without_a_name_is_to_write_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under any number: the URL is right but for what libpq would add."""
    monkeypatch.delenv("PGUSER", raising=False)
    _problem("postgresql://u@127.0.0.1:1/d")  # loads all it needs, while it may read it
    os.seteuid(54321)
    try:
        problems = [_problem(f"postgresql://{url}") for url in ("127.0.0.1:1/d", "/d?host=/nowhere", "")]
        monkeypatch.setenv("PGUSER", "u")
        named = _problem("postgresql://127.0.0.1:1/d")
    finally:
        os.seteuid(os.getuid())
    assert {problem.name for problem in problems} == {"URL_MALFORMED"}
    assert all("APP_URL names no role" in problem.message for problem in problems)
    assert all("or set PGUSER" in (problem.remedy or "") for problem in problems)
    assert named.name == "CANNOT_CONNECT"


@pytest.mark.skipif(sys.platform != "linux", reason="no other system has abstract sockets")
def test_a_host_that_begins_with_an_at_sign_is_an_abstract_socket(
    strict: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for libpq, wherever it is named; where nobody listens there, another try may help."""
    name = f"@runner-{os.getpid()}"
    ways = (f"%40{name[1:]}/postgres", f"/postgres?host={name}", f"/postgres?host=@none,{name}", "/postgres")
    monkeypatch.setenv("PGHOST", name)
    assert {_problem(f"postgresql://postgres@{way}").name for way in ways} == {"CANNOT_CONNECT"}
    _restart(strict, options=f"-c unix_socket_directories={strict.host},{name}")
    for way in ways:
        with database.connect(f"postgresql://postgres@{way}", source="x") as connection:
            assert connection.autocommit
            assert connection.prepare_threshold is None
            assert database.query(connection, "show client_encoding") == [("UTF8",)]
    _restart(strict)


def test_an_option_that_libpq_takes_late_is_malformed_as_any(strict: Server) -> None:
    """It speaks of it as of a server that was tried, which nobody will mend by another try."""
    numbers = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    some = [f"{name}={value}" for name in numbers for value in ("x", "99999999999")]
    with servers.free_port() as port:
        _restart(strict, port)
        for option in (*some, "keepalives_idle=-5", "hostaddr=x"):
            problem = _problem(f"postgresql://plain@127.0.0.1:{port}/postgres?{option}")
            assert (problem.name, problem.exit_code) == ("URL_MALFORMED", 2), (option, problem.notes)
        _restart(strict)


@pytest.mark.parametrize("where", ["passfile", "PGPASSFILE", "HOME"])
def test_a_password_file_that_is_ignored_is_named(
    strict: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    """Libpq says so on stderr alone; with the right mode the same file leads in."""
    file = tmp_path / ".pgpass"
    file.write_text("*:*:*:*:right\n", encoding="utf-8")
    url = _url(strict, "secret", "", "postgres", f"&passfile={file}" if where == "passfile" else "")
    if where != "passfile":
        monkeypatch.delenv("PGPASSFILE", raising=False)
        monkeypatch.setenv(where, str(tmp_path if where == "HOME" else file))
    file.chmod(0o640)
    problem = _problem(url)
    assert problem.name == "ACCESS_DENIED"
    assert f"{file} was ignored, for others than its owner may use it." in problem.message
    assert "chmod 600" in (problem.remedy or "")
    file.chmod(0o600)
    database.connect(url, source="APP_URL").close()
    file.unlink()
    assert "ignored" not in _problem(url).message
    file.mkdir()
    assert "is no plain file" in _problem(url).message


@pytest.mark.parametrize("where", ["passfile", "PGPASSFILE", "HOME"])
def test_libpq_writes_nothing_of_a_password_file_that_it_ignores(
    url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, where: str
) -> None:
    """Not in the lines of a log, and not in those of a program; who needs the file is told by the error."""
    file = tmp_path / ".pgpass"
    file.write_text("*:*:*:*:right\n", encoding="utf-8")
    file.chmod(0o640)
    monkeypatch.delenv("PGPASSFILE", raising=False)
    if where == "passfile":
        url += f"{'&' if '?' in url else '?'}passfile={file}"
    else:
        monkeypatch.setenv(where, str(tmp_path if where == "HOME" else file))
    database.connect(url, source="APP_URL").close()
    with pytest.raises(RunnerError):
        database.connect(f"{url}{'&' if '?' in url else '?'}target_session_attrs=standby", source="APP_URL")
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone becomes another user")
def test_a_password_file_of_somebody_else_is_named(tmp_path: Path) -> None:
    """As that of root in a container that runs as nobody; libpq itself says nothing of it."""
    file = tmp_path / ".pgpass"
    file.write_text("*:*:*:*:right\n", encoding="utf-8")
    file.chmod(0o600)
    assert "ignored" not in denial.no_password({"passfile": str(file)}, source="APP_URL").message
    os.seteuid(54321)
    try:
        problem = denial.no_password({"passfile": str(file)}, source="APP_URL")
    finally:
        os.seteuid(os.getuid())
    assert f"{file} was ignored, for this user may not read it." in problem.message


def test_a_full_server_is_worth_another_try(strict: Server) -> None:
    """A role that has all its connections gets one when another ends."""
    url = _url(strict, "crowded", "", "postgres")
    with psycopg.connect(url):
        problem = _problem(url)
    assert (problem.name, problem.exit_code) == ("CANNOT_CONNECT", 5)
    assert "alter role crowded connection limit -1;" in (problem.remedy or "")
    assert "too many connections" in "".join(problem.notes)


def test_a_full_database_has_a_limit_of_its_own(strict: Server) -> None:
    """The server has room for more; so it is told in any language, and to whoever may not ask."""
    url = _url(strict, "plain", "", "narrow")
    options = conninfo_to_dict(url)
    german = Told("53300", "postinit", "FATAL:  53300: zu viele Verbindungen für Datenbank »narrow«")
    english = Told("53300", "postinit", 'FATAL:  53300: too many connections for database "narrow"')
    reserved = Told("53300", "postinit", "FATAL:  53300: remaining connection slots are reserved")
    with psycopg.connect(url):
        full = _problem(url)
    for problem in (
        full,
        denial.named(german, options, source="APP_URL"),
        denial.named(english, options | {"user": "rejected"}, source="APP_URL"),
    ):
        assert (problem.name, problem.exit_code) == ("CANNOT_CONNECT", 5)
        assert "alter database narrow connection limit -1;" in (problem.remedy or "")
        assert "max_connections" not in (problem.remedy or "")
    told = denial.named(reserved, options | {"user": "rejected"}, source="APP_URL")
    assert "max_connections" in (told.remedy or "")


def test_several_servers_of_which_none_is_the_one_that_is_asked_for_are_worth_another_try(
    strict: Server,
) -> None:
    """One of them may be about to become the primary."""
    url = f"postgresql://plain@/postgres?host={strict.host},{strict.host}&target_session_attrs=standby"
    problem = _problem(url)
    assert (problem.name, problem.exit_code) == ("CANNOT_CONNECT", 5)
    assert "target_session_attrs" in (problem.remedy or "")


@pytest.mark.parametrize(("hosts", "exit_code"), [("10.0.0.1,10.0.0.2", 5), ("10.0.0.1", 2)])
@pytest.mark.parametrize("option", ["host", "hostaddr"])
def test_several_servers_are_several_by_address_as_well(
    monkeypatch: pytest.MonkeyPatch, option: str, hosts: str, exit_code: int
) -> None:
    """One of several may be about to become what is asked for, a single one not."""
    monkeypatch.setattr(refusal, "_ask", lambda _: None)
    error = psycopg.OperationalError("connection failed: session is read-only")
    assert refusal.named(error, {option: hosts}, source="APP_URL").exit_code == exit_code


def test_a_host_without_an_address_beside_one_that_answers_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the other one says is what is to be mended."""
    text = 'FATAL:  3D000: database "d" does not exist'
    monkeypatch.setattr(refusal, "_ask", lambda _: Told("3D000", "postinit", text))
    said = 'connection failed: could not translate host name "a" to address: Name or service not known\n'
    said += 'connection to server at "b", port 5432 failed: FATAL:  database "d" does not exist'
    options = {"host": "a,b", "dbname": "d", "user": "u"}
    assert refusal.named(psycopg.OperationalError(said), options, source="APP_URL").name == "DATABASE_MISSING"


def test_what_is_wrong_with_a_database_of_the_own_server_keeps_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its log is named only where nobody knows more."""
    told = Told("3D000", "postinit", 'FATAL:  3D000: database "d" does not exist')
    monkeypatch.setattr(refusal, "_ask", lambda _: told)
    options = {"dbname": "d", "user": "u", "fallback_application_name": EMBEDDED}
    problem = refusal.named(psycopg.OperationalError("failed: FATAL:  database"), options, source="APP_URL")
    assert "create database d;" in (problem.remedy or "")


@pytest.mark.parametrize(
    ("told", "options", "remedy"),
    [
        (Told("0A000", "postmaster", "FATAL:  0A000: unsupported frontend protocol"), {}, "PGOPTIONS"),
        (Told("42501", "guc", "FATAL:  42501: permission denied"), {"replication": "false"}, "PGOPTIONS"),
    ],
)
def test_what_an_option_brings_about_is_said_of_that_option(
    told: Told, options: dict[str, str], remedy: str
) -> None:
    """It is no case for another try; a session that is not for replication asks for no such right."""
    problem = denial.named(told, {"dbname": "d", "user": "u"} | options, source="APP_URL")
    assert (problem.name, remedy in (problem.remedy or "")) == ("ACCESS_DENIED", True), problem.remedy


def test_a_server_that_speaks_an_older_protocol_is_no_case_for_another_try(strict: Server) -> None:
    """The newest server speaks the newest one."""
    url = _url(strict, "plain", "", "postgres", "&min_protocol_version=3.2")
    if strict.version == servers.NEWEST:
        database.connect(url, source="APP_URL").close()
        return
    problem = _problem(url)
    assert (problem.name, problem.exit_code) == ("SERVER_UNUSABLE", 2)
    assert "min_protocol_version" in (problem.remedy or "")


def test_without_the_servers_reason_it_is_worth_another_try(
    strict: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should libpq not be found, nothing is taken for permanent."""

    def fail() -> None:
        raise OSError

    monkeypatch.setattr(refusal, "_libpq", fail)
    assert _problem(_url(strict, "secret", "wrong", "postgres")).name == "CANNOT_CONNECT"


def test_a_wrong_password_is_tried_once(strict: Server) -> None:
    """A directory behind the server may lock the role after three."""
    log = Path(strict.host, "log")
    before = log.read_text().count("authentication failed")
    assert "Check user and password" in (_problem(_url(strict, "secret", "wrong", "postgres")).remedy or "")
    until(lambda: log.read_text().count("authentication failed") > before, what="the failed login in the log")
    assert log.read_text().count("authentication failed") == before + 1


def test_a_wait_ends_at_once_when_it_cannot_help(strict: Server) -> None:
    """A wrong password stays wrong."""
    started = time.monotonic()
    with pytest.raises(RunnerError, match="refuses the connection"):
        database.connect(_url(strict, "secret", "wrong", "postgres"), source="APP_URL", wait=30)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("user", "name", "made"),
    [("plain", "late", "create database late"), ("tardy", "postgres", "create role tardy login")],
)
def test_what_may_yet_be_made_is_waited_for(strict: Server, user: str, name: str, made: str) -> None:
    """A container makes its database and its role while it starts."""

    def make() -> None:
        time.sleep(0.7)
        with psycopg.connect(strict.url("postgres"), autocommit=True) as db:
            db.execute(made)

    thread = threading.Thread(target=make)
    thread.start()
    try:
        database.connect(_url(strict, user, "", name), source="APP_URL", wait=20).close()
    finally:
        thread.join()
        with psycopg.connect(strict.url("postgres"), autocommit=True) as db:
            db.execute(made.replace("create", "drop").removesuffix(" login"))


def test_when_the_wait_is_over_the_last_reason_counts(strict: Server) -> None:
    """A database that never came is told as missing."""
    started = time.monotonic()
    with pytest.raises(RunnerError, match="has no database never"):
        database.connect(_url(strict, "plain", "", "never"), source="APP_URL", wait=1)
    assert time.monotonic() - started > 1


def test_a_server_without_the_tls_that_is_demanded_is_refused(strict: Server, tmp_path: Path) -> None:
    """What the URL demands is not there, and will not be in a moment."""
    root = tmp_path / "root.crt"
    root.write_text("")
    with servers.free_port() as port:
        _restart(strict, port)
        for options in ("sslmode=require", f"sslmode=verify-full&sslrootcert={root}", "sslmode=verify-full"):
            problem = _problem(f"postgresql://plain@127.0.0.1:{port}/postgres?{options}")
            assert (problem.name, problem.exit_code) == ("TLS_REFUSED", 2), (options, problem.notes)
        _restart(strict)
    assert isinstance(_problem("postgresql://plain@127.0.0.1:1/postgres?sslmode=require"), CannotConnect)


@pytest.mark.skipif(not servers.SYSTEM_15.is_dir(), reason="the servers of the wheels are built without TLS")
def test_a_certificate_that_does_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed by somebody else, or for another host: both are for good; without the demand it connects.

    The certificates sign themselves, for a host that nobody is, for a hundred years from 2026 on.
    """
    with _protected(monkeypatch) as (_, port):
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode="
        database.connect(f"{url}verify-ca&sslrootcert={TLS}/server.crt", source="APP_URL").close()
        for options in (f"verify-ca&sslrootcert={TLS}/other.crt",
                        f"verify-full&sslrootcert={TLS}/server.crt"):  # fmt: skip
            assert _problem(url + options).name == "TLS_REFUSED", options


def test_a_drop_that_was_interrupted_is_known_in_any_language(strict: Server) -> None:
    """The server's words are those of its catalogs; the maintenance database knows without them."""
    options = conninfo_to_dict(_url(strict, "plain", "", "invalid"))
    told = Told("55000", "postinit", "FATAL:  55000: mit ungültiger Datenbank »invalid« kann nicht")
    assert "drop database invalid;" in (denial.named(told, options, source="APP_URL").remedy or "")
    english = Told("55000", "postinit", 'FATAL:  55000: cannot connect to invalid database "invalid"')
    unasked = denial.named(english, options | {"user": "rejected"}, source="APP_URL")
    assert "drop database invalid;" in (unasked.remedy or ""), "who may not ask goes by the words"
    shut = denial.named(told, options | {"dbname": "shut"}, source="APP_URL")
    assert "allow_connections true" in (shut.remedy or "")


@pytest.mark.parametrize(
    ("text", "wants_certificate"),
    [
        ("Verbindung erfordert ein gültiges Client-Zertifikat", True),
        ("authentification par le certificat échouée pour l'utilisateur « u »", True),
        ("для подключения требуется годный сертификат клиента", True),
        ('ユーザー"u"の証明書認証に失敗しました', True),
        ('사용자 "u"의 인증서 인증을 실패했습니다', True),
        ("certifikat-autentisering misslyckades för användare »u«", True),
        ('PAM authentication failed for user "u"', False),
        ("Peer-Authentifizierung für Benutzer »u« fehlgeschlagen", False),
        ("Peer-Authentifizierung für Benutzer »certifier« fehlgeschlagen", False),
        ("authentification par le certificat échouée pour l'utilisateur « cert »", True),
        ('certificate authentication failed for user "cert"', True),
        ("pg_hba.conf lehnt Verbindung ab für Host »h«, Benutzer »certifier«, Datenbank »d«", False),
    ],
)
def test_a_certificate_is_known_in_any_language(text: str, *, wants_certificate: bool) -> None:
    """Only these words tell it from what pg_hba.conf refuses; the host's name is none of them."""
    told = Told("28000", "auth", f'connection to server at "certificates.test" failed: FATAL:  28000: {text}')
    user = next((name for name in ("certifier", "cert") if re.search(rf"\b{name}\b", text)), "u")
    remedy = denial.named(told, {"dbname": "d", "user": user}, source="APP_URL").remedy or ""
    assert ("sslcert and sslkey" in remedy) is wants_certificate, remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("SSL error: ssl/tls alert certificate expired", "client's certificate"),
        ("SSL error: sslv3 alert bad certificate", "client's certificate"),
        ("SSL error: tlsv13 alert certificate required", "client's certificate"),
        ("SSL error: tlsv1 alert unknown ca", "client's certificate"),
        ('certificate present, but not private key file "c.key"', "client's certificate"),
        ('could not load private key file "c.key": bad decrypt', "client's certificate"),
        ('could not read certificate file "c.crt": no start line', "client's certificate"),
        ('could not read root certificate file "r.crt": no certificate or crl found', "server's certificate"),
        ("SSL error: certificate verify failed", "server's certificate"),
        ("SSL error: tlsv1 alert protocol version", "server's certificate"),
        ("channel binding required but not supported by server's authentication request", "channel_binding"),
        ('authentication method requirement "md5" failed: server requested SASL', "require_auth"),
        ("server doesn't support GSSAPI encryption, but it was required", "gssencmode"),
    ],
)
def test_whose_certificate_does_not_hold_is_told(
    monkeypatch: pytest.MonkeyPatch, text: str, remedy: str
) -> None:
    """The server sends an alert about the client's, and libpq's own words tell which file it cannot use."""
    monkeypatch.setattr(refusal, "_ask", lambda _: None)
    said = psycopg.OperationalError(f'connection to server at "h", port 5432 failed: {text}')
    problem = refusal.named(said, {"host": "h"}, source="APP_URL")
    assert (problem.name, remedy in (problem.remedy or "")) == ("TLS_REFUSED", True), problem.remedy


@pytest.mark.parametrize(
    "text",
    [
        'connection to server at "certificate" (10.0.0.1), port 5432 failed: Connection refused',
        'connection to server on socket "/private key/.s.PGSQL.5432" failed: No such file or directory',
        'could not translate host name "certificate" to address: Temporary failure in name resolution',
        f"failed to resolve host 'certificate': [Errno {int(socket.EAI_AGAIN)}] Temporary failure",
        'could not connect to server: Is the server running on host "certificate" (10.0.0.1) and accepting',
        "- host: 'certificate', port: '1', hostaddr: '10.0.0.1': connection failed: Connection refused",
    ],
)
def test_a_name_does_not_make_an_outage_a_matter_of_tls(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A host, or the folder of a socket, may be called as what libpq says of certificates and keys."""
    monkeypatch.setattr(refusal, "_ask", lambda _: None)
    monkeypatch.setattr(refusal, "_was_tried", lambda _: True)
    problem = refusal.named(psycopg.OperationalError(text), {"host": "certificate"}, source="APP_URL")
    assert (problem.name, problem.exit_code) == ("CANNOT_CONNECT", 5), problem.notes


def test_a_server_whose_socket_is_in_a_folder_of_certificates_is_waited_for(tmp_path: Path) -> None:
    """It is down, as any other, and may come up."""
    problem = _problem(f"postgresql://plain@/postgres?host={tmp_path}/certificates")
    assert (problem.name, problem.may_pass) == ("CANNOT_CONNECT", True), problem.notes


@pytest.mark.parametrize(
    "text",
    [
        "GSSAPI continuation error: No credentials were supplied: No Kerberos credentials available",
        "SSPI continuation error: No credentials are available in the security package",
        "could not acquire SSPI credentials: the specified target is unknown",
        'FATAL:  GSSAPI authentication failed for user "u"',
    ],
)
def test_without_a_ticket_another_try_does_not_help(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Whether libpq finds none, or the server takes none of another user: who runs it is to get one."""
    monkeypatch.setattr(refusal, "_attempt", Mock(side_effect=OSError))
    said = psycopg.OperationalError(f'connection to server at "h", port 5432 failed: {text}')
    problem = refusal.named(said, {"host": "h", "user": "u"}, source="APP_URL")
    assert (problem.name, "kinit" in (problem.remedy or "")) == ("ACCESS_DENIED", True), problem.remedy


@pytest.mark.skipif(not servers.SYSTEM_15.is_dir(), reason="the servers of the wheels know no Kerberos")
def test_a_server_that_asks_for_a_ticket_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It answers, and will ask for it again."""
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/none")
    with _protected(monkeypatch) as (data, port):
        (data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 gss\n")
        _reload(f"postgresql://postgres@/postgres?host={data.parent}&port={port}")
        started = time.monotonic()
        with pytest.raises(RunnerError, match="asks for a ticket of Kerberos"):
            database.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", source="APP_URL", wait=30)
        assert time.monotonic() - started < 10


def test_a_way_to_log_in_that_the_url_rules_out_is_told(strict: Server) -> None:
    """Nothing is wrong with a certificate, of which there is none."""
    for option in ("require_auth=md5", "channel_binding=require"):
        problem = _problem(_url(strict, "secret", "right", "postgres", f"&{option}"))
        assert (problem.name, problem.exit_code) == ("TLS_REFUSED", 2), problem.notes
        assert "channel_binding and require_auth" in (problem.remedy or "")


@pytest.mark.parametrize(
    ("text", "is_asked"),
    [
        ('PAM authentication failed for user "pg"', True),
        ("LDAP-Authentifizierung für Benutzer »pg« fehlgeschlagen", True),
        ('RADIUS authentication failed for user "pg"', True),
        ("échec de l'authentification Ident pour l'utilisateur « pg »", True),
        ('OAuth bearer authentication failed for user "pg"', True),
        ('Peer authentication failed for user "pg"', False),
        ('ユーザー"pg"の対向(peer)認証に失敗しました', False),
        ('pg_hba.conf rejects connection for host "ldap", user "pg", database "pam", no encryption', False),
        ('no pg_hba.conf entry for host "ldap", user "pg", database "pam", no encryption', False),
    ],
)
def test_pg_hba_conf_is_blamed_only_for_what_it_says(text: str, *, is_asked: bool) -> None:
    """Where it has another system asked, its entry is there, and the answer is about user and password."""
    told = Told("28000", "auth", f'connection to server at "db.test" failed: FATAL:  28000: {text}')
    remedy = denial.named(told, {"dbname": "d", "user": "pg"}, source="APP_URL").remedy or ""
    assert (remedy.startswith("Check user and password"), "pg_hba.conf" in remedy) == (is_asked, not is_asked)


@pytest.mark.skipif(not servers.SYSTEM_15.is_dir(), reason="the servers of the wheels know no LDAP")
def test_a_directory_that_says_no_is_told_apart_from_pg_hba_conf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entry is there; here nobody answers at the directory's port, which only its log tells."""
    with _protected(monkeypatch) as (data, port):
        ldap = "ldap ldapserver=127.0.0.1 ldapport=1 ldapprefix=cn="
        (data / "pg_hba.conf").write_text(f"local all all trust\nhost all all 127.0.0.1/32 {ldap}\n")
        _reload(f"postgresql://postgres@/postgres?host={data.parent}&port={port}")
        problem = _problem(f"postgresql://postgres:wrong@127.0.0.1:{port}/postgres")
        assert (problem.name, "LDAP" in (problem.remedy or "")) == ("ACCESS_DENIED", True), problem.notes
        assert "pg_hba.conf" not in (problem.remedy or "")


@pytest.mark.parametrize(
    ("text", "name", "remedy"),
    [
        ("08P01: SASL authentication failed", "ACCESS_DENIED", "user and password"),
        ("08P01: password authentication failed", "ACCESS_DENIED", "user and password"),
        ("XX000: backend authentication failed\nDETAIL:  backend response", "ACCESS_DENIED", "user and"),
        ("08P01: unsupported startup parameter in options: geqo", "ACCESS_DENIED", "PGOPTIONS"),
        ("08P01: no such database: d", "DATABASE_MISSING", "the configuration of the pooler"),
        ("08P01: bouncer config error", "CANNOT_CONNECT", "It answers"),
        ("08P01: query_wait_timeout", "CANNOT_CONNECT", "It answers"),
        ("XX000: failed to create a backend connection", "CANNOT_CONNECT", "It answers"),
    ],
)
def test_what_a_pooler_says_of_its_own_is_told_apart(text: str, name: str, remedy: str) -> None:
    """Observed of PgBouncer and Pgpool-II: what a wrong URL brings about is no case for another try."""
    told = Told(text[:5], "", f'connection to server at "pooler.test", port 6432 failed: FATAL:  {text}')
    problem = denial.named(told, {"dbname": "d", "user": "u"}, source="APP_URL")
    assert (problem.name, remedy in (problem.remedy or "")) == (name, True), problem.remedy


@pytest.mark.parametrize("body", ["raise 'no logins'", "perform 1 from audit.l", "raise sqlstate '42501'"])
def test_an_event_trigger_that_fails_at_a_login_is_named(server: Server, url: str, body: str) -> None:
    """Whatever its SQLSTATE would mean of a connection: nothing is wrong with the URL."""
    assert server.version >= 17
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "create function public.f() returns event_trigger language plpgsql as "
            f"$$ begin {body}; end $$".encode()
        )
        admin.execute("create event trigger at_login on login execute function public.f()")
        try:
            problem = _problem(url)
            assert (problem.name, "event_triggers=off" in (problem.remedy or "")) == ("ACCESS_DENIED", True)
        finally:
            with psycopg.connect(f"{url}&options=-cevent_triggers%3Doff", autocommit=True) as mended:
                mended.execute("drop event trigger at_login")


def test_who_is_let_in_a_moment_later_is_told_to_run_again(server: Server, url: str) -> None:
    """As where a standby gave up the login in favour of what it replays: no pooler, and nothing to mend."""
    assert server.version >= 17
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("create sequence public.logins")  # no rollback takes back what it counts
        admin.execute(
            "create function public.f() returns event_trigger language plpgsql as "
            "$$ begin if nextval('public.logins') = 1 then raise sqlstate '40001'; end if; end $$"
        )
        admin.execute("create event trigger at_login on login execute function public.f()")
        problem = _problem(url)
    assert (problem.name, problem.remedy) == ("CANNOT_CONNECT", "It let us in a moment later: run again.")
    assert "40001" in "".join(problem.notes)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_a_login_that_a_standby_gives_up_is_no_fault_of_the_url(sqlstate: str) -> None:
    """It replays something that the login stands in the way of, or waits for it in a circle."""
    told = Told(
        sqlstate, "postgres", f"FATAL:  {sqlstate}: terminating connection due to conflict with recovery"
    )
    problem = denial.named(told, {"dbname": "d", "user": "u"}, source="APP_URL")
    remedy = "Run again, or use the primary: a standby gives up a login in favour of what it replays."
    assert (problem.name, problem.remedy) == ("CANNOT_CONNECT", remedy)


def test_who_answers_once_and_not_again_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """PgBouncer lets a client wait for fifteen seconds after the server has refused it."""
    monkeypatch.setattr(refusal, "_ask", lambda _: None)
    said = 'connection failed: connection to server at "h", port 6432 failed: FATAL:  password for "app"'
    problem = refusal.named(psycopg.OperationalError(said), {"host": "h"}, source="APP_URL")
    assert "It answers" in (problem.remedy or "")


@pytest.mark.skipif(not servers.SYSTEM_15.is_dir(), reason="the servers of the wheels are built without TLS")
def test_a_certificate_that_the_server_asks_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with pg_hba.conf, which demands it, and nothing with a certificate of another user."""
    with _protected(monkeypatch) as (data, port):
        asked = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode="
        own = f"require&sslcert={data}/server.crt&sslkey={data}/server.key"
        for method, options in (("trust clientcert=verify-ca", "require"), ("cert", own)):
            (data / "pg_hba.conf").write_text(f"local all all trust\nhostssl all all 127.0.0.1/32 {method}\n")
            _reload(f"postgresql://postgres@/postgres?host={data.parent}&port={port}")
            problem = _problem(asked + options)
            assert (problem.name, problem.exit_code) == ("ACCESS_DENIED", 2), problem.notes
            assert "sslcert and sslkey" in (problem.remedy or ""), problem.notes


@pytest.mark.skipif(not servers.SYSTEM_15.is_dir(), reason="the servers of the wheels are built without TLS")
def test_of_two_tries_the_one_that_pg_hba_conf_admits_is_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By itself libpq tries with TLS and without, and no entry for the other way says nothing of this one."""
    key = tmp_path / "wide.key"
    shutil.copy(TLS / "server.key", key)
    key.chmod(0o644)
    with _protected(monkeypatch) as (data, port):
        cert = f"sslcert={data}/server.crt&sslkey={data}/server.key"
        for entry, options, error, remedy in (
            ("hostssl {} scram-sha-256", "", "ACCESS_DENIED", "Check user and password"),
            ("hostssl {} scram-sha-256", "sslmode=allow", "ACCESS_DENIED", "Check user and password"),
            ("hostnossl {} scram-sha-256", "sslmode=allow", "ACCESS_DENIED", "Check user and password"),
            ("hostssl {} reject", "", "ACCESS_DENIED", "pg_hba.conf"),
            ("hostssl {} trust clientcert=verify-ca", "", "ACCESS_DENIED", "sslcert and sslkey"),
            ("hostssl {} cert", cert, "ACCESS_DENIED", "sslcert and sslkey"),
            ("hostssl {} cert", f"sslcert={TLS}/server.crt&sslkey={key}", "TLS_REFUSED", "sslcert, sslkey"),
            ("hostssl {} trust", f"sslrootcert={TLS}/other.crt", "TLS_REFUSED", "server's certificate"),
        ):
            line = entry.format("all all 127.0.0.1/32")
            (data / "pg_hba.conf").write_text(f"local all all trust\n{line}\n")
            _reload(f"postgresql://postgres@/postgres?host={data.parent}&port={port}")
            problem = _problem(f"postgresql://secret:wrong@127.0.0.1:{port}/postgres?{options}")
            assert (problem.name, problem.exit_code) == (error, 2), (line, options, problem.notes)
            assert remedy in (problem.remedy or ""), (line, options, problem.remedy)


@pytest.mark.skipif(not servers.SYSTEM_15.is_dir(), reason="the servers of the wheels are built without TLS")
@pytest.mark.parametrize("where", ["the URL", "PGSSLKEY", "HOME"])
def test_a_password_of_a_key_is_not_asked_for_where_nobody_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    """OpenSSL would read it from a pipe without an end, and no time to connect holds for that."""
    folder = tmp_path / ".postgresql"
    folder.mkdir()
    key, certificate = folder / "postgresql.key", folder / "postgresql.crt"
    shutil.copy(TLS / "locked.key", key)
    key.chmod(0o600)
    shutil.copy(TLS / "server.crt", certificate)
    options = f"sslmode=require&sslcert={certificate}" + f"&sslkey={key}" * (where == "the URL")
    own = {"PGSSLKEY": str(key)} if where == "PGSSLKEY" else {"HOME": str(tmp_path)}
    with _protected(monkeypatch) as (_, port):
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres?{options}"
        program = f"from runner import database; database.connect({url!r}, source='APP_URL')"
        with subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | own,
            start_new_session=True,
        ) as started:
            try:
                started.wait(timeout=20)
                assert b"TlsRefused" in (started.stderr.read() if started.stderr else b"")
            finally:
                started.kill()
        database.connect(f"{url}&sslkey={key}&sslpassword=open", source="APP_URL").close()


@contextmanager
def _protected(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, int]]:
    """Run a server with TLS until the end of the block; yield its folder and its port."""
    monkeypatch.setitem(servers.PROGRAMS, 15, servers.SYSTEM_15)
    with servers.free_port() as port, servers.running(15) as server:
        data = Path(server.host) / "data"
        for name in ("server.crt", "server.key"):
            shutil.copy(TLS / name, data)
            os.chown(data / name, data.stat().st_uid, data.stat().st_gid)
            (data / name).chmod(0o600)
        _restart(server, port, "-c ssl=on -c ssl_ca_file=server.crt")
        yield data, port


def _restart(server: Server, port: int | None = None, options: str = "") -> None:
    """Start the server anew, listening on a TCP port as well, if one is given."""
    listen = f"-h 127.0.0.1 -p {port}" if port else "-h ''"
    servers._run(
        server.version, "pg_ctl", "-w", "-D", f"{server.host}/data", "-l", f"{server.host}/log", "-m", "fast",
        "-o", f"-k {server.host} {listen} {options}", "restart",
    )  # fmt: skip


def test_an_older_psycopg_that_knows_no_limit_will_do(
    strict: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 3.3.6 whoever waits by psycopg cannot say for how long; pyproject.toml admits 3.2.10."""
    wait, wait_conn = waiting.wait, waiting.wait_conn

    def older_wait(gen: Any, fileno: int, interval: float = 0.0) -> Any:  # noqa: ANN401 - as psycopg has it
        return wait(gen, fileno, interval=interval)

    def older_wait_conn(gen: Any, interval: float = 0.0) -> Any:  # noqa: ANN401 - as above
        return wait_conn(gen, interval=interval)

    older = SimpleNamespace(**vars(waiting) | {"wait": older_wait, "wait_conn": older_wait_conn})
    for module in (attention, refusal, session):
        monkeypatch.setattr(module, "waiting", older)
    assert _problem(_url(strict, "plain", "", "nowhere")).name == "DATABASE_MISSING"
    with closing(database.connect(_url(strict, "plain", "", "postgres"), source="x")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        started = time.monotonic()
        with database.heeding(database.interruption(stop)), pytest.raises(KeyboardInterrupt):
            connection.execute("select pg_sleep(60)")
        assert time.monotonic() - started < 10
        assert connection.execute("select 1").fetchone() == (1,)
