"""Errors of PostgreSQL point into the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.apply.event import Started
from runner.errors import ConnectionLost, LockHeld, SqlFailed
from tests.project import make

if TYPE_CHECKING:
    from pathlib import Path

# the file, where the error is, and what the message says
CASES = {
    "unknown column": ("select 1;\n\nselect nope\nfrom pg_class;\n", (3, 8), "nope"),
    "syntax": ("select 1;\nselekt 2;\n", (2, 1), "selekt"),
    "syntax at the end": ("select 1;\nselect (2\n\n", (2, 10), "end of input"),
    "multi-byte text before it": ("/* é 漢字 😀 */ select nope;\n", (1, 21), "nope"),
    "windows line ends": ("select 1;\r\nselect 2;\r\n  select nope;\r\n", (3, 10), "nope"),
    "unknown table": ("insert into public.nope values (1);", (1, 13), "nope"),
    "body of a function": (
        "create function public.f() returns int language sql as $$\n  select nope;\n$$;",
        (2, 10),
        "nope",
    ),
    "no position: the second statement": (
        "select 1;\n-- why\nselect 1/0;\nselect 3;",
        (3, 1),
        "division by zero",
    ),
    "no position: duplicate table": (
        "create table public.t ();;\n\n  create table public.t ();",
        (3, 3),
        '"t" already exists',
    ),
    "raised in a do block": ("select 1;\ndo $$\nbegin\n  raise 'oh no';\nend $$;", (4, 3), "oh no"),
    "raised in the first line of one": ("do 'begin raise ''oh no''; end';", (1, 5), "oh no"),
    "a statement inside a do block": (
        "do $$\nbegin\n    perform 1;\n    insert into public.nope values (1);\nend $$;",
        (4, 17),
        "nope",
    ),
    "dynamic SQL inside a do block": (
        "do $body$\nbegin\n    execute 'select nope';\nend\n$body$;",
        (3, 21),
        "nope",
    ),
    "a do block behind a comment with a quote": (
        "do /* it's */ -- $$\n$$\nbegin\n  raise 'oh no';\nend $$;",
        (4, 3),
        "oh no",
    ),
    "a do block that names its language first": (
        "do language 'plpgsql' $$\nbegin\n  raise 'oh no';\nend $$;",
        (3, 3),
        "oh no",
    ),
    "a function with a string before its body": (
        (
            "create function public.f(a text default '\n\n$$') returns int language plpgsql as $$\nbegin\n"
            "    return 1 / 0;\nend $$;select public.f();"
        ),
        (5, 5),
        "division by zero",
    ),
    "a function the file made": (
        (
            "create function public.f() returns int language plpgsql as $$\nbegin\n    return 1 / 0;\nend $$;"
            "select 1;\nselect public.f();"
        ),
        (3, 5),
        "division by zero",
    ),
    "an expression whose words stand in a comment and elsewhere": (
        (
            "-- Makes customer with is_old.\ncreate table public.customer (id int, is_old boolean);\n"
            "do $$\nbegin\n    if is_old then\n        null;\n    end if;\nend $$;"
        ),
        (5, 8),
        "is_old",
    ),
    "a word within another word of its line": (
        "do $$\ndeclare total int;\nbegin\n    total := (select totals + tota);\nend $$;",
        (4, 22),
        "totals",
    ),
    "the second of two blocks alike": (
        (
            "do $$ begin\n  insert into public.nope values (1);\nexception when others then null;\nend $$;\n"
            "do $$ begin\n  insert into public.nope values (1);\nend $$;"
        ),
        (6, 15),
        "nope",
    ),
    "behind into": (
        "do $$\ndeclare a int;\nbegin\n    select 1\n    into a\n    from public.nope;\nend $$;",
        (6, 10),
        "nope",
    ),
    "behind perform": ("do $$\nbegin\n    perform nope\n    from pg_class;\nend $$;", (3, 13), "nope"),
    "a trigger that is no maker": (
        (
            "create table public.t ();\ncreate function public.audit() returns trigger language plpgsql as\n"
            "$$ begin\n    raise 'oh no'; end $$;\n"
            "create trigger a before insert on public.t execute function public.audit('x');\n"
            "insert into public.t default values;"
        ),
        (4, 5),
        "oh no",
    ),
    "one of two of that name": (
        (
            "create function public.f(int) returns int language plpgsql as $$ begin\n return 1; end $$;\n"
            "create function public.f(a varchar(9) default 'x') returns int language plpgsql as\n"
            "$$ begin\n return 1 / 0; end $$;\nselect public.f('a'::varchar);"
        ),
        (5, 2),
        "division",
    ),
    "one of that name in another schema": (
        (
            "create schema one; create schema two;\n"
            "create function one.w() returns int language plpgsql as $$ begin\n return 1; end $$;\n"
            'create function two."W"() returns int language plpgsql as $$ begin\n return 1; end $$;\n'
            "create function two.w() returns int language plpgsql as\n$$ begin\n return 1 / 0; end $$;\n"
            "create function public.w() returns int language plpgsql as $$ begin\n return 1; end $$;\n"
            "select two.w();"
        ),
        (8, 2),
        "division",
    ),
    "one made anew before, not the one made behind it": (
        (
            "create function public.f() returns int language plpgsql as $$ begin\n return 1; end $$;\n"
            "create or replace function public.f() returns int language plpgsql as\n"
            "$$ begin\n return 1 / 0; end $$;\nselect public.f();\n"
            "create or replace function public.f() returns int language sql as 'select 1';"
        ),
        (5, 2),
        "division",
    ),
    "a default that is longer than the body": (
        (
            "create function public.f(a text default '  \n  a long text, longer than all else in it\n ')\n"
            "returns int language plpgsql as\n$$ begin\nreturn 1/0; end $$;\nselect public.f();"
        ),
        (6, 1),
        "division",
    ),
    "a block within a block": (
        "do $$\nbegin\n    null;\n    execute 'do $x$ begin raise ''oh no''; end $x$';\nend $$;",
        (4, 5),
        "oh no",
    ),
    "two that may be meant": (
        (
            "create type public.acc as (n int);\n"
            "create function public.pay(public.acc, n numeric) returns int language plpgsql as $$ begin\n"
            " return 1 / 0; end $$;\n"
            "create function public.pay(n int array, b numeric, c out int) language plpgsql as $$ begin\n"
            " c := 1; end $$;\nselect public.pay(null::public.acc, 1);"
        ),
        (3, 2),
        "division",
    ),
    "two of which neither is known": (
        (
            "create table public.t (n int);\n"
            "create function public.pay(n public.t.n%type) returns int language plpgsql as $$ begin\n"
            " return 1 / 0; end $$;\n"
            "create function public.pay(n interval day to second) returns int language plpgsql as $$ begin\n"
            " return 1; end $$;\nselect public.pay(1);"
        ),
        (6, 1),
        "division",
    ),
    "a name in quotes": (
        (
            'create function public."My f"(out a int, numeric(9, 2)) language plpgsql as $$\nbegin\n'
            '  a := 1 / 0;\nend $$;\nselect public."My f"(1);'
        ),
        (3, 3),
        "division",
    ),
    "inside a function in SQL, called in a do block": (
        (
            "create function public.g() returns int language sql as $$\n  select 1\n$$;\n"
            "set local check_function_bodies = off;\n"
            "create function public.f() returns int language sql as $$\n  select nope\n$$;\n"
            "do $$\nbegin\n    perform public.f();\nend $$;"
        ),
        (6, 10),
        "nope",
    ),
    "a function the file made, called in a do block": (
        (
            "create procedure public.p() language plpgsql as $$\nbegin\n    raise 'oh no';\nend $$;"
            "do $$\nbegin\n    call public.p();\nend $$;"
        ),
        (3, 5),
        "oh no",
    ),
    "a do block that cannot be compiled": (
        "select 1;\ndo $$\nbegin\n  if true the\n   null;\n  end if;\nend $$;",
        (5, 8),
        "missing",
    ),
    "an unknown name in a do block": ("do $$\nbegin\n  nope := 1;\nend $$;", (3, 3), "nope"),
    "a function of the file behind all statements": (
        (
            "create table public.t (a int);\n"
            "create function public.f() returns trigger language plpgsql as $$\nbegin\n"
            "  raise exception 'must %', new.a;\n  return null;\nend $$;\n"
            "create constraint trigger t after insert on public.t deferrable initially deferred\n"
            "for each row execute function public.f();\ninsert into public.t values (5);\nselect 1;"
        ),
        (4, 3),
        "must 5",
    ),
}


@pytest.mark.parametrize(("text", "where", "says"), CASES.values(), ids=CASES.keys())
def test_an_error_has_its_place(
    tmp_path: Path, each_url: str, text: str, where: tuple[int, int], says: str
) -> None:
    """Line and column are those of the file, in characters, with the server's words and its SQLSTATE."""
    with pytest.raises(SqlFailed, match=says) as caught:
        make(tmp_path, app={"000_one.sql": text}).migrate(each_url)
    place = caught.value.place
    assert place is not None
    assert (place.path, place.line, place.column) == ("app/000_one.sql", *where)
    assert f"(SQLSTATE {caught.value.sqlstate})" in str(caught.value)
    assert isinstance(caught.value.__cause__, psycopg.Error)


@pytest.mark.parametrize("name", ["one of two of that name", "two that may be meant", "a name in quotes"])
def test_where_all_names_are_quoted_the_function_is_found(tmp_path: Path, each_url: str, name: str) -> None:
    """The server puts the types in quotes as well, but for those that are no names."""
    text, where, _ = CASES[name]
    text = text.replace("varchar(9)", "text").replace("::varchar", "::text")
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute(f"alter database {db.info.dbname} set quote_all_identifiers = on".encode())
    with pytest.raises(SqlFailed) as caught:
        make(tmp_path, app={"000_one.sql": text}).migrate(each_url)
    assert caught.value.place
    assert (caught.value.place.line, caught.value.place.column) == where


def test_a_function_of_an_earlier_file_is_not_taken_for_one_of_that_name(
    tmp_path: Path, each_url: str
) -> None:
    """Then the statement that calls it is all that is known."""
    made = "create function public.f({}) returns int language plpgsql as $$ begin\n return {}; end $$;\n"
    texts = {"000_one.sql": made.format("text", "1 / 0")}
    texts["001_two.sql"] = made.format("int", 2) + "select public.f('x'::text);"
    with pytest.raises(SqlFailed, match="division") as caught:
        make(tmp_path, app=texts).migrate(each_url)
    assert caught.value.place
    assert (caught.value.place.path, caught.value.place.line) == ("app/001_two.sql", 3)


def test_detail_and_hint_are_kept(tmp_path: Path, url: str) -> None:
    """What the server adds stands in the notes."""
    text = "create table public.t (id int primary key); insert into public.t values (7), (7);"
    with pytest.raises(SqlFailed) as caught:
        make(tmp_path, app={"000_one.sql": text}).migrate(url)
    assert caught.value.private == ("DETAIL: Key (id)=(7) already exists.",)


def test_a_lock_of_another_session_is_worth_another_try(tmp_path: Path, url: str) -> None:
    """A file that times out on a lock was rolled back and may be run again."""
    text = "set local lock_timeout = '100ms'; alter table public.busy add column id int;"
    app = make(tmp_path, app={"000_busy.sql": "create table public.busy ();", "001_alter.sql": text})
    app.migrate(url, to=0)
    with psycopg.connect(url) as other:
        other.execute("lock table public.busy")
        with pytest.raises(LockHeld, match=r"001_alter.sql waited too long") as caught:
            app.migrate(url)
    assert caught.value.exit_code == 5
    assert [outcome.migration.label for outcome in app.migrate(url)] == ["001_alter"]


@pytest.mark.parametrize("text", ["lock table public.busy nowait", "table busy for update nowait"])
def test_a_lock_that_a_file_does_not_wait_for_is_named(
    tmp_path: Path, url: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says on what, and the file has not waited too long."""
    monkeypatch.setattr("runner.apply.run.RETRIES", 0)
    busy = "create table public.busy (id) as select 1;"
    app = make(tmp_path, app={"000_busy.sql": busy, "001_lock.sql": f"{text};"})
    app.migrate(url, to=0)
    with psycopg.connect(url) as other:
        other.execute("select from public.busy for update")
        with pytest.raises(LockHeld, match=r"001_lock.sql could not have a lock at once") as caught:
            app.migrate(url)
    [note] = caught.value.notes
    assert note.startswith("could not obtain lock on")
    assert "busy" in note


def test_a_right_that_is_missing_is_named(tmp_path: Path, url: str) -> None:
    """A file that gives its table away still gets its row; one that takes the ledger's rights does not."""
    text = "create role t_poor login; grant create on schema public to t_poor;"
    make(tmp_path / "a", app={"000_role.sql": text}).migrate(url)
    with psycopg.connect(url, autocommit=True) as db:
        try:
            db.execute("grant select on public.schema_migrations to t_poor")
            db.execute("alter table public.schema_migrations owner to t_poor")
            db.execute("revoke insert on public.schema_migrations from t_poor")
            app = make(
                tmp_path / "b", app={"000_role.sql": text, "001_more.sql": "create table public.x ();"}
            )
            with pytest.raises(SqlFailed, match="cannot be recorded and committed: permission denied"):
                app.migrate(url.replace("postgres@", "t_poor@"))
            assert db.execute("select to_regclass('public.x')").fetchone() == (None,)
        finally:
            db.execute("drop owned by t_poor; drop role t_poor")


@pytest.mark.parametrize("when", ["select pg_terminate_backend(pg_backend_pid());", "select 1;"])
def test_a_lost_connection_is_rolled_back_and_said(tmp_path: Path, each_url: str, when: str) -> None:
    """A connection that ends in a file, or before it, leaves nothing."""
    app = make(tmp_path, app={"000_one.sql": f"create table public.one (); {when}"})
    with psycopg.connect(each_url, autocommit=True) as db:
        events = app.events(each_url)
        assert isinstance(next(events), Started)
        if "terminate" not in when:
            db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name ~ '^runner'"
            )
        with pytest.raises(ConnectionLost, match=r"while app/000_one.sql was being applied"):
            next(events)
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("create table public.a ();\n<<<<<<< HEAD\nselect 1;\n=======\nselect 2;\n>>>>>>> other\n", 2),
        ("create table public.a (\n    id int\n<<<<<<< HEAD\n    , b int\n=======\n>>>>>>> x\n);", 3),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n", 1),
    ],
    ids=["conflict", "conflict in a statement", "LFS pointer"],
)
def test_what_git_left_in_a_file_is_refused_by_the_server(
    tmp_path: Path, each_url: str, text: str, line: int
) -> None:
    """Nothing of the file remains, and the place is that of the marker."""
    with pytest.raises(SqlFailed, match="syntax error") as caught:
        make(tmp_path, app={"000_a.sql": text}).migrate(each_url)
    assert caught.value.place
    assert (caught.value.place.path, caught.value.place.line) == ("app/000_a.sql", line)
    with psycopg.connect(each_url) as db:
        assert db.execute("select to_regclass('public.a')").fetchone() == (None,)
