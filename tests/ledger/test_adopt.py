"""The ledger changed without running a file."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from runner import __version__, config, database, ledger
from runner.errors import CommitUnknown, LedgerChanged, LockHeld
from runner.files import folder
from runner.ledger import adopt
from tests.faults.proxy import Fault, Proxy
from tests.project import TWO, make

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from runner.model import Migration
    from tests.project import Project

LOCK = "select pg_advisory_lock(hashtextextended('public.schema_migrations', 0))"


def load(root: Path) -> tuple[Migration, ...]:
    """Return the files of a small project."""
    [series] = config.load(make(root, app=TWO).file).series
    return folder.load(series.name, series.folder, root=root)


def test_baseline_records_all_or_nothing(tmp_path: Path, each_url: str) -> None:
    """Every file is recorded in one transaction, with its text; a second baseline is refused."""
    files = load(tmp_path)
    with database.connect(each_url, source="x") as connection:
        adopt.baseline(connection, files)
        rows = ledger.read(connection, series="app") or ()
        assert [(row.label, row.checksum, row.execution_ms) for row in rows] == [
            (file.label, file.checksum, 0) for file in files
        ]
        assert ledger.text(connection, rows[1]) == files[1].sql
        with pytest.raises(LedgerChanged, match="already records 001_two"):
            adopt.baseline(connection, files)
        assert database.query(connection, "select to_regclass('public.one')") == [(None,)], "nothing was run"


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.CUT], ids=["committed", "not committed"])
def test_a_commit_without_an_answer_is_unknown(tmp_path: Path, url: str, fault: Fault) -> None:
    """Running again would be refused where it came through: who is told so looks first."""
    files = load(tmp_path)
    with Proxy(f"{conninfo_to_dict(url)['host']}/.s.PGSQL.5432") as proxy:
        far = database.connect(proxy.url(str(conninfo_to_dict(url)["dbname"])), source="x")
        proxy.plant(fault, when=b"\x0bcommit\0")
        with pytest.raises(CommitUnknown, match="No answer"):
            adopt.baseline(far, files)
    with database.connect(url, source="x") as connection:
        assert len(ledger.read(connection, series="app") or ()) == (2 if fault is Fault.LOSE_ANSWER else 0)


def test_ctrl_c_in_a_commit_leaves_it_unknown(tmp_path: Path, url: str) -> None:
    """The server may have committed: whoever is told of a mere interruption would take it for undone."""

    def interrupted(connection: database.Connection, text: str) -> object:
        done = run(connection, text)
        if text == "commit":
            raise KeyboardInterrupt
        return done

    run = database.run
    with database.connect(url, source="x") as connection:
        either = pytest.raises((CommitUnknown, KeyboardInterrupt))  # the second would end the tests
        with patch.object(database, "run", interrupted), either as caught:
            adopt.baseline(connection, load(tmp_path))
        assert isinstance(caught.value, CommitUnknown)
        assert len(ledger.read(connection, series="app") or ()) == 2


def test_accept_changes_one_row(tmp_path: Path, each_url: str) -> None:
    """Only checksum and text of that file; the other row stays as it is."""
    files = load(tmp_path)
    with database.connect(each_url, source="x") as connection:
        adopt.baseline(connection, files)
        rows = "select version, checksum, applied_at from public.schema_migrations order by 1"
        before = database.query(connection, rows)
        make(tmp_path / "edited", app=TWO | {"000_one.sql": "select 1;"})
        edited = folder.load("app", tmp_path / "edited" / "app", root=tmp_path)[0]
        adopt.accept(connection, edited)
        after = database.query(connection, rows)
    assert after == [("000", edited.checksum, before[0][2]), before[1]]


def test_accept_says_which_runner_did_it(tmp_path: Path, url: str) -> None:
    """The checksum is of its rule; the other row keeps the version of the runner that wrote it."""
    files = load(tmp_path)
    with database.connect(url, source="x") as connection:
        adopt.baseline(connection, files)
        database.run(connection, "update public.schema_migrations set runner_version = '0.0'")
        adopt.accept(connection, files[0])
        rows = "select version, runner_version from public.schema_migrations order by 1"
        assert database.query(connection, rows) == [("000", __version__), ("001", "0.0")]


def test_who_checks_waits_for_no_lock_for_long(tmp_path: Path, url: str) -> None:
    """Every runner waits for baseline meanwhile, whatever the database says of timeouts."""
    found: list[tuple[str]] = []
    with database.connect(url, source="x") as connection:
        database.run(connection, "set lock_timeout = 0")
        adopt.baseline(
            connection,
            load(tmp_path),
            check=lambda: found.extend(database.query(connection, "show lock_timeout")),
        )
    assert found == [("10s",)]


def _accept(app: Project, url: str, meanwhile: str) -> Result:
    """Edit the second file, and answer yes when somebody has meanwhile run a statement."""
    app.write("app", {"001_two.sql": f"{TWO['001_two.sql']}\n-- a comment"})

    def asked(question: str) -> bool:
        with closing(database.connect(url, source="x")) as other:
            database.run(other, meanwhile)
        return question == "Record app/001_two.sql as it is now?"

    with patch("click.confirm", asked):
        return app.run(CliRunner(), "accept", "app", "1", APP_URL=url)


ANOTHER = "update public.schema_migrations set name = 'other', sql = 'select 1', checksum = 'sha256:0'"
MEANWHILE = {
    "gone": ("delete from public.schema_migrations where version = '001'", []),
    "another": (f"{ANOTHER} where version = '001'", [("other", "sha256:0", "select 1")]),
    "no ledger": ("alter table public.schema_migrations rename to old", None),
}


@pytest.mark.parametrize(("meanwhile", "left"), MEANWHILE.values(), ids=MEANWHILE)
def test_what_was_shown_is_accepted_or_nothing(
    app: Project, each_url: str, meanwhile: str, left: list[tuple[str, str, str]] | None
) -> None:
    """Who was asked about one row does not change another, nor is told that one is recorded that is gone."""
    app.migrate(each_url)
    result = _accept(app, each_url, meanwhile)
    told = "error LEDGER_CHANGED: app 001_two is no longer recorded as it was shown: somebody has changed"
    assert (result.exit_code, told in result.stderr) == (4, True), result.output
    if left is not None:
        with closing(database.connect(each_url, source="x")) as connection:
            rows = "select name, checksum, sql from public.schema_migrations where version = '001'"
            assert database.query(connection, rows) == left


def test_a_held_lock_is_not_waited_for(tmp_path: Path, each_url: str) -> None:
    """The error names the holder, and nothing is recorded."""
    files = load(tmp_path)
    with (
        database.connect(each_url, source="x") as other,
        database.connect(each_url, source="x") as connection,
    ):
        other.execute(LOCK)
        with pytest.raises(LockHeld) as caught:
            adopt.baseline(connection, files)
        assert f"pid {other.info.backend_pid}" in caught.value.notes[0]
        assert ledger.read(connection, series="app") is None


HALVES = """
    select pg_advisory_lock((key >> 32)::int, (key << 32 >> 32)::int)
    from hashtextextended('public.schema_migrations', 0) as key
"""


def test_only_who_holds_the_lock_itself_is_named(tmp_path: Path, url: str, other_url: str) -> None:
    """Neither one who holds that of another database, nor one of a lock of two numbers that looks like it."""
    with (
        database.connect(other_url, source="x") as elsewhere,
        database.connect(url, source="x") as alike,
        database.connect(url, source="x") as holder,
        database.connect(url, source="x") as connection,
    ):
        elsewhere.execute(LOCK)
        alike.execute(HALVES)
        holder.execute(LOCK)
        with pytest.raises(LockHeld) as caught:
            adopt.baseline(connection, load(tmp_path))
        told = [note.partition(",")[0] for note in caught.value.notes]
        assert told == [f"held by pid {holder.info.backend_pid}"]
