"""Files that must not run in a transaction."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import __version__, apply, database, files
from runner.apply.event import Outcome, Retrying, Started, Waiting
from runner.apply.run import RETRIES
from runner.database import Access
from runner.errors import FileRefused, IndexInvalid, LockHeld, LockTimeout, SqlFailed
from runner.files import folder
from runner.model import Before
from tests.faults.stage import until
from tests.project import ROOM, given_up, make

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.project import Project

TABLE = "create table if not exists public.one (id int);\n"
INDEX = "-- runner: no-transaction\ncreate {unique} index concurrently if not exists i on public.one (id);\n"
DUPLICATES = "insert into public.one values (1), (1);\n"
LOCK = "select pg_advisory_lock(hashtextextended('public.schema_migrations', 0))"


def project(root: Path, *, unique: str = "", table: str = TABLE) -> Project:
    """Return a project whose second file builds an index concurrently."""
    return make(root, app={"000_one.sql": table, "001_index.sql": INDEX.format(unique=unique)})


def index(db: psycopg.Connection) -> bool | None:
    """Return whether the index is valid; nothing where there is none."""
    row = db.execute("select indisvalid from pg_index where indexrelid = to_regclass('public.i')").fetchone()
    return row[0] if row else None


def _until_built(db: psycopg.Connection, *processes: subprocess.Popen[str]) -> None:
    """Wait until one of the processes builds the index."""
    until(
        lambda: index(db) is not None or any(process.poll() is not None for process in processes),
        what="an index",
    )
    assert all(process.poll() is None for process in processes)


def ledger(db: psycopg.Connection) -> list[tuple[str, bool]]:
    """Return versions and whether they are still running."""
    return db.execute("select version, running from public.schema_migrations order by 1").fetchall()


def locks(db: psycopg.Connection) -> int:
    """Return how many advisory locks are held."""
    [count] = db.execute("select count(*)::int from pg_locks where locktype = 'advisory'").fetchone() or (0,)
    return int(count)


def test_a_concurrent_build_is_applied_and_recorded(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The index is valid, the row says done, the lock is free, a second run has nothing to do."""
    app = project(tmp_path)
    assert [outcome.ms is not None for outcome in app.migrate(each_url)] == [True, True]
    assert (index(db), ledger(db), locks(db)) == (True, [("000", False), ("001", False)], 0)
    assert app.migrate(each_url) == []


def test_it_may_be_the_first_file(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """The ledger is made before the row that says running."""
    vacuum = "-- runner: no-transaction\nvacuum;\n"
    make(tmp_path, app={"000_vacuum.sql": vacuum}).migrate(each_url)
    assert ledger(db) == [("000", False)]


def test_duplicates_leave_an_invalid_index_that_is_never_recorded(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The failure names the index to drop; `if not exists` over it is caught too; without it, it works."""
    app = project(tmp_path, unique="unique", table=TABLE + DUPLICATES)
    with pytest.raises(SqlFailed, match="could not create unique index") as failed:
        app.migrate(each_url)
    assert "drop index public.i;" in (failed.value.remedy or "")
    assert (index(db), ledger(db), locks(db)) == (False, [("000", False), ("001", True)], 0)
    with pytest.raises(IndexInvalid, match="it is not recorded"):
        app.migrate(each_url)
    assert ledger(db)[-1] == ("001", True)
    db.execute("drop index public.i; delete from public.one")
    app.migrate(each_url)
    assert (index(db), ledger(db)[-1]) == (True, ("001", False))


ATTACHED = """
    create table public.one (id int) partition by range (id);
    create table public.one_1 partition of public.one for values from (0) to (10);
    insert into public.one values (1), (1);
    create unique index u on only public.one (id);
"""


def test_an_invalid_index_of_a_partition_is_built_anew(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The index of the whole table needs it: it cannot be dropped."""
    text = "-- runner: no-transaction\ncreate unique index concurrently if not exists i on public.one_1 (id);"
    app = make(tmp_path, app={"000_one.sql": ATTACHED, "001_i.sql": text})
    with pytest.raises(SqlFailed, match="could not create unique index") as failed:
        app.migrate(each_url)
    assert "drop index public.i;" in (failed.value.remedy or "")
    db.execute("alter index public.u attach partition public.i")
    with pytest.raises(IndexInvalid) as caught:
        app.migrate(each_url)
    assert caught.value.remedy == "reindex index concurrently public.i; Then run again."
    db.execute("delete from public.one")
    db.execute("reindex index concurrently public.i")
    assert [outcome.migration.version for outcome in app.migrate(each_url)] == ["001"]


def test_an_interrupted_file_is_pending_and_safe_to_run_again(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Killed in the middle of the build: the row says running; when the leftover is dropped it converges."""
    app = project(tmp_path)
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as blocker:
        blocker.execute("insert into public.one values (1)")  # the build waits for this transaction
        process = app.process("migrate", APP_URL=each_url)
        _until_built(db, process)
        process.kill()
        process.communicate()
    assert ledger(db)[-1] == ("001", True)
    building = "select from pg_stat_activity where query ~ 'index concurrently' and pid <> pg_backend_pid()"
    until(lambda: not db.execute(building).rowcount, what="the end of the build")
    if index(db) is False:
        db.execute("drop index public.i")
    app.migrate(each_url)
    assert (index(db), ledger(db), locks(db)) == (True, [("000", False), ("001", False)], 0)


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "pooled"])
def test_an_interrupted_file_may_be_corrected_to_run_in_a_transaction(
    tmp_path: Path, each_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, *, is_direct: bool
) -> None:
    """Its row makes room for the one that says it is applied, in the transaction that applies it."""
    wrong = "-- runner: no-transaction\ncreate index concurrently i on public.one (nosuch);\n"
    app = make(tmp_path, app={"000_one.sql": TABLE, "001_i.sql": wrong})
    with pytest.raises(SqlFailed):
        app.migrate(each_url)
    assert ledger(db) == [("000", False), ("001", True)]
    app.write("app", {"001_i.sql": "create index i on public.one (nosuch);\n"})
    with pytest.raises(SqlFailed, match="nosuch"):
        app.migrate(each_url)
    assert ledger(db) == [("000", False), ("001", True)]
    app.write("app", {"001_i.sql": "create index i on public.one (id);\n", "002_two.sql": "select 1;\n"})
    found = lambda *known: Access(*known)._replace(is_direct=is_direct)  # noqa: E731 - one expression
    monkeypatch.setattr("runner.planning.site.Access", found)
    app.migrate(each_url)
    assert ledger(db) == [("000", False), ("001", False), ("002", False)]
    assert index(db) is True


def test_what_another_runner_has_finished_meanwhile_stays_recorded(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """A plan that takes it for interrupted is older: its row makes no room, and it does not run again."""
    insert = "insert into public.one values (1);"
    app = make(tmp_path, app={"000_one.sql": TABLE, "001_insert.sql": insert})
    app.migrate(each_url)
    migrations = folder.load("app", tmp_path / "app", root=tmp_path)
    before = Before(has_ledger=True, version="000", begun=("001",))
    with database.connect(each_url, source="x") as connection:
        events = list(apply.apply(Access(connection, lambda: connection), migrations[1:], before))
    assert [event.ms for event in events if isinstance(event, Outcome)] == [None]
    assert ledger(db) == [("000", False), ("001", False)]
    assert db.execute("select count(*) from public.one").fetchone() == (1,)


def test_an_interrupted_file_that_runs_again_is_recorded_as_of_then(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """When it is applied, by whom and by which runner, not when somebody began with it in vain."""
    app = project(tmp_path)
    app.migrate(each_url, to=0)
    db.execute(
        "insert into public.schema_migrations values ('app', '001', 'index', 'sha256:0', 'select 1',"
        " '2000-01-01', 'somebody', 0, '0.0', true)"
    )
    app.migrate(each_url)
    row = (
        "select applied_at > now() - interval '1 minute', applied_by, runner_version, checksum <> 'sha256:0'"
    )
    rows = db.execute(f"{row} from public.schema_migrations where version = '001'".encode()).fetchall()
    assert rows == [(True, "postgres", __version__, True)]


def test_it_runs_with_the_settings_of_the_runner(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """As a file in a transaction does, whatever the database says; a dead client is noticed soon."""
    for setting in ("standard_conforming_strings = off", "row_security = on", "lock_timeout = '3h'"):
        db.execute(f"alter database {db.info.dbname} set {setting}".encode())
    look = """
        create table public.seen as
        select s.name, current_setting(s.name) as value from pg_settings as s where s.source = 'session'
    """
    text = f"-- runner: no-transaction\ndo $$ begin {look}; commit; end $$;"
    make(tmp_path, app={"000_look.sql": text}).migrate(each_url)
    rows: list[tuple[str, str]] = db.execute("select name, value from public.seen").fetchall()
    assert {
        "application_name": "runner:app/000_look.sql",
        "client_connection_check_interval": "1s",
        "lock_timeout": "5s",
        "row_security": "off",
        "standard_conforming_strings": "on",
    }.items() <= dict(rows).items()


def test_a_wreck_of_somebody_else_is_no_obstacle_to_a_first_try(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """What no try of this file can have left is not held against it."""
    text = "-- runner: no-transaction\ncreate index concurrently on public.one (id);"
    app = make(tmp_path, app={"000_one.sql": TABLE + DUPLICATES, "001_index.sql": text})
    app.migrate(each_url, to=0)
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute("create unique index concurrently one_id_idx on public.one (id)")
    assert [outcome.migration.version for outcome in app.migrate(each_url)] == ["001"]


def test_what_the_server_says_of_an_index_that_is_there_is_told(tmp_path: Path, each_url: str) -> None:
    """It explains why the one that is found is invalid: it was passed over."""
    app = project(tmp_path, unique="unique", table=TABLE + DUPLICATES)
    with pytest.raises(SqlFailed):
        app.migrate(each_url)
    migrations = folder.load("app", tmp_path / "app", root=tmp_path)
    before = Before(has_ledger=True, version="000", begun=("001",))
    told: list[str] = []
    with database.connect(each_url, source="x") as connection:
        events = apply.apply(Access(connection, lambda: connection), migrations[1:], before)
        with pytest.raises(IndexInvalid):
            told.extend(type(event).__name__ for event in events)
    assert told == ["Started", "Noticed"]


def test_two_runners_and_a_concurrent_build_do_not_deadlock(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The second waits outside any transaction, and finds the file applied."""
    app = project(tmp_path)
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as blocker:
        blocker.execute("insert into public.one values (1)")
        both = [app.process("migrate", APP_URL=each_url) for _ in range(2)]
        _until_built(db, *both)
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert index(db) is True
    assert sum("already done by another runner" in output for output in outputs) <= 1
    assert ledger(db) == [("000", False), ("001", False)]


def test_a_held_lock_is_waited_for(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """It is the key of the transactional files, so the two kinds exclude each other."""
    app = project(tmp_path)
    app.migrate(each_url, to=0)
    db.execute(LOCK)
    events = app.events(each_url)
    assert isinstance(next(events), Started)
    assert isinstance(next(events), Waiting)
    events.close()
    with pytest.raises(LockHeld):
        app.migrate(each_url, wait_lock=0)
    assert index(db) is None


def test_what_builds_nothing_concurrently_gives_up_as_any_file_does(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """It is tried again, says who blocks it, and is applied when the lock is free."""
    text = "-- runner: no-transaction\nvacuum full public.one;"
    app = make(tmp_path, app={"000_one.sql": TABLE, "001_x.sql": text})
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as reader:
        reader.execute("set idle_in_transaction_session_timeout = '100s'; select from public.one")
        events, error = given_up(app, each_url, 0.6, by=reader.info.backend_pid)
        assert "waited too long" in error.message
        assert sum(isinstance(one, Retrying) for one in events) == RETRIES
        assert f"pid {reader.info.backend_pid}" in "".join(error.notes)
        assert ledger(db)[-1] == ("001", True)
    app.migrate(each_url)
    assert ledger(db)[-1] == ("001", False)


def test_a_query_behind_it_waits_no_longer_than_the_lock_timeout(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """While the file waits for a reader, others queue behind it; it leaves the queue in time."""
    app = make(tmp_path, app={"000_one.sql": TABLE, "001_x.sql": "-- runner: no-transaction\nvacuum full;"})
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as reader:
        reader.execute("select from public.one")
        process = app.process("migrate", "--lock-timeout", "0.5", APP_URL=each_url)
        waiting = "select from pg_locks where not granted and relation = 'public.one'::regclass"
        until(lambda: db.execute(waiting).rowcount or process.poll() is not None, what="a file that waits")
        assert process.poll() is None
        started = time.monotonic()
        db.execute("set statement_timeout = '5s'")
        db.execute("select from public.one")
        assert time.monotonic() - started < 0.5 + ROOM
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert ledger(db)[-1] == ("001", False)


def test_a_block_that_may_have_committed_is_not_repeated(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """A part of it is done; whether it may run twice, a person decides."""
    block = "do $$ begin insert into public.one values (1); commit; lock table public.two; end $$;"
    tables = f"{TABLE}create table public.two (id int);"
    app = make(tmp_path, app={"000_one.sql": tables, "001_x.sql": f"-- runner: no-transaction\n{block}"})
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as reader:
        reader.execute("select from public.two")
        with pytest.raises(LockTimeout, match="It is not recorded") as caught:
            list(app.events(each_url, lock_timeout=0.2))
    assert "What it committed before remains" in (caught.value.remedy or "")
    assert db.execute("select count(*) from public.one").fetchone() == (1,)


def test_a_concurrent_build_waits_as_long_as_it_takes(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The lock timeout would leave its index invalid."""
    app = project(tmp_path)
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as blocker:
        blocker.execute("insert into public.one values (1)")
        process = app.process("migrate", "--lock-timeout", "0.2", APP_URL=each_url)
        _until_built(db, process)
        time.sleep(1)
        assert process.poll() is None
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, index(db)) == (0, True), output


THEIRS = """
    create table public.theirs (id int);
    insert into public.theirs values (1), (1);
"""
WRECK = "create unique index concurrently wreck on public.theirs (id)"


def test_the_invalid_index_of_another_team_is_not_judged(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Neither one that was there before, nor one that fails on another table meanwhile."""
    app = project(tmp_path)
    app.migrate(each_url, to=0)
    db.execute(THEIRS)
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute(WRECK)
    with psycopg.connect(each_url) as blocker:
        blocker.execute("insert into public.one values (1)")
        process = app.process("migrate", APP_URL=each_url)
        _until_built(db, process)
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute(WRECK.replace("wreck", "wreck_too"))
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, index(db)) == (0, True), output


def test_an_invalid_index_that_the_file_names_is_judged(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Also on another table of the schema, where `if not exists` would pass over it in silence."""
    app = project(tmp_path)
    app.migrate(each_url, to=0)
    db.execute(THEIRS)
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute(WRECK.replace("wreck", "i"))
    with pytest.raises(IndexInvalid, match=r"public\.i"):
        app.migrate(each_url)


def test_a_failed_rebuild_names_what_it_left(tmp_path: Path, each_url: str, db: psycopg.Connection) -> None:
    """The index itself is as good as before; its copy is to be dropped, with its name in quotes."""
    table = f'{TABLE}create unique index "I" on public.one (id);'
    rebuild = '-- runner: no-transaction\nreindex index concurrently public."I";'
    app = make(tmp_path, app={"000_one.sql": table, "001_x.sql": rebuild})
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as blocker:
        blocker.execute("insert into public.one values (1)")
        process = app.process("migrate", "--statement-timeout", "1", APP_URL=each_url)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    [statement] = re.findall(r"drop index [^;]*;", output)
    assert statement == 'drop index public."I_ccnew";'
    db.execute(statement)
    app.migrate(each_url)
    assert ledger(db)[-1] == ("001", False)


DETACHED = {
    "000_m.sql": """
        create table public.m (id int) partition by range (id);
        create table public.m1 partition of public.m for values from (0) to (10);
    """,
    "001_detach.sql": "-- runner: no-transaction\n"
    "alter table public.m detach partition public.m1 concurrently;",
}
ENDS = {
    "a time limit": ("--statement-timeout", "0.7"),
    "Ctrl-C": (),
    "a lost session": (),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_partition_that_may_be_half_detached_is_spoken_of(
    tmp_path: Path, each_url: str, db: psycopg.Connection, end: str
) -> None:
    """It counts no longer as one, so the file fails when it runs again; the way told leads on."""
    app = make(tmp_path, app=DETACHED)
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as reader:
        reader.execute("select from public.m")
        process = app.process("migrate", *ENDS[end], APP_URL=each_url)
        if not ENDS[end]:
            pending = "select from pg_inherits where inhdetachpending"
            until(lambda: bool(db.execute(pending).rowcount), what="the half of a detach")
            if end == "Ctrl-C":
                process.send_signal(signal.SIGINT)
            else:
                db.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where query ~ 'partition public.m1 c' and pid <> pg_backend_pid()"
                )
        output, _ = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    assert "names a half detached partition" in re.sub(r"\s+", " ", output), output
    named = app.process("verify", APP_URL=each_url).communicate(timeout=30)[0]
    if "half detached" in named:
        db.execute("alter table public.m detach partition public.m1 finalize")
        db.execute("alter table public.m attach partition public.m1 for values from (0) to (10)")
    app.migrate(each_url)
    assert ledger(db)[-1] == ("001", False)


PARTITIONED = {
    "000_p.sql": """
        create table public.p (id int) partition by range (id);
        create table public.p_1 partition of public.p for values from (0) to (10);
        create table public.p_2 partition of public.p for values from (10) to (20);
    """,
    "001_only.sql": "create index p_id on only public.p (id);",
    "002_one.sql": "-- runner: no-transaction\ncreate index concurrently p_1_id on public.p_1 (id);",
    "003_two.sql": "-- runner: no-transaction\ncreate index concurrently p_2_id on public.p_2 (id);",
    "004_attach.sql": "alter index public.p_id attach partition public.p_1_id;"
    "alter index public.p_id attach partition public.p_2_id;",
}


def test_the_index_of_a_partitioned_table_may_wait_for_its_partitions(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """The manual's own recipe: the parent's index is invalid until the last partition has its own.

    It may even be made outside a transaction, though it need not.
    """
    app = make(tmp_path, app=PARTITIONED)
    app.write("app", {"001_only.sql": f"-- runner: no-transaction\n{PARTITIONED['001_only.sql']}"})
    app.migrate(each_url)
    assert ledger(db)[-1] == ("004", False)
    row = db.execute("select bool_and(indisvalid) from pg_index where indexrelid::regclass::text ~ '^p_'")
    assert row.fetchone() == (True,)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("create index concurrently i on t (id)", ("i", "t")),
        (
            "create unique index concurrently if not exists I on only public.T using hash (x)",
            ("public.I", "public.T"),
        ),
        ('create index concurrently "a b" on "S"."on" (id)', ('"S"."a b"', '"S"."on"')),
        ("create index concurrently on t (id)", (None, "t")),
        ("-- on x\ncreate /* i */ index concurrently -- j\n k on\n s . t (id)", ("s . k", "s . t")),
        ('drop index concurrently if exists s."I", j', ('s."I"', None)),
        ("reindex index concurrently i", (None, None)),
        ("vacuum full", (None, None)),
    ],
)
def test_what_a_file_names_is_read_from_it(text: str, named: tuple[str | None, str | None]) -> None:
    """The index with the schema of its table, in which PostgreSQL makes it."""
    assert files.indexes(text) == named


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("select 1;\nselect 2;", "holds more than one statement"),
        ("begin;", "controls the transaction"),
        ("", "holds no statement"),
    ],
)
def test_it_holds_exactly_one_statement(tmp_path: Path, url: str, text: str, says: str) -> None:
    """Several statements in one message would be a transaction after all."""
    with pytest.raises(FileRefused, match=says):
        make(tmp_path, app={"000_x.sql": "-- runner: no-transaction\n" + text}).migrate(url)


PROCEDURE = "create procedure public.p() language plpgsql as $$ begin commit; end $$;"
ENUM = "create type public.mood as enum ('sad');"
NEEDS = {
    "a partitioned table, as only the server knows": (
        "create table public.p (id int) partition by range (id); create index i on public.p (id);",
        "reindex index public.i;",
        "Put this statement alone into a file whose header says `-- runner: no-transaction`.",
    ),
    "a procedure that is not called by name": (
        PROCEDURE,
        "do $$ begin execute 'call public.p()'; end $$;",
        "Put this statement alone into a file whose header says `-- runner: no-transaction`.",
    ),
    "a statement in a block": (
        TABLE,
        "do $$ begin execute 'create index concurrently i on public.one (id)'; end $$;",
        "No function and no block may run this statement: take it out.",
    ),
    "a value of an enum that is too new": (
        ENUM,
        "alter type public.mood add value 'glad'; select 'glad'::public.mood;",
        "add it in a file of its own, before this one",
    ),
}


@pytest.mark.parametrize("name", NEEDS)
def test_what_only_the_server_knows_has_the_remedy_too(tmp_path: Path, each_url: str, name: str) -> None:
    """What the scanner cannot know is told when the file fails, with the remedy that helps."""
    before, text, remedy = NEEDS[name]
    with pytest.raises(SqlFailed, match=r"25001|2D000|55P04") as caught:
        make(tmp_path, app={"000_x.sql": before, "001_y.sql": text}).migrate(each_url)
    assert remedy in (caught.value.remedy or "")


def test_such_a_block_works_where_the_remedy_puts_it(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """A block that commits, alone in a file without a transaction, is applied and recorded."""
    block = "do $$ begin create table public.two (id int); commit; end $$;"
    calls = {"001_call.sql": "-- runner: no-transaction\ncall public.p();"}
    do = {"002_do.sql": f"-- runner: no-transaction\n{block}"}
    make(tmp_path, app={"000_p.sql": PROCEDURE, **calls, **do}).migrate(each_url)
    assert ledger(db) == [("000", False), ("001", False), ("002", False)]


@pytest.mark.parametrize("name", ['public."T x"', '"T x"'])
def test_a_wreck_of_an_earlier_try_is_found_though_the_file_gives_no_name(
    tmp_path: Path, each_url: str, db: psycopg.Connection, name: str
) -> None:
    """Each try makes an index of another name; the wreck of another index is nobody's business here."""
    text = f"-- runner: no-transaction\ncreate unique index concurrently on {name} (id) where id > 0;"
    table = 'create table public."T x" (id int, n int);'
    app = make(tmp_path, app={"000_t.sql": table, "001_index.sql": text})
    app.migrate(each_url, to=0)
    db.execute('insert into public."T x" values (1, 1), (1, 1)')
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute('create unique index concurrently other on public."T x" (n)')
    with pytest.raises(SqlFailed):
        app.migrate(each_url)
    db.execute('delete from public."T x"')
    with pytest.raises(IndexInvalid, match=r'invalid index, public."T x_id_idx": it') as caught:
        app.migrate(each_url)
    assert ledger(db)[1] == ("001", True)
    db.execute((caught.value.remedy or "").partition(" Then")[0].encode())
    assert len(app.migrate(each_url)) == 1
    count = "select count(*) from pg_index where indrelid = 'public.\"T x\"'::regclass"
    assert db.execute(count.encode()).fetchone() == (2,), "one built, and that of another"


def test_a_wreck_is_found_where_no_schema_is_named(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Along the path of the session, as the statement finds it."""
    text = "-- runner: no-transaction\ncreate unique index concurrently if not exists i on one (id);"
    app = make(tmp_path, app={"000_one.sql": TABLE + DUPLICATES, "001_index.sql": text})
    with pytest.raises(SqlFailed) as failed:
        app.migrate(each_url)
    assert "drop index public.i;" in (failed.value.remedy or "")
    db.execute("delete from public.one")
    with pytest.raises(IndexInvalid, match=r"public\.i"):
        app.migrate(each_url)
    assert index(db) is False
