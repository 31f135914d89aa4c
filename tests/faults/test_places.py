"""Servers, databases and roles in an odd state: a clear refusal, or the same result as anywhere."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import psycopg
import pytest

from tests.faults import bad
from tests.faults.stage import until
from tests.project import make
from tests.servers import NEWEST, OLDEST, PROGRAMS, SYSTEM_15

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

TABLE = "create table public.t001 (id int);\n"
SMALL = ("max_connections=8", "max_prepared_transactions=4", "max_wal_senders=2")
LETTERS = r"""create table public.t001 as select 'é'::text || E'\\' || $$\'$$ || 'a\n' as v; -- é""" + "\n"
TEMPORARY = f"{TABLE}create temporary table x (id int);"
MANY = f"{TABLE}set local work_mem = '64kB';\n"
MANY += "select count(*) from (select n from generate_series(1, 100000) as n order by n desc offset 0) as x;"

# What the role must lack, the second file, and what the error says.
LACKING = {
    "create in the schema": ("alter schema public owner to postgres", TABLE, "schema public"),
    "insert into the ledger": ("revoke insert on schema_migrations from faulty", TABLE, "cannot be recorded"),
    "temporary tables": ("revoke temp on database {0} from public, faulty", TEMPORARY, "create temporary"),
    "missing extension": ("select 1", f"{TABLE}create extension nowhere;", '"nowhere" is not available'),
    "untrusted extension": ("select 1", f"{TABLE}create extension vector;", "denied to create extension"),
    "another's table": (
        "alter table t000 owner to postgres",
        f"{TABLE}comment on table t000 is '';",
        "owner",
    ),
    "server files": ("select 1", f"{TABLE}copy t001 from '/etc/passwd';", "denied to COPY from a file"),
    "disk": ("alter role faulty in database {0} set temp_file_limit = 64", MANY, "(SQLSTATE 53400)"),
}  # fmt: skip


@pytest.fixture(scope="module")
def primary() -> Iterator[Server]:
    """Return a server with few connections, which takes prepared transactions and a standby."""
    with bad.started(NEWEST, *SMALL) as server:
        yield server


@pytest.fixture(scope="module")
def ordinary(server: Server) -> Iterator[str]:
    """Return the URL of a database for its owner, an ordinary role."""
    bad.query(server.url("postgres"), "create role faulty login")
    try:
        with bad.database(server, "owner faulty") as url:
            yield url
    finally:
        bad.query(server.url("postgres"), "drop role faulty")


@pytest.fixture
def owned(ordinary: str) -> str:
    """Return that URL; the database is empty, and its owner has every right again."""
    name = bad.name(bad.emptied(ordinary))
    bad.query(ordinary, f"alter role faulty in database {name} reset all")
    bad.query(ordinary, f"grant all on database {name} to public")
    return ordinary.replace("postgres@", "faulty@")


def _refused(root: Path, url: str, code: int, *words: str, **environ: str) -> None:
    """Assert that a run exits with ``code`` and says all of ``words``."""
    result = bad.run(bad.project(root, TABLE), "migrate", url, **environ)
    assert result.exit_code == code, result.output
    assert [word for word in words if word not in result.stderr] == []


def test_a_standby_is_refused(tmp_path: Path, primary: Server) -> None:
    """With the remedy, before anything is sent; `status` reads there what the primary has."""
    app = bad.project(tmp_path, TABLE)
    with bad.database(primary) as url:
        assert bad.run(app, "migrate", url, "--to", "0").exit_code == 0
        with bad.started(NEWEST, *SMALL, copy_of=primary) as standby:
            there = standby.url(bad.name(url))
            _refused(tmp_path / "x", there, 2, "SERVER_UNUSABLE", "is a standby", "Point the URL")
            assert bad.run(app, "status", there, "--exit-code").exit_code == 3
            bad.check(there, "000")
        bad.check(url, "000")


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_database_that_is_being_restored_is_no_standby(tmp_path: Path, version: int) -> None:
    """There is no primary to go to: who restores it lets it go on. Who may not look is told as before."""
    target = ("restore_command=false", "recovery_target=immediate")
    with bad.started(version, *SMALL) as old:
        bad.query(old.url("postgres"), "create role t_plain login")
        with bad.started(version, *SMALL, *target, copy_of=old, restored=True) as server:
            url = server.url("postgres")
            until(lambda: bad.query(url, "select pg_get_wal_replay_pause_state()") == [("paused",)])
            remedy = "select pg_wal_replay_resume();"
            _refused(
                tmp_path / "x", url, 2, "SERVER_UNUSABLE", "is still being restored, and is paused", remedy
            )
            _refused(tmp_path / "y", url.replace("postgres@", "t_plain@"), 2, "is a standby")
            bad.query(url, remedy)
            until(lambda: bad.query(url, "select pg_is_in_recovery()") == [(False,)])
            assert bad.run(bad.project(tmp_path / "z", TABLE), "migrate", url).exit_code == 0


def test_a_restore_that_goes_on_is_waited_for(tmp_path: Path, primary: Server) -> None:
    """Nothing is paused that could be resumed."""
    with bad.started(NEWEST, *SMALL, copy_of=primary) as server:
        signal = Path(server.host, "data", "standby.signal")
        signal.rename(signal.with_name("recovery.signal"))
        url = server.url("postgres")
        _refused(tmp_path, url, 2, "is still being restored, and takes no changes", "Wait until it is done")


def test_a_full_server_is_refused_and_then_serves(tmp_path: Path, primary: Server) -> None:
    """Without a free connection the exit code says: try again; then it works."""
    with bad.database(primary) as url:
        with ExitStack() as stack:
            with suppress(psycopg.OperationalError):
                while True:
                    stack.enter_context(psycopg.connect(url))
            _refused(tmp_path / "x", url, 5, "CANNOT_CONNECT", "too many clients")
        app, deadline = bad.project(tmp_path, TABLE), time.monotonic() + 30
        while bad.run(app, "migrate", url).exit_code and time.monotonic() < deadline:
            time.sleep(0.1)
        bad.check(url, "000", "001")


def test_a_prepared_transaction_is_never_recorded(
    tmp_path: Path, primary: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused; should the scanner ever miss it, the run fails, without table and without row."""
    app = bad.project(tmp_path, f"{TABLE}prepare transaction 'x';")
    with bad.database(primary) as url:
        assert "controls the transaction (prepare transaction)" in bad.run(app, "migrate", url).stderr
        assert bad.query(url, "select * from pg_prepared_xacts") == []
        monkeypatch.setattr("runner.planning.content._check", Mock())
        result = bad.run(app, "migrate", url)
        assert (result.exit_code, "TRANSACTION_ENDED" in result.stderr) == (1, True)
        bad.check(url, "000")
        bad.query(url, "rollback prepared 'x'")


@pytest.mark.parametrize("scope", ["database {0}", "role faulty in database {0}", None])
def test_a_wish_for_no_changes_is_respected(tmp_path: Path, owned: str, scope: str | None) -> None:
    """default_transaction_read_only refuses the run wherever it was set."""
    if scope:
        bad.query(owned, f"alter {scope.format(bad.name(owned))} set default_transaction_read_only = on")
    environ = {} if scope else {"PGOPTIONS": "-c default_transaction_read_only=on"}
    _refused(tmp_path, owned, 2, "SERVER_UNUSABLE", "has default_transaction_read_only on", **environ)
    bad.check(owned)


@pytest.mark.parametrize("name", LACKING)
def test_what_the_role_or_the_server_lacks_is_said(tmp_path: Path, owned: str, name: str) -> None:
    """The file is rolled back and not recorded, the server's words are passed on, the others stay."""
    lack, text, words = LACKING[name]
    app = bad.project(tmp_path, text)
    assert bad.run(app, "migrate", owned, "--to", "0").exit_code == 0
    owner = owned.replace("faulty@", "postgres@")
    bad.query(owner, lack.format(bad.name(owned)))
    result = bad.run(app, "migrate", owned)
    assert (result.exit_code, "SQL_FAILED" in result.stderr) == (1, True), result.output
    assert words in " ".join(result.stderr.split())
    bad.check(owner, "000")


def test_a_role_that_may_create_nothing_leaves_nothing(tmp_path: Path, owned: str) -> None:
    """Already the ledger cannot be made: the error names the schema."""
    bad.query(owned.replace("faulty@", "postgres@"), "alter schema public owner to postgres")
    _refused(tmp_path, owned, 1, "SQL_FAILED", "permission denied for schema public", "(SQLSTATE 42501)")
    bad.check(owned)


@pytest.mark.parametrize(
    ("command", "lack"),
    [
        ("status", "revoke usage on schema public from public"),
        ("plan", "revoke usage on schema public from public"),
        ("verify", "revoke select on schema_migrations from faulty"),
        ("accept app 0 --yes", "revoke update on schema_migrations from faulty"),
    ],
    ids=["status", "plan", "verify", "accept"],
)
def test_a_command_without_its_rights_says_so(tmp_path: Path, owned: str, command: str, lack: str) -> None:
    """It ends with an error that names the right, never with a traceback, and changes nothing."""
    app, owner = bad.project(tmp_path), owned.replace("faulty@", "postgres@")
    assert bad.run(app, "migrate", owned).exit_code == 0
    bad.query(owner, f"alter schema public owner to postgres; {lack}")
    app.write("app", {"000_first.sql": bad.FIRST["000_first.sql"] + "-- edited"})
    name, *arguments = command.split()
    result = bad.run(app, name, owned, *arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert "permission denied" in result.stderr or "may not read" in result.stderr
    assert bad.text(owner, "000") == bad.FIRST["000_first.sql"]


@pytest.mark.parametrize(
    ("encoding", "text", "code"),
    [
        ("utf8", LETTERS.replace("é", "漢"), 0),
        ("latin1", LETTERS, 0),
        ("latin1", f"-- 漢\n{LETTERS}", 1),
        ("latin1", LETTERS.replace("'é'", "'漢'"), 1),
        ("sql_ascii", LETTERS.replace("é", "漢"), 0),
    ],
    ids=["utf8", "latin1", "latin1 comment", "latin1 literal", "sql_ascii"],
)
def test_letters_arrive_as_they_are_or_not_at_all(
    tmp_path: Path, server: Server, encoding: str, text: str, code: int
) -> None:
    """In table and ledger stands what psql would store, never other letters; `verify` agrees."""
    with bad.database(server, f"encoding '{encoding}' locale 'C'") as url:
        app = bad.project(tmp_path, text)
        result = bad.run(app, "migrate", url, PGCLIENTENCODING="latin1")
        assert result.exit_code == code, result.output
        bad.check(url, *["000", "001"][: 2 - code])
        if code:
            assert 'no equivalent in encoding "LATIN1"' in result.stderr
            line = text[: text.index("漢")].count("\n") + 1
            column = text.index("漢") - text.rfind("\n", 0, text.index("漢"))
            assert f"001_next.sql:{line}:{column}" in result.stderr
        else:
            assert bad.text(url) == text
            assert bad.query(url, "select v from t001") == [(text[text.index("'") + 1] + "\\\\'a\\n",)]
            assert bad.run(app, "verify", url).exit_code == 0


speaking = pytest.mark.skipif(not SYSTEM_15.is_dir(), reason="the servers of the wheels speak English only")


@pytest.fixture
def abroad(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URL of a database on a server that speaks a language, by itself German."""
    monkeypatch.setitem(PROGRAMS, OLDEST, SYSTEM_15)
    with (
        bad.started(OLDEST, LANGUAGE=getattr(request, "param", "de")) as server,
        bad.database(server) as url,
    ):
        yield url


@speaking
def test_another_language_changes_no_decision(tmp_path: Path, abroad: str) -> None:
    """Names and exit codes come from SQLSTATEs and facts, not from the server's words."""
    with pytest.raises(psycopg.errors.DivisionByZero) as english:
        bad.query(abroad, "select 1/0")
    if "Division durch Null" not in str(english.value):
        pytest.skip("the server has no German messages")
    app = bad.project(tmp_path, f"{TABLE}select 1/0;")
    result = bad.run(app, "migrate", abroad)
    assert result.exit_code == 1
    assert "failed: Division durch Null (SQLSTATE 22012)" in result.stderr
    bad.check(abroad, "000")
    _refused(tmp_path / "x", abroad.replace(bad.name(abroad), "nowhere"), 2, "DATABASE_MISSING")
    bad.query(abroad, "create database half")
    bad.query(abroad, "update pg_database set datconnlimit = -2 where datname = 'half'")
    half = abroad.replace(bad.name(abroad), "half")
    _refused(tmp_path / "y", half, 2, "ACCESS_DENIED", "drop database half;")


@speaking
def test_what_a_file_lets_go_is_missed_in_another_language(tmp_path: Path, abroad: str) -> None:
    """The quotes around a name are the language's, too: what was prepared is sent anew all the same."""
    names = [f"{number:03}_x.sql" for number in range(7)]
    text = "do $$ begin execute 'deall' || 'ocate all'; end $$;"
    app = make(tmp_path, app=dict.fromkeys(names, "select 1;") | {names[3]: text})
    result = bad.run(app, "migrate", abroad)
    assert result.exit_code == 0, result.output
    assert bad.query(abroad, "select count(*) from public.schema_migrations") == [(7,)]
    bad.query(abroad, "drop extension plpgsql")
    app.write("app", {"007_x.sql": "select 1;"})
    assert "no language plpgsql" in bad.run(app, "migrate", abroad).stderr


NOTICED = {
    "000_a.sql": "create table public.a (i int);",
    "001_b.sql": f"select 1;\ncreate table public.b ({'x' * 70} int);",
    "002_c.sql": "create table if not exists public.a (i int);\ndrop table if exists public.zz;",
}


@speaking
@pytest.mark.parametrize("abroad", ["en", "de", "fr", "ru", "ja"], indirect=True)
def test_a_notice_is_placed_in_any_language(tmp_path: Path, abroad: str) -> None:
    """By the names that it quotes, in the marks of that language: at the right file, line and column."""
    said = bad.run(make(tmp_path, app=NOTICED), "migrate", abroad, "--verbose").output
    places = [line.split(": ")[1] for line in said.splitlines() if line.startswith("notice: ")]
    assert places == ["app/001_b.sql:2:24", "app/002_c.sql:1:1", "app/002_c.sql:2:1"], said


BODIES = {  # what fails in a body, and what is said of it
    "do $$\nbegin\n    perform 1;\n    execute 'select 1/0';\nend $$;": ":4:5",
    "create function public.f(n int) returns int language plpgsql as $$\nbegin\n"
    "    return 1 / n;\nend $$;\nselect public.f(0);": ":3:5",
    "select 1;\ndo $$\nbegin\n    vacuum;\nend $$;": "No function and no block may run this statement",
    "do $$ begin\n    raise exception 'odd' using errcode = 'AX001', detail = (select v from public.t);\n"
    "end $$;": ":2:5",
}


@speaking
@pytest.mark.parametrize("abroad", ["en", "de", "ja", "zh_CN", "ko"], indirect=True)
def test_a_body_that_fails_is_known_in_any_language(tmp_path: Path, abroad: str) -> None:
    """In whatever order the words of its context stand; and what it has read of a table stays unsaid."""
    app = make(tmp_path, app={"000_t.sql": "create table public.t (v text);"})
    app.migrate(abroad)
    bad.query(abroad, "insert into public.t values ('hunter2')")
    for body, expected in BODIES.items():
        app.write("app", {"001_x.sql": body})
        said = bad.run(app, "migrate", abroad)
        assert said.exit_code == 1, said.output
        assert expected in said.output, said.output
        assert "hunter2" not in said.output
        assert "function" not in body or "CONTEXT" in said.output, said.output
