"""What verify finds without a scratch database: invalid indexes, and constraints left unvalidated."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from runner import config, planning, schema
from runner.config import Target
from runner.schema import unsound
from tests.faults.stage import until
from tests.project import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.project import Project

TABLES = """
    create table public.one (id int, n int);
    create table public."Job" (id int, "user" int);
    create table public.p (id int, n int) partition by range (id);
    create table public.p_1 partition of public.p for values from (0) to (10);
    create table public.p_2 partition of public.p for values from (10) to (20) partition by range (id);
    create table public.p_2_1 partition of public.p_2 for values from (10) to (20);
    create domain public.positive as int;
    create schema "My";
    create table "My"."T" (id int);
    create domain "My"."D" as int;
"""
NEW = 18  # the first version with constraints that are not enforced, and not null ones that are not valid


def test_drift_sees_what_is_not_validated(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """Also a not null of PostgreSQL 18, and the constraint of a domain."""
    domain = "alter domain public.positive add constraint ck check (value > 0);"
    app = make(tmp_path, app={"000_t.sql": TABLES + domain})
    app.migrate(each_url)
    db.execute("alter domain public.positive drop constraint ck")
    db.execute("alter domain public.positive add constraint ck check (value > 0) not valid")
    expected = ["constraint public.positive.ck has domain validation not done, files say none"]
    if db.info.server_version >= NEW * 10000:
        db.execute("alter table public.one add constraint nn not null n not valid")
        expected += ["column public.one.n has nullability not null, files say null"]
        expected += [
            "not null public.one.n has name nn, files say none",
            "not null public.one.n has validation not done, files say none",
        ]
    assert sorted(drift(app, each_url)) == sorted(expected)


def drift(app: Project, url: str) -> list[str]:
    """Return how a database differs from its files."""
    loaded = config.load(app.file)
    files = planning.read(loaded, loaded.series)
    with planning.look(files, [Target(loaded.series[0], url, "APP_URL")]) as [site]:
        applied = [step.migration for step in site.steps if step.applied and step.migration]
        return [str(one) for one in schema.differences(site, applied).found]


def problems(app: Project, url: str) -> list[str]:
    """Return message and remedy of each problem."""
    loaded = config.load(app.file)
    files = planning.read(loaded, loaded.series)
    with planning.look(files, [Target(loaded.series[0], url, "APP_URL")]) as [site]:
        return [f"{problem.message} {problem.remedy}" for problem in unsound(site)]


def statements(found: list[str]) -> list[str]:
    """Return the SQL of the remedies, as a person would copy it."""
    return [sql for text in found for sql in re.findall(r"(?:alter|drop|reindex) [^;]*;", text)]


KEY = "alter table public.one add primary key (id);"
CK = "add constraint ck check"
# By hand, so that no file knows of it: what is told.
BY_HAND = {
    "check": (f"alter table public.one {CK} (n > 0) not valid", ["public.one.ck"]),
    "foreign key": (
        f'{KEY} alter table public."Job" add foreign key ("user") references public.one not valid',
        ['public."Job"."Job_user_fkey"'],
    ),
    "name in quotes": (
        'alter table public."Job" add constraint "Job_id_check" check (id > 0) not valid',
        ['public."Job"."Job_id_check"'],
    ),
    "keyword for a name": (
        'alter table "My"."T" add constraint "user" check (id > 0) not valid',
        ['"My"."T"."user"'],
    ),
    "partitions": (f"alter table public.p {CK} (n > 0) not valid", ["public.p.ck"]),
    "a partition alone": (f"alter table public.p_1 {CK} (n > 0) not valid", ["public.p_1.ck"]),
    "domain": (f"alter domain public.positive {CK} (value > 0) not valid", ["public.positive.ck"]),
    "domain in quotes": (
        'alter domain "My"."D" add constraint "C" check (value > 0) not valid',
        ['"My"."D"."C"'],
    ),
}
REFERENCE = f"{KEY} alter table public.p add constraint fk foreign key (n) references public.one"
BY_HAND_NEW = {
    "not null": ("alter table public.one add constraint nn not null n not valid", ["public.one.nn"]),
    "not null of partitions": (
        "alter table public.p add constraint nn not null n not valid",
        ["public.p.nn"],
    ),
    "foreign key of partitions": (f"{REFERENCE} not valid", ["public.p.fk"]),
    "not enforced": (f"alter table public.one {CK} (n > 0) not enforced", []),
    "foreign key not enforced": (f"{REFERENCE} not enforced", []),
}


@pytest.mark.parametrize("name", BY_HAND | BY_HAND_NEW)
def test_what_a_hand_left_unvalidated_is_told_with_the_statement_that_validates(
    tmp_path: Path, each_url: str, db: psycopg.Connection, name: str
) -> None:
    """Each remedy, pasted, works; afterwards there is nothing to tell."""
    if name in BY_HAND_NEW and db.info.server_version < NEW * 10000:
        pytest.skip(f"PostgreSQL {db.info.server_version // 10000} has no such constraint")
    change, expected = (BY_HAND | BY_HAND_NEW)[name]
    app = make(tmp_path, app={"000_tables.sql": TABLES})
    app.migrate(each_url)
    db.execute(change.encode())
    found = problems(app, each_url)
    told = [
        match[1]
        for match in (re.match(r"Constraint (.*) was never validated", one) for one in found)
        if match
    ]
    assert told == expected
    for statement in statements(found):
        db.execute(statement.encode())
    assert problems(app, each_url) == []


# What files leave so on purpose.
IN_FILES = {
    "named": f"alter table public.one {CK} (n > 0) not valid;",
    "named, in capitals": "ALTER TABLE ONLY public.one\n ADD CONSTRAINT CK CHECK (n > 0)\n NOT VALID;",
    "quoted": 'alter table "Job" add constraint "Job_id_check" check (id > 0) not valid;',
    "without a name": "alter table public.one add check (n > 0) not valid;",
    "foreign key without a name": (
        f'{KEY} alter table "Job" add foreign key ("user") references one not valid;'
    ),
    "in a block that asks first": (
        f"do $$ begin if true then alter table public.one {CK} (n > 0) not valid; end if; end $$;"
    ),
    "in a string": f"do $$ begin execute 'alter table public.one {CK} (n > 0) not valid'; end $$;",
    "computed": (
        "do $$ begin execute format('alter table %I add constraint %I check (n > 0) not %s',"
        " 'one', 'ck', 'valid'); end $$;"
    ),
    "several at once": (
        f"alter table public.one {CK} (n > 0) not valid, add constraint b check (n > 1) not valid;"
    ),
    "of a domain": f"alter domain public.positive {CK} (value > 0) not valid;",
    "of partitions": f"alter table public.p {CK} (n > 0) not valid;",
    "of a table that is renamed": (
        f"alter table public.one {CK} (n > 0) not valid; alter table public.one rename to uno;"
    ),
    "renamed itself": (
        f"alter table public.one {CK} (n > 0) not valid;alter table public.one rename constraint ck to ck_2;"
    ),
}
FORGET = "update public.schema_migrations set execution_ms = execution_ms"  # as a restored dump does


@pytest.mark.parametrize("name", IN_FILES)
@pytest.mark.parametrize("forget", [False, True], ids=["as applied", "as restored"])
def test_what_a_file_leaves_so_is_no_fault(
    tmp_path: Path, each_url: str, db: psycopg.Connection, name: str, *, forget: bool
) -> None:
    """By the transaction that recorded the file; else, as after a restored dump, by its text."""
    if forget and name == "computed":
        pytest.skip("no text names it")
    app = make(tmp_path, app={"000_tables.sql": TABLES, "001_x.sql": IN_FILES[name]})
    app.migrate(each_url)
    if forget:
        db.execute(FORGET)
    count = db.execute("select count(*)::int from pg_constraint where not convalidated").fetchone()
    assert count
    assert count[0] > 0
    assert problems(app, each_url) == []


def test_a_validation_that_is_pending_is_no_fault(tmp_path: Path, each_url: str) -> None:
    """The second of two files is still to come."""
    add = "alter table public.one add constraint ck check (n > 0) not valid;"
    validate = "alter table public.one validate constraint ck;"
    app = make(tmp_path, app={"000_t.sql": TABLES, "001_add.sql": add, "002_valid.sql": validate})
    app.migrate(each_url, to=1)
    assert problems(app, each_url) == []
    app.migrate(each_url)
    assert problems(app, each_url) == []


def test_what_the_files_validate_is_a_fault_when_a_hand_undoes_it(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The files say that it is valid in the end; a comment does not say otherwise."""
    add = "alter table public.one add constraint ck check (n > 0) not valid;"
    validate = f"alter table public.one validate constraint ck; -- {add}"
    app = make(tmp_path, app={"000_t.sql": TABLES, "001_add.sql": add, "002_valid.sql": validate})
    app.migrate(each_url)
    db.execute(f"alter table public.one drop constraint ck; {add}".encode())
    assert len(problems(app, each_url)) == 1


def test_the_same_name_on_another_table_is_not_excused(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """A constraint is known by its table, too."""
    add = "alter table public.one add constraint ck check (id > 0) not valid;"
    app = make(tmp_path, app={"000_t.sql": TABLES, "001_add.sql": add})
    app.migrate(each_url)
    db.execute(add.replace("one", '"Job"').encode())
    assert [text.split()[1] for text in problems(app, each_url)] == ['public."Job".ck']


def test_an_invalid_index_is_told_with_statements_that_cure_it(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """What an interrupted rebuild left is dropped, of a build it is built anew."""
    app = make(tmp_path, app={"000_t.sql": TABLES})
    app.migrate(each_url)
    db.execute('insert into public."Job" values (1), (1)')
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute('create unique index concurrently "I" on public."Job" (id)')
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute('reindex index concurrently public."I"')
    db.execute('delete from public."Job"')
    found = problems(app, each_url)
    left = [f'index public."{name}" is not in the files' for name in ("I", "I_ccnew")]
    assert drift(app, each_url) == left
    assert statements(found) == [
        'reindex index concurrently public."I";',
        'drop index public."I";',
        'drop index concurrently public."I_ccnew";',
    ]
    for statement in (statements(found)[0], statements(found)[2]):
        db.execute(statement.encode())
    assert problems(app, each_url) == []


BOUND = """
    create table public."K" (id int primary key, n int constraint "U n" unique, r int4range,
        constraint x exclude using gist (r with &&));
    create table public.q (id int) partition by range (id);
    create table public.q_1 partition of public.q for values from (0) to (10);
    create unique index q_u on public.q (id);
    alter table public.p_1 add constraint p_1_pk primary key (id);
"""


def test_an_invalid_index_that_something_needs_is_not_to_be_dropped(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """That of a constraint goes with it, that of a partition not at all; each statement can run."""
    app = make(tmp_path, app={"000_t.sql": TABLES + BOUND})
    app.migrate(each_url)
    key = "alter table public.p add constraint p_pk primary key (id)"  # takes over the partition's own
    db.execute(key.encode())
    wreck = "update pg_index set indisvalid = false where indexrelid in (select oid from pg_class where {})"
    names = "relkind = 'i' and relname ~ '^(K_pkey|U n|x|q_1_id_idx|p_1_pk)$'"
    db.execute(wreck.format(names).encode())
    found = statements(problems(app, each_url))
    assert found == [
        'reindex index concurrently public."K_pkey";',
        'alter table public."K" drop constraint "K_pkey";',
        'reindex index concurrently public."U n";',
        'alter table public."K" drop constraint "U n";',
        "reindex index concurrently public.p_1_pk;",
        "reindex index concurrently public.q_1_id_idx;",
        "reindex index public.x;",
        'alter table public."K" drop constraint x;',
    ]
    for statement in found:
        db.execute(statement.encode())
    assert problems(app, each_url) == []


def test_the_index_of_a_partitioned_table_that_waits_is_not_invalid(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Nor are those of its partitions, until one of them really is."""
    app = make(tmp_path, app={"000_t.sql": TABLES, "001_i.sql": "create index p_id on only public.p (id);"})
    app.migrate(each_url)
    assert db.execute("select from pg_index where not indisvalid").rowcount == 1
    assert problems(app, each_url) == []


def test_an_index_that_is_being_built_is_not_judged(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Somebody is at work on it: the cure would undo that."""
    app = make(tmp_path, app={"000_t.sql": TABLES, "001_i.sql": BUILD})
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as blocker:
        blocker.execute("insert into public.one values (1)")
        process = app.process("migrate", APP_URL=each_url)
        built = "select from pg_index where not indisvalid"
        until(lambda: db.execute(built).rowcount or process.poll() is not None, what="an index")
        assert process.poll() is None
        assert problems(app, each_url) == drift(app, each_url) == []
    process.communicate(timeout=30)


@contextmanager
def held(url: str, statement: LiteralString, write: LiteralString, db: psycopg.Connection) -> Iterator[None]:
    """Let a statement build an index as long as the block lasts: it waits for who writes."""
    with psycopg.connect(url, autocommit=True) as builder:
        work = threading.Thread(target=builder.execute, args=(statement,))
        with psycopg.connect(url) as blocker:
            blocker.execute(write)
            work.start()
            built = "select from pg_index where not indisvalid"
            until(lambda: db.execute(built).rowcount or not work.is_alive(), what="an index")
            assert work.is_alive()
            yield
        work.join(timeout=30)
        assert not work.is_alive()


def test_the_indexes_of_a_table_that_is_rebuilt_are_not_judged(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The server shows the one of its TOAST table as built, while all of them wait for a transaction."""
    app = make(tmp_path, app={"000_t.sql": "create table public.t (n int primary key, x text);"})
    app.migrate(each_url)
    with held(each_url, "reindex table concurrently public.t", "insert into public.t values (1)", db):
        found = problems(app, each_url) + drift(app, each_url)
    assert found == []


def test_what_a_session_builds_that_hides_its_activity_is_not_judged(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """With track_activities off the server shows no progress; the lock on the table is there."""
    app = make(tmp_path, app={"000_t.sql": TABLES})
    app.migrate(each_url)
    db.execute(f"alter database {db.info.dbname} set track_activities = off".encode())
    build: LiteralString = "create index concurrently i on public.one (id)"
    with held(each_url, build, "insert into public.one values (1)", db):
        found = problems(app, each_url) + drift(app, each_url)
    assert found == []


def test_an_index_of_the_files_that_is_being_built_is_not_missing(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Nor invalid: somebody has dropped a wreck, and builds it anew by hand."""
    app = make(tmp_path, app={"000_t.sql": TABLES, "001_i.sql": "create index i on public.one (id);"})
    app.migrate(each_url)
    db.execute("drop index public.i")
    build: LiteralString = "create index concurrently i on public.one (id)"
    with held(each_url, build, "insert into public.one values (1)", db):
        found = drift(app, each_url)
    assert found == drift(app, each_url) == []


BUILD = "-- runner: no-transaction\ncreate index concurrently i on public.one (id);"
