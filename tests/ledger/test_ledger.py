"""Read, create and trust the ledger."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database, ledger
from runner.errors import LedgerUntrusted, LockTimeout, WrongDatabase
from runner.files import folder
from runner.ledger import holders
from tests import servers
from tests.faults import bad
from tests.faults.stage import until
from tests.project import TWO, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.database import Connection
    from tests.project import Project


@pytest.fixture
def db(each_url: str) -> Iterator[Connection]:
    """Return a connection to an empty database."""
    with database.connect(each_url, source="x") as connection:
        yield connection


def create(db: Connection) -> None:
    """Create an empty ledger."""
    database.run(db, "begin")
    ledger.create(db)
    database.run(db, "commit")


def test_no_ledger_is_not_an_empty_ledger(db: Connection) -> None:
    """Reading does not create the table."""
    assert ledger.read(db, series="app") is None
    assert ledger.read(db, series="app") is None
    create(db)
    assert ledger.read(db, series="app") == ()


def test_rows_come_back_as_they_were_recorded(tmp_path: Path, each_url: str, db: Connection) -> None:
    """Every column but the text is read; the text is read for one row."""
    make(tmp_path, app=TWO).migrate(each_url)
    rows = ledger.read(db, series="app")
    assert rows is not None
    assert [(row.series, row.label, row.applied_by) for row in rows] == [
        ("app", "000_one", "postgres"),
        ("app", "001_two", "postgres"),
    ]
    assert ledger.text(db, rows[0]) == TWO["000_one.sql"]


def test_the_ledger_and_each_of_its_columns_is_commented(db: Connection) -> None:
    """A DBA who finds the table can see what it is."""
    create(db)
    [(missing,)] = database.query(
        db,
        "select count(*) filter (where col_description(attrelid, attnum) is null) from pg_attribute"
        " where attrelid = 'public.schema_migrations'::regclass and attnum > 0",
    )
    assert missing == 0
    assert database.query(db, "select obj_description('public.schema_migrations'::regclass) is not null") == [
        (True,)
    ]


def test_texts_are_stored_as_they_are(db: Connection) -> None:
    """To compress them takes longer than all else of a record; a few hundred kilobytes are no matter."""
    create(db)
    assert database.query(
        db,
        "select attstorage::text from pg_attribute"
        " where attrelid = 'public.schema_migrations'::regclass and attname = 'sql'",
    ) == [("e",)]


def test_the_public_may_not_write_it(db: Connection) -> None:
    """Other roles have no privilege on the ledger, even where default privileges would give one."""
    db.execute("alter default privileges in schema public grant all on tables to public")
    create(db)
    for right in ("insert", "update", "delete", "truncate"):
        assert database.query(
            db, "select has_table_privilege('pg_monitor', 'public.schema_migrations', %s)", right
        ) == [(False,)]


@pytest.mark.parametrize("version", ["x", "3", "0003", "", "²²²"])
def test_a_version_that_is_no_number_is_refused(db: Connection, version: str) -> None:
    """A row somebody wrote by hand is named, not stumbled over."""
    create(db)
    row = "insert into public.schema_migrations values ('app', %s, 'n', 'c', 's', now(), 'me', 0, '1')"
    db.execute(row, (version,))
    with pytest.raises(LedgerUntrusted, match=f"records a version that is no number: '{version}'"):
        ledger.read(db, series="app")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (("0", "1", "0002", "999", "1000"), ["000", "001", "002", "999", "1000"]),
        (("1", "001"), None),
        (("1", "x"), None),
    ],
)
def test_what_takes_the_zeros_from_a_number_is_mended_as_told(
    db: Connection, written: tuple[str, ...], read: list[str] | None
) -> None:
    """The statement leads back; there is none where a row has the right number, too, or one has no number."""
    create(db)
    row = "insert into public.schema_migrations values ('app', %s, 'n', 'c', 's', now(), 'me', 0, '1')"
    for version in written:
        db.execute(row, (version,))
    with pytest.raises(LedgerUntrusted) as caught:
        ledger.read(db, series="app")
    _, update, statement = (caught.value.remedy or "").partition("update ")
    assert bool(update) == (read is not None)
    if read:
        db.execute((update + statement).encode())
        assert sorted((one.version for one in ledger.read(db, series="app") or ()), key=int) == read


@pytest.mark.parametrize(
    ("time", "year"), [("infinity", 9999), ("20000-01-01", 9999), ("-infinity", 1), ("0044-03-15 BC", 1)]
)
def test_a_time_that_python_does_not_know_is_told_as_the_nearest(
    db: Connection, time: str, year: int
) -> None:
    """Somebody wrote it by hand; no command stumbles over it."""
    create(db)
    row = "insert into public.schema_migrations values ('app', '000', 'n', 'c', 's', %s, 'me', 0, '1')"
    db.execute(row, (time,))
    [found] = ledger.read(db, series="app") or ()
    assert found.applied_at.year == year


def test_another_series_is_refused(tmp_path: Path, each_url: str, db: Connection) -> None:
    """Auth files can never land in the specs database."""
    make(tmp_path, app=TWO).migrate(each_url)
    with pytest.raises(WrongDatabase, match="belongs to series app, not other"):
        ledger.read(db, series="other")


@pytest.fixture
def roles(db: Connection) -> Iterator[Connection]:
    """Make three plain roles: owner, a member of it, and a stranger."""
    db.execute("create role t_owner; create role t_member in role t_owner; create role t_stranger")
    db.execute("grant create on schema public to t_owner")
    try:
        yield db
    finally:
        db.execute("reset role")
        db.execute("drop owned by t_owner, t_member, t_stranger")
        db.execute("drop role t_member; drop role t_owner; drop role t_stranger")


@pytest.mark.parametrize(
    ("owner", "role", "trusted"),
    [
        ("t_owner", "t_owner", True),
        ("t_owner", "t_member", True),
        ("t_owner", "t_stranger", False),
        ("t_owner", "postgres", False),
        ("postgres", "postgres", True),
        ("postgres", "t_owner", False),
    ],
)
def test_the_owner_of_the_ledger_must_be_ours(
    roles: Connection, owner: str, role: str, *, trusted: bool
) -> None:
    """The migrating role, or a role it is in; for a superuser another superuser or the database's owner."""
    roles.execute(f"set role {owner}".encode())
    create(roles)
    roles.execute(f"set role {role}".encode())
    [result] = database.run(roles, ledger.SHAPE)
    shape = ledger.shape(roles, result)
    assert shape
    if trusted:
        ledger.check_owner(shape)
    else:
        with pytest.raises(LedgerUntrusted, match=f"belongs to {owner}, and {role} is not"):
            ledger.check_owner(shape)


def test_select_is_enough_to_read(roles: Connection) -> None:
    """A role that may only select reads the ledger; one that may not is told what to grant."""
    create(roles)
    roles.execute("set role t_stranger")
    with pytest.raises(LedgerUntrusted, match="t_stranger may not read") as caught:
        ledger.read(roles, series="app")
    assert "grant select on public.schema_migrations to t_stranger;" in (caught.value.remedy or "")
    roles.execute("reset role; grant select on public.schema_migrations to t_stranger; set role t_stranger")
    assert ledger.read(roles, series="app") == ()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for the ledger as long as a person may."""
    monkeypatch.setattr("runner.ledger.table._PATIENCE", "set local lock_timeout = '300ms';")


@pytest.mark.usefixtures("hurried")
def test_who_keeps_readers_away_is_named(tmp_path: Path, each_url: str, db: Connection) -> None:
    """Whoever looks waits for a while, not for ever; what ends it stands there to be pasted."""
    app = make(tmp_path, app=TWO)
    app.migrate(each_url)
    with closing(database.connect(each_url, source="x", application="an owner")) as other:
        database.run(other, "begin; lock table public.schema_migrations")
        with pytest.raises(LockTimeout, match=r"lock on public\.schema_migrations") as caught:
            app.migrate(each_url)
        [note] = caught.value.notes
        assert "application an owner, idle in transaction" in note
        database.run(db, note.partition("to end it: ")[2])
    assert app.migrate(each_url) == []


@pytest.mark.usefixtures("hurried")
def test_who_keeps_readers_away_is_named_within_a_transaction(tmp_path: Path, url: str) -> None:
    """As where a row is changed: the transaction, which has failed, answers no question."""
    make(tmp_path, app=TWO).migrate(url)
    [first, _] = folder.load("app", tmp_path / "app", root=tmp_path)
    with (
        database.connect(url, source="x") as connection,
        closing(database.connect(url, source="x", application="an owner")) as other,
    ):
        database.run(other, "begin; lock table public.schema_migrations")
        with pytest.raises(LockTimeout) as caught:
            ledger.accept(connection, first)
    assert "application an owner" in caught.value.notes[0]


def test_who_locks_a_table_of_the_same_number_elsewhere_is_not_named(url: str, other_url: str) -> None:
    """What is copied from one template has the same numbers in each database: nobody ends a session there."""
    catalog = "pg_catalog.pg_description"
    with (
        database.connect(url, source="x") as here,
        closing(database.connect(other_url, source="x")) as elsewhere,
    ):
        database.run(elsewhere, f"begin; lock table {catalog}")
        assert holders.kept(here, table=catalog).notes == ()
        with closing(database.connect(url, source="x", application="an owner")) as other:
            database.run(other, f"begin; lock table {catalog}")
            [note] = holders.kept(here, table=catalog).notes
            assert "application an owner" in note


@pytest.mark.usefixtures("hurried")
def test_a_prepared_transaction_that_keeps_readers_away_is_named(tmp_path: Path) -> None:
    """No session has its lock: it is ended by its name."""
    app = make(tmp_path, app=TWO)
    with bad.started(servers.NEWEST, "max_prepared_transactions=2") as server:
        url = server.url("postgres")
        app.migrate(url)
        with closing(database.connect(url, source="x")) as db:
            database.run(db, "begin; lock table public.schema_migrations; prepare transaction 'it''s'")
            with pytest.raises(LockTimeout) as caught:
                app.migrate(url)
            [note] = caught.value.notes
            assert note.startswith("prepared transaction it's")
            database.run(db, note.partition("to end it: ")[2])
        assert app.migrate(url) == []


@pytest.mark.usefixtures("hurried")
def test_a_replay_that_keeps_readers_away_is_named(tmp_path: Path) -> None:
    """It cannot be terminated: its transaction ends on the primary; a paused replay has to go on first."""
    app = make(tmp_path, app=TWO)
    with bad.started(servers.NEWEST) as primary, closing(psycopg.connect(primary.url("postgres"))) as other:
        app.migrate(primary.url("postgres"), to=0)
        other.execute("create role t_onlooker login; grant select on public.schema_migrations to t_onlooker")
        other.commit()
        with bad.started(servers.NEWEST, copy_of=primary) as standby:
            url = standby.url("postgres")
            other.execute("lock table public.schema_migrations in access exclusive mode")
            bad.query(primary.url("postgres"), "create table public.sent ()")  # and the lock before it
            held = "select 1 from pg_locks where relation = 'public.schema_migrations'::regclass"
            until(lambda: bool(bad.query(url, held)))
            for role in ("postgres@", "t_onlooker@"):
                [note] = _kept_away(app, url.replace("postgres@", role))
                assert "the server itself, which replays a transaction of its primary" in note
                assert note.endswith("until it ends there")
            bad.query(url, "select pg_wal_replay_pause()")
            other.rollback()
            [note] = _kept_away(app, url)
            assert "paused" in note
            bad.query(url, note.partition("to go on: ")[2])
            until(lambda: not bad.query(url, held))


def _kept_away(app: Project, url: str) -> tuple[str, ...]:
    with pytest.raises(LockTimeout) as caught:
        app.migrate(url)
    return caught.value.notes
