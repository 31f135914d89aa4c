"""References across databases: which there are, and which point at nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from runner import database
from runner.errors import ReferenceUnknown
from runner.schema import orphans, without_sentence
from tests import servers
from tests.project import ROOT, Project, make
from tests.servers import OLDEST, SYSTEM_15

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.database import Connection
    from tests.servers import Server

ACCOUNTS = "create table public.accounts (id int primary key);"
# A name of every kind that needs quoting; a comment that only resembles the sentence marks nothing.
POSTS = """
    create schema "s%p";
    create table "s%p"."The posts" (id int, "a%c" int, note text);
    create index on "s%p"."The posts" ("a%c");
    comment on column "s%p"."The posts"."a%c" is
        'Who wrote it. References auth.accounts.id (cross-database, no foreign key).';
    comment on column "s%p"."The posts".note is
        'References auth.accounts.id (cross-database, no foreign key). Or so it was.';
"""
LABEL = "s%p.The posts.a%c"


@pytest.fixture
def pair(url: str, other_url: str) -> Iterator[tuple[Connection, Connection]]:
    """Return connections to a database that refers and to the one it refers to."""
    with (
        database.connect(url, source="x") as specs,
        database.connect(other_url, source="y") as auth,
    ):
        specs.execute(POSTS.encode())
        auth.execute(ACCOUNTS.encode())
        yield specs, auth


def _write(specs: Connection, *values: int | None) -> None:
    for value in values:
        specs.execute('insert into "s%%p"."The posts" ("a%%c") values (%s)', (value,))


def _find(specs: Connection, auth: Connection) -> orphans.Orphans:
    [found] = orphans.find_orphans(specs, orphans.references(specs), {"auth": auth})
    return found


def test_the_sentence_makes_a_column_a_reference(pair: tuple[Connection, Connection]) -> None:
    """It stands at the end of the comment, and names series, table and column."""
    [reference] = orphans.references(pair[0])
    assert (reference.label, str(reference.to)) == (LABEL, "auth.accounts.id")
    assert orphans.references(pair[1]) == ()


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 1000])
def test_rows_that_point_at_nothing_are_counted(
    pair: tuple[Connection, Connection], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, different values and some examples, however many are looked up at once; null is no reference."""
    monkeypatch.setattr(orphans, "BATCH", batch)
    specs, auth = pair
    auth.execute("insert into public.accounts select generate_series(1, 3)")
    assert (_find(specs, auth).rows, _find(specs, auth).values) == (0, 0)
    _write(specs, 1, 2, 2, None)
    assert _find(specs, auth).rows == 0
    _write(specs, 9, 5, 5, 7, 6, 6, 6)
    found = _find(specs, auth)
    assert (found.rows, found.values, found.examples) == (7, 4, ("5", "6", "7"))
    auth.execute("insert into public.accounts select generate_series(5, 9)")
    assert _find(specs, auth).rows == 0


def test_a_row_that_appears_meanwhile_is_no_orphan(pair: tuple[Connection, Connection]) -> None:
    """The references are read before the rows they point at, which are made first."""
    specs, auth = pair
    _write(specs, 1)
    [reference] = orphans.references(specs)
    batches = orphans._batches(specs, reference)
    assert next(batches) == ["1"]
    _write(specs, 2)
    auth.execute("insert into public.accounts values (1)")
    assert _find(specs, auth).values == 1


def test_without_an_index_the_values_are_read_once(
    pair: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many batches there are; and nothing stays open."""
    monkeypatch.setattr(orphans, "BATCH", 2)
    specs, auth = pair
    specs.execute(b'drop index "s%p"."The posts_a%c_idx"')
    auth.execute("insert into public.accounts select generate_series(1, 9)")
    _write(specs, *range(1, 10))
    assert _find(specs, auth).rows == 0
    assert specs.info.transaction_status.name == "IDLE"
    specs.execute("select pg_stat_force_next_flush()")
    read = specs.execute("select seq_scan from pg_stat_user_tables where relname = 'The posts'").fetchone()
    assert read == (2,)  # the other one made the index


# type that refers -> type referred to, a value that is there, and values in order that are not
TYPES = [
    ("uuid", "uuid", "00000000-0000-0000-0000-000000000001", ["00000000-0000-0000-0000-00000000000a"]),
    ("text", "text", "it's", ["B", "a", "{b,c}"]),
    ("varchar(9)", "text", "x", ["y"]),
    ("char(5)", "char(5)", "x", ["y"]),
    ("char(5)", "text", "x", ["y"]),
    ("integer", "integer", "1", ["9", "10", "100"]),
    ("bigint", "smallint", "1", ["9", "10000000000"]),
    ("numeric", "integer", "1", ["1.5", "NaN"]),
    ("integer", "text", "1", ["9", "10"]),
    ("text", "uuid", "00000000-0000-0000-0000-000000000001", ["a"]),
    ("uuid", "text", "00000000-0000-0000-0000-000000000001", ["00000000-0000-0000-0000-00000000000a"]),
    ("text", "uuid", "{ABCDEFAB00000000000000000000000A}", ["ABCDEFAB00000000000000000000000B", "{A"]),
    ("uuid", "text", "ABCDEFAB-0000-0000-0000-00000000000A", ["abcdefab-0000-0000-0000-00000000000b"]),
    ("text", "integer", " 01", ["02", "1.0", "one"]),
    ("integer", "text", "01", ["2"]),
    ("text", "boolean", "yes", ["no", "perhaps"]),
    ("date", "timestamptz", "2026-02-03", ["2026-02-04"]),
    ("cidr", "inet", "10.0.0.0/8", ["11.0.0.0/8"]),
    ("date", "date", "0044-03-15 BC", ["2026-02-03", "infinity"]),
    ("timestamptz", "timestamptz", "infinity", ["2026-02-03 04:05:06.789+00"]),
    ("time", "time", "24:00:00", ["12:00:00"]),
    ("bytea", "bytea", "\\x00", ["\\x01"]),
    ("jsonb", "jsonb", '{"a": 1}', ['{"a": 2}']),
    ("integer[]", "integer[]", "{1,2}", ["{1,3}", "{2}"]),
    ("bit(3)", "bit(3)", "101", ["111"]),
    ('"char"', '"char"', "a", ["b"]),
    ("inet", "inet", "10.0.0.1/32", ["10.0.0.1/8"]),
    ("public.mood", "public.mood", "sad", ["happy"]),
    ("public.mood", "public.feeling", "sad", ["happy"]),
    ("public.mail", "text", "a@b", ["c@d"]),
    ("public.mail", "public.mail", "a@b", ["c@d"]),
]
KINDS = """
    create type public.mood as enum ('sad', 'happy');
    create type public.feeling as enum ('angry', 'sad');
    create domain public.mail as varchar(20) check (value like '%@%');
"""


@pytest.mark.parametrize("case", TYPES, ids=[f"{own}-{target}" for own, target, *_ in TYPES])
def test_a_reference_may_be_of_any_type(
    pair: tuple[Connection, Connection],
    case: tuple[str, str, str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Values are counted once, in the order of their type, and shown as the server writes them."""
    monkeypatch.setattr(orphans, "BATCH", 1)
    own, target, there, lost = case
    specs, auth = pair
    for connection in pair:
        connection.execute(KINDS.encode())
    auth.execute(f"alter table public.accounts alter id type {target} using null::{target}".encode())
    auth.execute(f"insert into public.accounts values (%s::text::{target})".encode(), (there,))  # noqa: S608 - a type of the table
    specs.execute(f'alter table "s%p"."The posts" alter "a%c" type {own} using null::{own}'.encode())
    insert = f'insert into "s%%p"."The posts" ("a%%c") values (%s::text::{own})'  # noqa: S608 - the same
    for value in [there, *lost, *lost]:
        specs.execute(insert.encode(), (value,))
    found = _find(specs, auth)
    assert (found.rows, found.values) == (2 * len(lost), len(lost))
    assert [one.strip() for one in found.examples] == lost


@pytest.mark.parametrize("batch", [1, 2, 5, 1000])
def test_what_the_other_database_cannot_spell_is_not_there(
    server: Server, url: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a row is an orphan as others are, and keeps none of them from being found."""
    monkeypatch.setattr(orphans, "BATCH", batch)
    latin = "create database t_latin encoding 'LATIN1' locale 'C' template template0"
    with database.connect(url, source="x") as specs:
        specs.execute(latin.encode())
        try:
            with database.connect(server.url("t_latin"), source="y") as auth:
                auth.execute(
                    "create table public.accounts (id text); insert into accounts values ('ö'), ('c')"
                )
                specs.execute(POSTS.encode())
                specs.execute('alter table "s%p"."The posts" alter "a%c" type text')
                for value in ("ö", "b", "10 €", "c", "€", "10 €", "a"):
                    specs.execute('insert into "s%%p"."The posts" ("a%%c") values (%s)', (value,))
                found = _find(specs, auth)
        finally:
            specs.execute("drop database t_latin with (force)")
    assert (found.rows, found.values, found.examples) == (5, 4, ("10 €", "a", "b"))


@pytest.fixture(scope="module")
def icu_url() -> Iterator[str]:
    """Return the URL of a database of Debian's server: the others are built without ICU."""
    if not SYSTEM_15.is_dir():
        pytest.skip("Debian's PostgreSQL 15 is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(servers.PROGRAMS, OLDEST, SYSTEM_15)
        with servers.running(OLDEST) as server:
            yield server.url("postgres")


COLLATIONS = [
    ("default", "no case", ["b"]),
    ("no case", "default", ["AB", "ab"]),
    ("no case", "no case", ["B", "b"]),
]
NO_CASE = """
    create collation if not exists public."no case" (
        provider = icu, locale = 'und-u-ks-level2', deterministic = false
    )
"""


@pytest.mark.parametrize(("own", "target", "lost"), COLLATIONS)
def test_texts_that_a_collation_takes_for_equal_are_looked_up_one_by_one(
    icu_url: str, own: str, target: str, lost: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a foreign key would, by the collation of the key: of others' values each may be there or lost."""
    monkeypatch.setattr(orphans, "BATCH", 1)
    with database.connect(icu_url, source="x") as db:
        db.execute(f'drop schema if exists "s%p" cascade; drop table if exists accounts; {NO_CASE}'.encode())
        db.execute(POSTS.encode())
        db.execute(f'create table public.accounts (id text collate "{target}")'.encode())
        db.execute(f'alter table "s%p"."The posts" alter "a%c" type text collate "{own}"'.encode())
        db.execute("insert into public.accounts values ('Ab')")
        for value in [*lost, "Ab", *lost]:
            db.execute('insert into "s%%p"."The posts" ("a%%c") values (%s)', (value,))
        found = _find(db, db)
    assert (found.rows, found.values, found.examples) == (2 * len(lost), len(lost), tuple(lost))


INCOMPARABLE = [
    ("uuid[]", "uuid", "{00000000-0000-0000-0000-000000000001}"),
    ("jsonb", "uuid", '"00000000-0000-0000-0000-000000000001"'),
    ("jsonb", "text", '"a"'),
    ("text", "jsonb", "1"),
    ("text[]", "text", "{a}"),
    ("boolean", "integer", "true"),
    ("json", "json", "1"),
    ("point", "point", "(1,2)"),
]


@pytest.mark.parametrize(("own", "target", "value"), INCOMPARABLE)
def test_what_cannot_be_compared_is_not_called_lost(
    pair: tuple[Connection, Connection], own: str, target: str, value: str
) -> None:
    """The server has no operator for such a pair, or no order for such a type."""
    specs, auth = pair
    auth.execute(f"alter table public.accounts drop id, add id {target}".encode())
    specs.execute(b'drop index "s%p"."The posts_a%c_idx"')
    specs.execute(f'alter table "s%p"."The posts" alter "a%c" type {own} using null::{own}'.encode())
    insert = f'insert into "s%%p"."The posts" ("a%%c") values (%s::text::{own})'  # noqa: S608 - a type of the table
    specs.execute(insert.encode(), (value,))
    said = f"{LABEL} is not looked up in auth.accounts.id: the server compares no {own} with {target}."
    with pytest.raises(ReferenceUnknown, match=re.escape(said)):
        _find(specs, auth)


@pytest.mark.parametrize("end", ["\n", " ", "\r\n\t "])
def test_blanks_behind_the_sentence_do_not_hide_it(pair: tuple[Connection, Connection], end: str) -> None:
    """Nobody sees them, and the rows would be overlooked."""
    sentence = f"Who. References auth.accounts.id (cross-database, no foreign key).{end}"
    pair[0].execute(f"""comment on column "s%p"."The posts"."a%c" is '{sentence}'""".encode())
    [reference] = orphans.references(pair[0])
    assert (reference.label, str(reference.to)) == (LABEL, "auth.accounts.id")
    assert without_sentence(sentence) == "Who."


def test_examples_can_be_told_apart(tmp_path: Path, url: str, other_url: str) -> None:
    """A value stands in quotes where nobody would see where it begins and ends."""
    one = "create table t (a text);"
    two = """create table t (a text);
        comment on column t.a is 'References one.t.a (cross-database, no foreign key).';"""
    project = make(tmp_path, one={"000_t.sql": one}, two={"000_t.sql": two})
    urls = {"ONE_URL": url, "TWO_URL": other_url}
    project.run(CliRunner(), "migrate", **urls)
    seen = {
        "": "''",
        "x": "x",
        "a, b": "'a, b'",
        "a\nb": r"'a\nb'",
        " ": "' '",
        "\x1b[2J": r"'\x1b[2J'",
        "'": '"\'"',
    }
    for value, shown in seen.items():
        with database.connect(other_url, source="x") as connection:
            connection.execute("delete from t")
            connection.execute("insert into t values (%s)", (value,))
        found = project.run(CliRunner(), "orphans", **urls)
        assert found.stdout.splitlines()[-1] == f"  public.t.a -> one.t.a: 1 row, 1 value: {shown}"


@pytest.mark.parametrize(
    "change",
    [
        "drop table public.accounts",
        "alter table public.accounts rename id to key",
        "create schema s; alter table public.accounts set schema s",
    ],
)
def test_a_reference_to_what_is_not_there_is_refused(
    pair: tuple[Connection, Connection], change: str
) -> None:
    """A wrong comment is an error, not a million orphans."""
    pair[1].execute(change.encode())
    with pytest.raises(ReferenceUnknown, match=r"on s%p\.The posts\.a%c refers to auth\.accounts\.id, which"):
        _find(*pair)


def test_a_reference_to_a_series_nobody_has_is_refused(pair: tuple[Connection, Connection]) -> None:
    """The comment may name a series that this project does not know."""
    with pytest.raises(ReferenceUnknown, match=r"auth\.accounts\.id"):
        list(orphans.find_orphans(pair[0], orphans.references(pair[0]), {"specs": pair[0]}))


@pytest.mark.parametrize(
    "sentence",
    [
        "References accounts.id ",
        "references auth.accounts.id ",
        "References auth.accounts.id",
        "References  auth.a.id ",
    ],
)
def test_a_mark_without_its_sentence_is_no_silence(
    pair: tuple[Connection, Connection], sentence: str
) -> None:
    """Nobody would know that the column is not looked at."""
    comment = f"{sentence}(cross-database, no foreign key)."
    pair[0].execute(f"""comment on column "s%p"."The posts".note is '{comment}'""".encode())
    with pytest.raises(ReferenceUnknown, match=r"comment on s%p\.The posts\.note ends as a reference does"):
        orphans.references(pair[0])


REFERENCES = """
    select count(*) from pg_description
    where classoid = 'pg_class'::regclass and description ~ '\\(cross-database, no foreign key\\)\\.$'
"""


def test_the_real_databases(url: str, other_url: str) -> None:
    """All references of the schema, 23 or more, are looked through; one row without its account is found."""
    urls = {"DATABASE_URL_AUTH": other_url, "DATABASE_URL_SPECS": url}
    project = Project(ROOT)
    project.run(CliRunner(), "migrate", **urls)
    good = project.run(CliRunner(), "orphans", **urls)
    assert good.exit_code == 0, good.output
    with database.connect(url, source="x") as db:
        [(number,)] = database.query(db, REFERENCES)
    assert number >= 23
    assert (
        f"  {number} columns refer to another database; no row points at nothing" in good.stdout.splitlines()
    )
    account = "6b1e1f54-8f2a-4c0b-9a53-1f9b6f1f2a10"
    with database.connect(url, source="x") as db:
        insert = "insert into public.projects (name, user_id) values ('a', %s), ('b', %s)"
        db.execute(insert, (account, account))
    bad = project.run(CliRunner(), "orphans", "specs", **urls)
    assert bad.exit_code == 4
    assert bad.stdout.splitlines()[1:] == [
        f"  public.projects.{column} -> auth.users.id: 2 rows, 1 value: {account}"
        for column in ("user_id", "creator_id", "owner_id")
    ]
    assert project.run(CliRunner(), "orphans", "auth", **urls).exit_code == 0


def test_a_table_outside_public_is_referred_to_by_its_schema(pair: tuple[Connection, Connection]) -> None:
    """The schema reference reads such a comment as well, so a row of it must not be overlooked."""
    specs, auth = pair
    auth.execute("create schema app; alter table public.accounts set schema app")
    sentence = "References auth.app.accounts.id (cross-database, no foreign key)."
    specs.execute(f"""comment on column "s%p"."The posts"."a%c" is '{sentence}'""".encode())
    _write(specs, 1)
    found = _find(specs, auth)
    assert (str(found.reference.to), found.rows) == ("auth.app.accounts.id", 1)
    auth.execute("insert into app.accounts values (1)")
    assert _find(specs, auth).rows == 0


def test_only_the_schemas_that_count_are_looked_through(tmp_path: Path, url: str, other_url: str) -> None:
    """A table of somebody else's in the same database may have any comment; to read it may run his code."""
    made = "create schema {0}; create table {0}.t (a int); insert into {0}.t values (1); {1}"
    comment = "comment on column {}.t.a is 'References one.t.a (cross-database, no foreign key).';"
    own, other = (made.format(name, comment.format(name)) for name in ("own", "other"))
    project = make(tmp_path, one={"000_t.sql": "create table t (a int);"}, two={"000_t.sql": own})
    urls = {"ONE_URL": url, "TWO_URL": other_url}
    project.run(CliRunner(), "migrate", **urls)
    with database.connect(other_url, source="x") as connection:
        connection.execute(other.encode())
    found = project.run(CliRunner(), "orphans", **urls)
    assert found.exit_code == 4, found.output
    assert found.stdout.splitlines()[-1] == "  own.t.a -> one.t.a: 1 row, 1 value: 1"
    assert "other.t.a" not in found.output


PWN = """
    create schema app;
    create type app.kind as enum ('1');
    create domain app.checked as integer;
    create domain app.twice as app.checked;
    create type app.pair as (one app.checked);
    create function app.pwn(app.kind) returns text language plpgsql as
        $$ begin raise exception 'pwned'; end $$;
    create function app.pwn(integer) returns boolean language plpgsql as
        $$ begin raise exception 'pwned'; end $$;
"""
TRAP = """
    create cast (app.kind as text) with function app.pwn(app.kind);
    alter domain app.checked add check (app.pwn(value)) not valid;
"""


@pytest.mark.parametrize("is_target", [False, True])
@pytest.mark.parametrize(
    ("type_", "value"), [("app.kind", "1"), ("app.checked[]", "{1}"), ("app.pair", "(1)")]
)
def test_a_type_that_runs_code_of_its_owner_is_not_read(
    pair: tuple[Connection, Connection], type_: str, value: str, is_target: bool
) -> None:
    """Whoever may make a type would else be whoever looks for orphans, a superuser often."""
    specs, auth = pair
    table, column = ("public.accounts", "id") if is_target else ('"s%p"."The posts"', '"a%c"')
    of = auth if is_target else specs
    of.execute(PWN.encode())
    of.execute(f"alter table {table} alter {column} type {type_} using null::{type_}".encode())
    of.execute(f"insert into {table} ({column}) values ('{value}')".encode())  # noqa: S608 - of the table
    of.execute(TRAP.encode())
    if is_target:
        _write(specs, 1)
    with pytest.raises(ReferenceUnknown, match=r"is not read: its type, app\.\S+, may run code"):
        _find(specs, auth)


def test_a_type_with_operators_of_its_own_is_not_read(pair: tuple[Connection, Connection]) -> None:
    """As citext: by the operators of text, values that are equal would be lost, and others overlooked."""
    specs, auth = pair
    auth.execute("""
        create schema app; create type app.word;
        create function app.come(cstring) returns app.word language internal immutable strict as 'textin';
        create function app.go(app.word) returns cstring language internal immutable strict as 'textout';
        create type app.word (input = app.come, output = app.go, like = text);
    """)
    auth.execute("drop table public.accounts; create table public.accounts (id app.word)")
    _write(specs, 1)
    with pytest.raises(ReferenceUnknown, match=r"is not read: its type, app\.word, may run code"):
        _find(specs, auth)


def test_the_checks_of_domains_do_not_run(pair: tuple[Connection, Connection]) -> None:
    """Also of one over another: a value is taken for what they are over."""
    specs, auth = pair
    for connection, table, column in ((specs, '"s%p"."The posts"', '"a%c"'), (auth, "public.accounts", "id")):
        connection.execute(PWN.encode())
        connection.execute(f"alter table {table} alter {column} type app.twice".encode())
    _write(specs, 1, 2)
    auth.execute("insert into public.accounts values (1)")
    for connection in pair:
        connection.execute(TRAP.encode())
    assert _find(specs, auth).examples == ("2",)


def test_a_view_is_not_referred_to(pair: tuple[Connection, Connection]) -> None:
    """To look into it would run whatever it calls."""
    specs, auth = pair
    auth.execute("alter table public.accounts rename to people")
    auth.execute("create view public.accounts as select 1 / 0 as id")
    _write(specs, 1)
    with pytest.raises(
        ReferenceUnknown, match=r"refers to auth\.accounts\.id, which is no column of a table"
    ):
        _find(specs, auth)
