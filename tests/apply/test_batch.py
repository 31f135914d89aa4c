"""Several files in one message: each its own transaction, and nothing is recorded that did not run whole."""

from __future__ import annotations

import re
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import psycopg
import pytest

from runner import apply, database, door, ledger
from runner.apply import envelope
from runner.apply.event import Noticed, Outcome, Retrying, Started, Waiting
from runner.database import Access
from runner.errors import LockTimeout, RunnerError, SqlFailed, TransactionEnded
from runner.model import Before, Limits, Migration
from tests.project import make, tables, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.apply.event import Event
    from tests.project import Project

KEY = "hashtextextended('public.schema_migrations', 0)"
LARGE = "create table public.t{0} (id int);\n" + 9000 * "insert into public.t0 values (0);\n"


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many files each message held that was sent."""
    sent: list[int] = []
    write = envelope.message

    def counted(files: Sequence[Migration], *rest: Any, **options: Any) -> object:  # noqa: ANN401 - passed on
        sent.append(len(files))
        return write(files, *rest, **options)

    monkeypatch.setattr("runner.apply.envelope.message", counted)
    return sent


@pytest.fixture(params=["direct", "pooled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let a pooler be in between, as far as the runner knows, or not: how the lock is handed on differs."""
    if request.param == "pooled":
        found = lambda *known: Access(*known)._replace(is_direct=False)  # noqa: E731 - one expression
        monkeypatch.setattr("runner.planning.site.Access", found)
    return str(request.param)


def is_free(db: psycopg.Connection) -> bool:
    """Tell whether nobody has the advisory lock."""
    [(free,)] = db.execute(f"select pg_try_advisory_xact_lock({KEY})")
    return bool(free)


def check(db: psycopg.Connection, count: int) -> None:
    """Check that the first files, and no others, have their table and their row."""
    found = db.execute(
        "select array(select version::int from public.schema_migrations order by 1),"
        " array(select substring(relname, 2)::int from pg_class where relname ~ '^t[0-9]+$' order by 1)"
    ).fetchone()
    assert found == ([*range(count)], [*range(count)])


def fails(app: Project, url: str) -> tuple[list[Event], RunnerError]:
    """Migrate; return what was told before the error, and the error."""
    events: list[Event] = []
    with pytest.raises(RunnerError) as caught:
        events.extend(app.events(url))
    return events, caught.value


# ------------------------------------------------------------------ what goes together


def test_a_hundred_files_are_one_message(
    tmp_path: Path, each_url: str, db: psycopg.Connection, messages: list[int]
) -> None:
    """And each is told of in order, begun behind the one before it."""
    events = list(make(tmp_path, app=tables(100)).events(each_url))
    assert messages == [100]
    assert [type(event) for event in events] == [Started, Outcome] * 100
    assert told(events) == [*range(100)]
    check(db, 100)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (tables(205), [100, 100, 5]),
        (tables(5, t2="-- runner: no-transaction\n\ncreate table public.t2 (id int);\n"), [2, 2]),
        (tables(4, t1=LARGE.format(1) + 30_000 * "insert into public.t0 values (0);\n"), [1, 1, 2]),
        (tables(6, **{f"t{n}": LARGE.format(n) for n in range(1, 5)}), [4, 2]),
    ],
    ids=["a hundred", "one outside any transaction", "one large file", "a megabyte"],
)  # fmt: skip
def test_a_message_ends(
    tmp_path: Path, url: str, messages: list[int], files: dict[str, str], expected: list[int]
) -> None:
    """So that memory stays flat, and a file outside any transaction is by itself."""
    with psycopg.connect(url, autocommit=True) as witness:
        assert told(list(make(tmp_path, app=files).events(url))) == [*range(len(files))]
        check(witness, len(files))
    assert messages == expected


def test_a_long_text_among_short_ones_keeps_the_lock(
    tmp_path: Path, each_url: str, messages: list[int]
) -> None:
    """It is recorded by another statement than they, and nothing has to be sent anew behind it."""
    long = f"create table public.t2 (id int); -- {'x' * 70_000}"
    assert told(list(make(tmp_path, app=tables(7, t2=long)).events(each_url))) == [*range(7)]
    assert messages == [7]


def test_a_long_text_is_recorded_as_it_was_sent(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """It is sent once: the server takes it from the message, counted in characters."""
    text = "create table public.t1 (id int); -- 漢🐘 é '\n" + "select '漢🐘é''\\';\n" * 9000
    make(tmp_path, app=tables(3, t1=text)).migrate(each_url)
    check(db, 3)
    assert db.execute("select sql from public.schema_migrations where version = '001'").fetchone() == (text,)


def test_each_file_has_its_own_time(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """Measured on the server, although the message has but one clock for now()."""
    sleep = "create table public.t{} (id int); select pg_sleep({});"
    app = make(tmp_path, app=tables(3, t0=sleep.format(0, 1), t1=sleep.format(1, 0.1)))
    outcomes = app.migrate(each_url)
    rows = db.execute("select execution_ms from public.schema_migrations order by version").fetchall()
    assert [(outcome.ms,) for outcome in outcomes] == rows
    assert 1000 <= rows[0][0] < 60_000
    assert 100 <= rows[1][0] < rows[0][0]
    [(apart,)] = db.execute("select max(applied_at) - min(applied_at) from public.schema_migrations")
    assert 1.1 <= apart.total_seconds() < 60


@pytest.mark.usefixtures("way")
def test_now_is_not_left_behind(
    tmp_path: Path, url: str, messages: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All files of a message share one now(): what is left of it is sent anew."""
    monkeypatch.setattr("runner.ledger.within.FRESH", "2 s")
    text = "create table public.t{0} as select clock_timestamp() - now() as behind; select pg_sleep({1});"
    slow = {f"t{n}": text.format(n, 2.1 if n == 1 else 0) for n in range(4)}
    with psycopg.connect(url, autocommit=True) as db:
        for event in make(tmp_path, app=tables(4, **slow)).events(url):
            free = isinstance(event, Outcome) and is_free(db)
        assert free
        assert messages == [4, 2]
        check(db, 4)
        seen = "table public.t0 union all table public.t1 union all table public.t2 union all table public.t3"
        assert all(behind.total_seconds() < 2 for (behind,) in db.execute(seen))


def test_progress_is_told_while_the_message_runs(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Each commit is heard of at once, also where the database wants no notices."""
    db.execute(f"alter database {db.info.dbname} set client_min_messages = error")
    gated = "create table public.t{0} (id int); select pg_advisory_xact_lock({0});"
    app = make(tmp_path, app=tables(4, **{f"t{n}": gated.format(n) for n in range(1, 4)}))
    db.execute("select pg_advisory_lock(n) from generate_series(1, 3) n")
    for event in app.events(each_url, lock_timeout=20):
        assert not isinstance(event, Retrying)
        if isinstance(event, Outcome):  # only now may the next file end
            db.execute("select pg_advisory_unlock(%s)", [event.migration.number + 1])
    check(db, 4)


# ------------------------------------------------------------------ what fails


def test_a_failure_leaves_what_was_before_it(
    tmp_path: Path, each_url: str, db: psycopg.Connection, messages: list[int]
) -> None:
    """The 57th of a hundred: those before it are committed, nothing behind it is run, its place is right."""
    text = "create table public.t57 (id int);\n\nselect 'é漢',\n    missing;\n"
    events, error = fails(make(tmp_path, app=tables(100, t57=text)), each_url)
    assert told(events) == [*range(57)]
    check(db, 57)
    assert isinstance(error, SqlFailed)
    assert str(error.place) == "app/057_t57.sql:4:5"
    assert messages == [100]


PLACES = {
    "a position": ("select 1;\nselect nothing;", "2:8"),
    "no position": ("select 1;\n\n  select 1/0;", "3:3"),
    "a block": ("select 1;\ndo $$\nbegin\n    perform 1/0;\nend\n$$;", "4:5"),
    "a function": (
        "create function public.f() returns int language sql as $$\n    select missing\n$$;", "2:12"
    ),
    "a syntax error": ("select 1;\nselekt 2;\nselect 3;", "2:1"),
    "an open bracket": ("select 1;\ncreate table public.x (id int", "2:30"),
    "too many brackets": ("select 1);", "1:9"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_an_error_points_into_its_file(
    tmp_path: Path, each_url: str, db: psycopg.Connection, name: str
) -> None:
    """As if the file had been sent alone, with the same words."""
    text, place = PLACES[name]
    _, alone = fails(make(tmp_path / "alone", app={"000_t0.sql": text}), each_url)
    assert str(alone.place) == f"app/000_t0.sql:{place}"
    events, error = fails(make(tmp_path / "many", app=tables(80, t57=text)), each_url)
    assert told(events) == [*range(57)]
    check(db, 57)
    assert str(error.place) == f"app/057_t57.sql:{place}"
    assert error.message == alone.message.replace("000_t0", "057_t57")
    assert (error.remedy, error.notes) == (alone.remedy, alone.notes)


def test_a_letter_the_database_lacks_is_found(tmp_path: Path, each_url: str) -> None:
    """The server refuses the message without a position: the file is found by sending fewer."""
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("create database latin template template0 encoding latin1 locale 'C'")
    url = re.sub(r"/test_\d+", "/latin", each_url)
    try:
        app = make(tmp_path, app=tables(12, t7="create table public.t7 (id int);\nselect '漢';"))
        events, error = fails(app, url)
        assert told(events) == [*range(7)]
        assert str(error.place) == "app/007_t7.sql:2:9"
        made = (
            "create table public.k (id int);\nselect convert_from('\\xe284aa', 'UTF8');"  # the sign of kelvin
        )
        _, error = fails(make(tmp_path / "made", app=tables(7) | {"007_t7.sql": made}), url)
        assert (error.place, "0xe2 0x84 0xaa" in error.message) == (None, True)
    finally:
        with psycopg.connect(each_url, autocommit=True) as db:
            db.execute("drop database latin with (force)")


def test_a_server_that_counts_bytes_keeps_the_whole_text(tmp_path: Path, each_url: str) -> None:
    """In SQL_ASCII a letter has as many places as bytes; a long text is taken from the message by place."""
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("create database bytes template template0 encoding sql_ascii locale 'C'")
    url = re.sub(r"/test_\d+", "/bytes", each_url)
    texts = [f"-- {'ü' * 70_000}\ncreate table public.t{n} (id int);\n" for n in range(3)]
    try:
        make(tmp_path, app={f"00{n}_t.sql": text for n, text in enumerate(texts)}).migrate(url)
        with psycopg.connect(url) as db:
            kept = db.execute("select sql::bytea from public.schema_migrations order by version").fetchall()
        assert [row[0] for row in kept] == [text.encode() for text in texts]
    finally:
        with psycopg.connect(each_url, autocommit=True) as db:
            db.execute("drop database bytes with (force)")


def test_what_is_said_has_its_place_in_a_later_file(tmp_path: Path, each_url: str) -> None:
    """Behind the outcome of its own file; also what the server says when it parses the whole message."""
    block = "do $$\nbegin\n    raise warning 'so';\nend\n$$;\n"
    app = make(
        tmp_path,
        app=tables(
            60,
            t5="create table public.t5 (id int);\ncreate global temporary table x ();",
            t57=f"create table public.t57 (id int);\n{block}select 1 as {'a' * 70};",
        ),
    )  # fmt: skip
    events = list(app.events(each_url))
    found = [event for event in events if isinstance(event, Noticed)]
    said = [[(one.severity, str(one.place)) for one in event.notices] for event in found]
    assert said == [
        [("WARNING", "app/005_t5.sql:2:8")],
        [("NOTICE", "app/057_t57.sql:7:13"), ("WARNING", "app/057_t57.sql:4:5")],
    ]
    assert all(events[events.index(event) - 1].migration == event.migration for event in found)


def test_a_lock_in_the_way_repeats_one_file(
    tmp_path: Path, each_url: str, db: psycopg.Connection, messages: list[int]
) -> None:
    """Those before it are not repeated, and those behind it go on in one message."""
    app = make(
        tmp_path, app=tables(9, t4="alter table other.busy add x int; create table public.t4 (id int);")
    )
    db.execute("create schema other; create table other.busy (id int)")
    with psycopg.connect(each_url) as blocker:
        blocker.execute("lock table other.busy")
        events = app.events(each_url, lock_timeout=0.2)
        seen = []
        for event in events:
            seen.append(event)
            if isinstance(event, Retrying):
                assert event.migration.number == 4
                blocker.rollback()
    assert told(seen) == [*range(9)]
    assert [type(event) for event in seen].count(Started) == 9
    assert messages == [9, 5]
    check(db, 9)


def test_a_lock_that_stays_is_given_up(tmp_path: Path, url: str) -> None:
    """After five repetitions of the file, each told with a longer pause."""
    with psycopg.connect(url, autocommit=True) as db, psycopg.connect(url) as blocker:
        db.execute("create schema other; create table other.busy (id int)")
        blocker.execute("lock table other.busy")
        app = make(tmp_path, app=tables(3, t1="alter table other.busy add x int;"))
        events: list[Event] = []
        with pytest.raises(LockTimeout):
            events.extend(app.events(url, lock_timeout=0.05))
        pauses = [event.seconds for event in events if isinstance(event, Retrying)]
        assert [pause / pauses[0] for pause in pauses] == pytest.approx([1, 2, 4, 8, 16], rel=0.31)
        check(db, 1)


# ---------------------------------------------------------- nothing is recorded that did not run whole

# What the scanner would refuse, were it not switched off: ends of the transaction, and what is left open.
BROKEN = {
    "commit": "commit;",
    "commit and begin": "commit; begin;",
    "commit and chain": "commit and chain;",
    "rollback": "rollback;",
    "rollback and begin": "rollback; begin;",
    "prepared": "prepare transaction 'x';",
    "a string": "select 'open",
    "an escape string": "select E'open\\'",
    "a name": 'select "open',
    "a comment": "/* open",
    "two comments": "/* /* open */",
    "a dollar quote": "do $$ begin",
    "a tagged quote": "do $a$ begin",
    "a dollar quote that its record closes": "select $$ open; commit; begin; select $x$ $$; $x$, $x$",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.usefixtures("way")
def test_a_file_that_is_broken_is_not_recorded(
    tmp_path: Path, each_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Should the scanner ever miss it, the server finds it, and no file behind it is run."""
    monkeypatch.setattr("runner.planning.content._check", Mock())
    monkeypatch.setattr("runner.planning.content.check", Mock())
    text = f"create table public.t2 (id int);\n{BROKEN[name]}"
    app = make(tmp_path, app=tables(5, t2=text))
    events, error = fails(app, each_url)
    assert told(events) == [0, 1]
    recorded = [v for (v,) in db.execute("select version from public.schema_migrations order by 1")]
    assert recorded == ["000", "001"]
    assert "002_t2" in error.message
    assert db.execute("select to_regclass('public.t3')").fetchone() == (None,)
    ends = name.startswith(("commit", "rollback"))
    assert isinstance(error, TransactionEnded if ends else SqlFailed)


def test_a_lock_that_was_not_kept_is_not_taken_over(url: str) -> None:
    """Should the record before ever be missing, the file behind it is not begun."""
    file = Migration("app", "001", "t1", "app/001_t1.sql", "create table public.t1 ();", "sha256:0")
    with psycopg.connect(url) as db, pytest.raises(psycopg.Error) as caught:
        db.execute(ledger.take_over_message(file).encode())
    assert ledger.is_outdated(caught.value)


def test_a_lock_that_was_not_kept_is_not_taken_over_by_what_is_prepared(url: str) -> None:
    """Nor there, where the server knows the statement from the file before."""
    file = Migration("app", "001", "t1", "app/001_t1.sql", "create table public.t1 ();", "sha256:0")
    with psycopg.connect(url) as db:
        db.execute(ledger.CREATE.encode())
        db.execute(ledger.prepare_message("app").encode())
        with pytest.raises(psycopg.Error) as caught:
            db.execute(ledger.take_over_message(file, is_prepared=True).encode())
    assert ledger.is_outdated(caught.value)


@pytest.mark.parametrize(("number", "expected"), [(4, False), (5, True), (100, True)])
def test_statements_are_prepared_where_that_saves_anything(number: int, expected: bool) -> None:
    """For a few files it takes the server longer than it saves."""
    files = [
        Migration("app", f"{n:03}", "t", f"app/{n:03}_t.sql", "select 1;", "sha256:0") for n in range(number)
    ]
    access = Access(Mock(), Mock(), is_direct=True)
    text, _ = envelope.message(files, access, Before(False), Limits(), opened=False, asynchronous=True)
    assert (b"prepare runner_record" in text) is expected
    assert (b"execute runner_record" in text) is expected


FORGETTING = {
    "deallocate": ("deallocate all;", 1),
    "discard": ("discard plans;", 1),
    "a statement of its own": ("prepare x as select 1; execute x;", 1),
    "out of sight": ("do $$ begin execute 'deall' || 'ocate all'; end $$;", 5),
}


@pytest.mark.parametrize("name", FORGETTING)
def test_a_file_may_forget_what_is_prepared(
    tmp_path: Path, each_url: str, db: psycopg.Connection, messages: list[int], name: str
) -> None:
    """What the runner has prepared is there behind it; unseen, the files that are left go one by one."""
    text, expected = FORGETTING[name]
    files = {f"t{n}": f"create table public.t{n} (); {text}" for n in (0, 2, 3)}
    assert told(list(make(tmp_path, app=tables(6, **files)).events(each_url))) == [*range(6)]
    check(db, 6)
    assert len(messages) == expected


def test_what_was_never_prepared_is_an_error_of_the_file(tmp_path: Path, each_url: str) -> None:
    """A file that names what is the runner's is not sent over and over."""
    events, error = fails(
        make(tmp_path, app=tables(3, t1="do $$ begin execute 'deall' || 'ocate runner_x'; end $$;")), each_url
    )
    assert told(events) == [0]
    assert "runner_x" in error.message


def test_nothing_stays_prepared_behind_a_message(tmp_path: Path, each_url: str) -> None:
    """Neither what the runner has prepared, nor what a file has."""
    app = make(tmp_path, app=tables(4, t2="create table public.t2 (); prepare x as select 1;"))
    with closing(database.connect(each_url, source="test")) as connection:
        access = Access(connection, lambda: connection, is_direct=True)
        files = door.files("app", app.file)
        assert told(list(apply.apply(access, files, Before(has_ledger=False)))) == [*range(4)]
        assert connection.execute("select name from pg_prepared_statements").fetchall() == []


@pytest.mark.usefixtures("way")
def test_a_file_cannot_swallow_the_next(
    tmp_path: Path, each_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files that fit together as a comment does: neither is recorded by the transaction of the other."""
    monkeypatch.setattr("runner.planning.content._check", Mock())
    monkeypatch.setattr("runner.planning.content.check", Mock())
    second = "create table public.t1 (id int); /*"
    for third in ("*/ */ create table public.t2 (id int);", "*/ create table public.t2 (id int);"):
        db.execute("drop schema public cascade; create schema public")
        app = make(tmp_path / str(len(third)), app=tables(4, t1=second, t2=third))
        fails(app, each_url)
        assert db.execute("select max(version) from public.schema_migrations").fetchone() == ("000",)


# ------------------------------------------------------------------ other runners


@pytest.mark.parametrize(
    "text", ["create table public.t1 ();", f"create table public.t1 (); select pg_advisory_lock({KEY});"]
)
@pytest.mark.usefixtures("way")
def test_the_lock_is_free_behind_the_last_file(
    tmp_path: Path, each_url: str, db: psycopg.Connection, text: str
) -> None:
    """While the session is still there, and also where a file has taken it once more."""
    for event in make(tmp_path, app=tables(3, t1=text)).events(each_url):
        free = isinstance(event, Outcome) and event.migration.number == 2 and is_free(db)
    assert free


@pytest.mark.usefixtures("way")
def test_what_another_runner_applied_is_left_out(tmp_path: Path, each_url: str, messages: list[int]) -> None:
    """In the middle of a run: the plan is made anew, and the rest goes on in one message."""
    app = make(tmp_path, app=tables(8))
    slow = app.events(each_url)
    next(slow)
    app.migrate(each_url, to=4)
    events = list(slow)
    assert [event.ms is None for event in events if isinstance(event, Outcome)] == [True] * 5 + [False] * 3
    assert messages == [5, 8, 3]


def test_another_runner_comes_between_two_files_behind_a_pooler_only(
    tmp_path: Path, url: str, messages: list[int], way: str
) -> None:
    """There this one waits outside any transaction and goes on; else the session keeps the lock."""
    app = make(tmp_path, app=tables(6, t2="create table public.t2 (); select pg_advisory_xact_lock(77);"))
    app.migrate(url, to=0)  # where there is a history, each commit is told of at once
    messages.clear()
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url, autocommit=True) as db:
        db.execute("select pg_advisory_lock(77)")
        between = threading.Thread(target=other.execute, args=(f"select pg_advisory_lock({KEY})",))
        kinds = []
        for event in app.events(url):
            kinds.append(type(event))
            if isinstance(event, Started) and event.migration.number == 2:
                _wait_for_waiting(db, 1)  # within file 2, whose transaction has the lock
                between.start()
                _wait_for_waiting(db, 2)  # behind that transaction, and so before that of file 3
                db.execute("select pg_advisory_unlock(77)")
            if isinstance(event, Waiting):
                assert event.migration.number == 3
                between.join()
                other.execute(f"select pg_advisory_unlock({KEY})")
        between.join()
        waits = [Started, Waiting, Outcome] if way == "pooled" else [Started, Outcome]
        assert kinds == [Started, Outcome] * 2 + waits + [Started, Outcome] * 2
        assert messages == ([5, 3] if way == "pooled" else [5])
        check(db, 6)


def _wait_for_waiting(db: psycopg.Connection, sessions: int) -> None:
    """Wait until so many sessions wait for an advisory lock in this database."""
    waiting = """
        select count(*) from pg_locks
        where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())
    """
    deadline = time.monotonic() + 20
    while db.execute(waiting).fetchone() != (sessions,):
        assert time.monotonic() < deadline
        time.sleep(0.01)
