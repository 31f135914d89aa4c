"""The scanner says of each statement what the server says of it inside a transaction."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runner import database, files
from runner.errors import FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection

SETUP = """
    create table public.t (id int primary key, n int) partition by range (id);
    create table public.t_1 partition of public.t for values from (0) to (10);
    create table public."T 2" (id int not null, n int);
    alter table public.t attach partition public."T 2" for values from (10) to (20);
    create table public.one (id int primary key);
    create index i on public.one (id);
    create materialized view public.m as select 1 as id;
    create unique index on public.m (id);
    create type public.mood as enum ('sad');
    create procedure public.ends() language plpgsql as $$ begin commit; end $$;
    create procedure public."Ends"(int) language plpgsql as $$ begin if true then rollback; end if; end $$;
    create procedure public.stays() language plpgsql as $$ begin perform 'commit;'; -- commit;
    end $$;
    create subscription off_s connection 'dbname=none' publication p with (connect = false);
    create subscription s connection 'dbname=none' publication p, r with (connect = false);
"""
UNDO = "drop subscription off_s; drop subscription s;"
PROCEDURES = frozenset(files.procedures([SETUP]))

# Refused by every server.
OUTSIDE = [
    "vacuum", "VACUUM full public.one", "vacuum (analyze) public.one", "vacuum(full)", "vacuum analyze",
    "cluster", "cluster verbose", "cluster verbose;",
    "create index concurrently on public.one (id)", "create unique index concurrently j on public.one (id)",
    "create /* x */ index -- y\n concurrently if not exists i on public.one (id)",
    "create index\nconcurrently k on only public.one (id)", "create index  concurrently k on public.one (id)",
    "create  unique\t\tindex \n Concurrently k on public.one (id);",
    "drop index concurrently i", "drop index concurrently if exists none", "drop index -- x\nconcurrently i",
    "reindex index concurrently i", "reindex table concurrently public.one",
    "reindex (concurrently) index i", "reindex (verbose, concurrently on) table public.one",
    "reindex (concurrently true, verbose) table public.one",
    "reindex schema public", "reindex schema concurrently public", "reindex (verbose) schema public",
    "reindex database none", "reindex system none", "reindex(concurrently) schema public",
    "alter table public.t detach partition public.t_1 concurrently",
    'alter table if exists public.t detach partition public."T 2" concurrently;',
    "alter table public.t -- ;\n detach partition public.t_1 concurrently",
    "create database x", "create database x template template0", "drop database if exists x",
    "drop database x with (force)", "create tablespace x location '/x'", "drop tablespace x",
    "drop tablespace if exists x", "alter database none set tablespace pg_default",
    'alter database "My db" set tablespace pg_default',
    "alter system set work_mem = '4MB'", "alter system reset all", "discard all", "discard\nall;",
    "create subscription x connection 'dbname=none connect=false' publication p",
    "create subscription x connection 'dbname=none' publication p with (enabled = false)",
    "create subscription x connection 'dbname=none' publication p with (create_slot = true)",
    "drop subscription s", 'drop subscription "s";',
    "alter subscription s refresh publication",
    "alter subscription s refresh publication with (copy_data = off)",
    "alter subscription s set publication q", "alter subscription s add publication q with (refresh)",
    "alter subscription s drop publication r",
    "do $$ begin commit; end $$", "do language plpgsql $a$ begin rollback; end $a$", "do 'begin commit; end'",
    "do $$ declare n int := 1; begin for i in 1..2 loop n := 2; commit; end loop; end $$ language plpgsql",
    "do $$ begin for i in 1..2 loop commit; end loop; end $$", "DO $$ BEGIN COMMIT AND CHAIN; END $$",
    "do $$ begin if true then commit; end if; end $$", "do $$ begin /* now */ commit -- then\n; end $$",
    "do 'begin perform ''x''; commit; end'", r"do E'begin commit;\nend'", r"do e'begin commit\n; end'",
    r"do E'declare a text := \'\';\nbegin\n perform ''x''; commit; end'", r"do E'begin \x63ommit; end'",
    "do E'begin '\n'commit; end'", "do 'begin ' -- then\n  'commit; end'", r"do U&'begin\000acommit; end'",
    r"do U&'\0062egin \+000063ommit; end'", "do 'begin perform '';''; commit; end'",
    r"do E'begin if true then rollback;\t end if; end' language plpgsql",
    "do $$ begin if false then null; else commit; end if; end $$",
    "do $$ begin commit /* now */ ; end $$", "do $$ begin rollback\n\t; end $$",
    "do -- it's\n $$ begin null; rollback and no chain; end $$",
    "do language 'plpgsql' $$ begin commit; end $$",
    "call public.ends()", "CALL Ends();", 'call public."Ends"(1)', "call /* now */ public . -- x\n ends()",
]  # fmt: skip
# Taken by every server.
INSIDE = [
    "analyze", "analyze public.one", "cluster public.one using i", "checkpoint", "discard plans",
    "discard temp", "create index on public.one (id)",
    "create index if not exists concurrent on public.one (id)",
    "create index on only public.t (n)", "drop index i", "reindex index i", "reindex table public.one",
    "reindex (verbose) table public.one", "reindex (concurrently false) index i",
    "reindex (concurrently 'off') index i", "reindex (verbose, concurrently 'false') table public.one",
    "reindex (concurrently off, verbose) table public.one", "reindex (concurrently 0) index i",
    "refresh materialized view concurrently public.m", "alter type public.mood add value 'glad'",
    "alter table public.t detach partition public.t_1", 'alter table public.t detach partition public."T 2"',
    "alter database template0 connection limit 5", "alter database template0 set work_mem = '4MB'",
    "create subscription x connection 'dbname=none' publication p with (connect = false)",
    "create subscription x connection 'dbname=none' publication p with (connect = 'off', enabled = off)",
    "create subscription x connection 'dbname=none' publication p with (connect = 0)",
    "create subscription x connection 'dbname=none' publication p with (/* no */ connect -- x\n = false)",
    "alter subscription s set publication q with (refresh /* later */ = 'off')",
    "alter subscription off_s set (slot_name -- gone\n = none); drop /* now */ subscription off_s",
    "drop subscription if exists none", "alter subscription s disable", "alter subscription s enable",
    "alter subscription off_s set (slot_name = none); drop subscription off_s",
    "alter subscription s set publication q with (refresh = false)",
    "alter subscription s add publication q with (refresh = 'off')", "alter subscription s rename to u",
    "alter subscription s set (streaming = on)",
    "do $$ begin null; end $$", "do $$ begin perform 'commit;'; /* commit; */ -- rollback;\n end $$",
    r"do E'begin perform \'commit;\'; -- commit;\n end'", r"do E'begin null;\n /* commit; */ end'",
    "do 'begin perform ''x; commit; ''; end'", r"do E'begin perform E\'\\\\n; commit; \'; end'",
    "do 'declare \"commit\" int; begin null; end'", "call public.stays()", "set work_mem = '4MB'",
    "do $$ begin execute 'comment on table public.one is ''its rollback drops it; commit'''; end $$",
    "create function public.f() returns void language plpgsql as $$ begin commit; end $$",
    "create procedure public.p() language plpgsql as $$ begin commit; end $$",
    "comment on table public.one is 'vacuum; reindex schema x; discard all;'",
    'select 1 as "vacuum", 2 as concurrently', "alter table public.one add column detached int",
]  # fmt: skip


@pytest.fixture(scope="module")
def connection(each_server: object) -> Iterator[Connection]:
    """Return a session in a database with one of each that the cases name."""
    url = each_server.url("postgres")  # type: ignore[attr-defined] # the fixture of a later scope
    with database.connect(url, source="x") as admin:
        database.run(admin, "create database outside")
        with database.connect(database.sibling(url, "outside", source="x"), source="x") as connection:
            database.run(connection, "set client_min_messages = error")
            for statement in files.scan(SETUP).statements:
                database.run(connection, SETUP[statement.start : statement.end])
            database.run(connection, "alter subscription s enable")
            yield connection
            database.run(connection, "alter subscription off_s set (slot_name = none)")
            database.run(
                connection, "alter subscription s disable; alter subscription s set (slot_name = none)"
            )
            database.run(connection, UNDO)
        database.run(admin, "drop database outside with (force)")


def _answer(connection: Connection, text: str) -> str | None:
    """Return the SQLSTATE that the server gives this text inside a transaction."""
    database.run(connection, "begin")
    try:
        rejected = database.failure(database.send(connection, text))
        return rejected.sqlstate if rejected else None
    finally:
        database.roll_back(connection)


@pytest.mark.parametrize("text", OUTSIDE)
def test_what_the_server_refuses_in_a_transaction_is_refused(connection: Connection, text: str) -> None:
    """The refusal says which statement it is, and what to do with it."""
    assert _answer(connection, text) in ("25001", "2D000")
    with pytest.raises(FileRefused, match=r"transaction allows|cannot run in a transaction") as refused:
        files.check(text, path="a.sql", committing=PROCEDURES)
    assert str(refused.value.place) == "a.sql:1:1"
    assert "no-transaction" in (refused.value.remedy or "") or "discard" in text
    assert files.check(text, path="a.sql", single=True, committing=PROCEDURES) == 1


@pytest.mark.parametrize("text", INSIDE)
def test_what_the_server_takes_in_a_transaction_is_taken(connection: Connection, text: str) -> None:
    """Nothing is refused that would have worked."""
    assert _answer(connection, text) is None
    assert files.check(text, path="a.sql", committing=PROCEDURES)


@pytest.mark.parametrize(
    "text",
    [
        "alter subscription off_s set (failover = true)",
        "alter subscription off_s set (two_phase = false)",
        "cluster (verbose)",
    ],
)
def test_what_only_newer_servers_know_is_never_taken(connection: Connection, text: str) -> None:
    """An older server does not know the option; the newest refuses it in a transaction."""
    assert _answer(connection, text) in ("42601", "25001")
    with pytest.raises(FileRefused, match="cannot run in a transaction"):
        files.check(text, path="a.sql")


def test_a_subscription_that_makes_no_slot_is_taken() -> None:
    """The server takes it, too, where it finds the publisher."""
    create = "create subscription s connection 'x' publication p with (create_slot = false)"
    assert files.check(create, path="a.sql") == 1


def test_procedures_are_known_by_their_bodies() -> None:
    """Only what commits or rolls back counts, by the name that the catalog has."""
    assert {"ends", "Ends"} == PROCEDURES


MODES = [
    "set transaction isolation level serializable", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "set local transaction isolation level read uncommitted, read write", "set transaction deferrable",
    "set transaction not deferrable", "set transaction snapshot '00000003-0000001B-1'",
    "set transaction_isolation = 'serializable'", "set local transaction_isolation to 'repeatable read'",
    "set session transaction_isolation = serializable",
]  # fmt: skip
OWN_MODES = [
    "set transaction isolation level read committed", "set transaction read write",
    "set local transaction isolation level read committed, read write",
    "set transaction_isolation = 'read committed'", "set local transaction_isolation to 'read committed'",
    "set session characteristics as transaction isolation level serializable",
]  # fmt: skip


@pytest.mark.parametrize("text", MODES)
def test_another_mode_of_the_transaction_is_refused_as_the_server_would(
    connection: Connection, text: str
) -> None:
    """Behind the first query, which takes the runner's lock, the server refuses each of them."""
    assert _answer(connection, f"select 1; {text}") in ("25001", "22023", "0A000")
    with pytest.raises(FileRefused, match="sets the mode of its transaction") as refused:
        files.check(f"-- x\n{text};\nselect 1;", path="a.sql")
    assert str(refused.value.place) == "a.sql:2:1"
    assert "lock table" in (refused.value.remedy or "")


@pytest.mark.parametrize("text", OWN_MODES)
def test_the_mode_that_it_has_may_be_set(connection: Connection, text: str) -> None:
    """A file that says what the runner's transaction is anyway runs as with psql -1."""
    assert _answer(connection, f"select 1; {text}; create table public.x (id int)") is None
    assert files.check(f"{text}; select 1;", path="a.sql") == 2


def test_a_transaction_that_could_not_be_recorded_is_refused() -> None:
    """The server would take it, and then refuse the ledger row."""
    with pytest.raises(FileRefused, match="sets the mode"):
        files.check("set transaction read only; select 1;", path="a.sql")


STRINGS = [
    "set standard_conforming_strings = off", "SET LOCAL standard_conforming_strings TO 'off'",
    "set session standard_conforming_strings to false", "set standard_conforming_strings=0",
    "set standard_conforming_strings to/* now */off",
]  # fmt: skip
AS_THEY_ARE = [
    "set standard_conforming_strings = on", "set standard_conforming_strings to default",
    "set escape_string_warning = off", "select 'set standard_conforming_strings = off'",
]  # fmt: skip


@pytest.mark.parametrize("text", STRINGS)
def test_how_strings_are_read_is_not_switched(text: str) -> None:
    """The server has read the whole message by then, and would store something else than with psql."""
    with pytest.raises(FileRefused, match="switches standard_conforming_strings off"):
        files.check(f"{text}; select $$\\$$, 'a\\b';", path="a.sql")
    files.check(f"select 'a\\b'; {text}; select E'a\\b', $$\\$$, 'b', \"\\\" -- '\\'", path="a.sql")


@pytest.mark.parametrize("text", AS_THEY_ARE)
def test_that_a_backslash_is_one_may_be_said(text: str) -> None:
    """As a dump does."""
    files.check(f"{text}; select 'a\\b';", path="a.sql")


ENCODINGS = [
    "set client_encoding = 'LATIN1'", "SET LOCAL client_encoding TO latin1", "set names 'win1252'",
    "set session client_encoding='ISO-8859-1'", "set client_encoding to/* now */E'euc_jp'",
]  # fmt: skip
UTF8 = [
    "set client_encoding = 'UTF8'", "SET client_encoding TO utf8", "set names 'Utf-8'", "set names",
    "set client_encoding = 'unicode'", "set client_encoding = 'SQL_ASCII'", "set client_encoding = E'UTF8'",
    "set client_encoding to default", "set client_min_messages = warning", "reset client_encoding",
    "select 'set client_encoding = latin1'", "set local client_encoding to U&'UTF8'",
]  # fmt: skip


@pytest.mark.parametrize("text", ENCODINGS)
def test_another_encoding_than_the_files_is_refused(text: str) -> None:
    """With psql the server would take the letters behind it for others, and store those."""
    with pytest.raises(FileRefused, match="sets another client_encoding") as refused:
        files.check(f"-- é\n{text};\nselect 'é';", path="a.sql")
    assert str(refused.value.place) == "a.sql:2:1"
    assert "every file is UTF-8" in (refused.value.remedy or "")
    for right in ("select 'e'; -- é", "reset client_encoding; select 'é'", "set names 'UTF8'; select 'é'"):
        files.check(f"select 'é'; {text}; {right}", path="a.sql")
    files.check(f"{text}; /* é: of its client_encoding */ select 'e'", path="a.sql")


@pytest.mark.parametrize("text", UTF8)
def test_the_encoding_that_a_file_has_may_be_said(text: str) -> None:
    """As a dump does, however it is spelled."""
    files.check(f"{text}; select 'é';", path="a.sql")


AGAIN = {
    "made anew without": ["create or replace procedure p() language plpgsql as 'begin null; end';"],
    "another schema's": ["create procedure s2.p() language plpgsql as 'begin null; end';"],
}


@pytest.mark.parametrize("texts", AGAIN.values(), ids=AGAIN)
def test_a_procedure_is_what_was_made_last_and_before(texts: list[str]) -> None:
    """What ends its transaction only once, or elsewhere, is for the server to tell."""
    ends = "create procedure p() language plpgsql as 'begin commit; end';"
    assert files.procedures([ends]) == {"p"}
    assert files.procedures([ends, *texts]) == set()
    assert files.procedures([*texts, ends]) == (set() if "s2" in texts[0] else {"p"})


LONG = {
    "detach partition": f"alter table x {'detach partition y, ' * 40_000}z;",
    "detach partition concurrently": f"alter table x {'detach partition y concurrently, ' * 20_000}z;",
    "reindex": f"reindex ({'concurrently ' * 40_000}",
    "reindex with an end": f"reindex ({'concurrently false, ' * 40_000}verbose) table x;",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_statement_takes_no_time_to_speak_of(text: str) -> None:
    """However often its words come back: some 600,000 letters in less than a second."""
    began = time.process_time()
    with suppress(FileRefused):
        files.check(text, path="a.sql")
    assert time.process_time() - began < 1
